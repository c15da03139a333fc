/* The list of tests, the search, the keys, and what is open. */

const FILTERS = [
  ["", "All"],
  ["failed", "Failed"],
  ["passed", "Passed"],
  ["r", "Refused"],
  ["u", "Unfinished"],
  ["v", "Violations"],
];
const state = { rows: [], filter: "", words: [], texts: null, open: null };
const byId = (id) => document.getElementById(id);
const narrow = matchMedia("(max-width: 799px)");

const badge = (outcome) => (outcome ? el("span", { class: `badge ${outcome}` }, outcome) : null);

const rowElement = (row) => {
  const [file, ...rest] = row.name.split("::");
  const messages = row.messages;
  const shown = messages.length
    ? messages.slice(0, 3).map(([subject, , to]) =>
        el("span", { class: "line" }, visible(subject) || "(no subject)", el("span", { class: "to" }, ` → ${visible(to.join(", "))}`)))
    : [el("span", { class: "line none" }, "no message")];
  if (messages.length > 3) shown.push(el("span", { class: "line" }, `and ${messages.length - 3} more`));
  const link = el(
    "a",
    { href: `#${row.id}` },
    el("span", { class: "name" }, visible(rest.length ? rest.join("::") : file), " ", badge(row.outcome)),
    rest.length ? el("span", { class: "file" }, visible(file)) : null,
    ...shown,
  );
  row.element = el("li", {}, link);
  row.link = link;
  return row.element;
};

const haystack = (row) => [row.name, ...row.messages.flat(2)].join("\n").toLowerCase();

/* Long lists are made in pieces, so that the first message is there at once. */
const PIECE = 300;
const addRows = (from) => {
  const piece = state.rows.slice(from, from + PIECE);
  byId("list").append(...piece.map(rowElement));
  for (const row of piece) row.element.hidden = !matches(row);
  if (state.open && piece.includes(state.open)) mark(state.open);
  if (from + PIECE < state.rows.length) setTimeout(addRows, 0, from + PIECE);
  else byId("list").dataset.whole = "";
};

const mark = (row) => {
  if (!row.link) return; // not made yet
  row.link.setAttribute("aria-current", "true");
  row.element.scrollIntoView({ block: "nearest" });
};

const matches = (row) => {
  const { filter, words, texts } = state;
  if (filter.length > 1 && row.outcome !== filter) return false;
  if (filter.length === 1 && !row.flags.includes(filter)) return false;
  return words.every(
    (word) => row.haystack.includes(word) || (texts && (texts.get(row) || "").includes(word)),
  );
};

const shownRows = () => state.rows.filter(matches);

const refresh = (searching) => {
  let count = 0;
  for (const row of state.rows) {
    const hidden = !matches(row);
    if (row.element) row.element.hidden = hidden;
    if (!hidden) count += 1;
  }
  const all = state.rows.length;
  const { noun } = document.body.dataset;
  const total = `${all} ${noun}${all === 1 ? "" : "s"}`;
  byId("count").textContent =
    (count === all ? total : `${count} of ${total}`) + (searching ? ", reading texts …" : "");
};

/* Texts are read when somebody searches for the first time. */
const readTexts = async () => {
  if (state.texts) return;
  state.texts = new Map();
  for (let block = 0; block < blockTexts.length; block += 1) {
    const entries = await loadBlock(block).catch(() => []);
    for (const row of state.rows) {
      if (row.block !== block) continue;
      const messages = entries[row.place].messages;
      state.texts.set(row, messages.map((one) => `${one.text}\n${one.plain}`).join("\n").toLowerCase());
    }
    refresh(block + 1 < blockTexts.length);
  }
};

const search = () => {
  state.words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  refresh(false);
  if (state.words.length) readTexts();
};

const filterButtons = () => {
  const has = (key) =>
    key === "" || state.rows.some((row) => (key.length > 1 ? row.outcome === key : row.flags.includes(key)));
  const buttons = FILTERS.filter(([key]) => has(key)).map(([key, name]) =>
    el(
      "button",
      {
        type: "button",
        "aria-pressed": String(key === state.filter),
        onclick: (event) => {
          state.filter = key;
          for (const one of buttons) one.setAttribute("aria-pressed", String(one === event.currentTarget));
          refresh(false);
        },
      },
      name,
    ),
  );
  byId("filters").replaceChildren(...buttons);
};

const messageSection = (row, entry, at, message) => {
  const session = message.session === null ? null : entry.servers[message.server].sessions[message.session];
  const id = `${row.id}.${at + 1}`;
  const facts = [
    ["From", message.author],
    ["Envelope", `${message.from || "<>"} → ${message.to.join(", ")}`],
    ...message.rejected.map(([address, reply]) => ["Refused", `${address}: ${reply}`]),
    ["Received", `${message.received.replace("T", " ")} · ${size(message.size)}`],
  ];
  return el(
    "section",
    { class: "message", "data-id": id },
    el(
      "div",
      { class: "letter" },
      el("h3", {}, visible(message.subject) || "(no subject)", " ", el("a", { class: "anchor", href: `#${id}`, "aria-label": "Link to this message" }, "#")),
      el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", name === "Refused" ? { class: "bad" } : {}, visible(value))])),
      ...tabs(viewsOf(message, session), "Views of the message"),
    ),
    session ? el("aside", { "aria-label": "Dialogue" }, sessionView(session)) : null,
  );
};

const serverLine = (server) =>
  el(
    "div",
    { class: "where" },
    el("p", {}, el("code", {}, visible(server.where)), server.options.length ? ` with ${visible(server.options.join(", "))}` : ""),
    server.unused ? el("pre", { class: "failure" }, visible(server.unused)) : null,
  );

const entryView = (row, entry, wanted) => {
  const many = entry.messages.length > 1;
  const at = Math.min(Math.max(wanted - 1, 0), Math.max(entry.messages.length - 1, 0));
  const silent = entry.servers.flatMap((server) => server.sessions.filter((one) => !one.delivered));
  return [
    el("p", { class: "back" }, el("a", { href: "#" }, `← all ${document.body.dataset.noun}s`)),
    el("h2", {}, visible(entry.name), " ", badge(entry.outcome), entry.duration ? el("small", {}, ` ${entry.duration.toFixed(3)} s`) : ""),
    entry.failure ? el("pre", { class: "failure", tabindex: "0", role: "region", "aria-label": "What failed" }, visible(entry.failure)) : null,
    ...entry.servers.map(serverLine),
    many
      ? el(
          "ol",
          { class: "messages", "aria-label": "Messages" },
          ...entry.messages.map((message, number) =>
            el(
              "li",
              {},
              el(
                "a",
                { href: `#${row.id}.${number + 1}`, "aria-current": number === at ? "true" : null },
                visible(message.subject) || "(no subject)",
                el("span", { class: "to" }, ` → ${visible(message.to.join(", "))} · ${size(message.size)}`),
              ),
            ),
          ),
        )
      : null,
    entry.messages.length ? messageSection(row, entry, at, entry.messages[at]) : el("p", { class: "note" }, "No message arrived."),
    silent.length
      ? el("section", { class: "silent" }, el("h3", {}, "Connections without a message"), ...silent.map(sessionView),
          ...silent.filter((one) => one.findings.length).map((one) => el("ul", { class: "findings" }, ...one.findings.map(finding))))
      : null,
  ].filter((one) => one !== null);
};

const openRow = async (row, wanted) => {
  if (state.open && state.open.link) state.open.link.removeAttribute("aria-current");
  state.open = row;
  document.body.classList.toggle("reading", row !== null);
  if (row === null) return;
  mark(row);
  const entries = await loadBlock(row.block);
  if (state.open !== row) return; // another one was opened meanwhile
  byId("detail").replaceChildren(...entryView(row, entries[row.place], wanted));
  byId("detail").scrollTop = 0;
  if (narrow.matches) scrollTo(0, 0);
};

const route = async () => {
  const hash = decodeURIComponent(location.hash.slice(1));
  const cut = hash.lastIndexOf(".");
  const id = cut < 0 ? hash : hash.slice(0, cut);
  const row = state.rows.find((one) => one.id === id);
  if (row) {
    await openRow(row, cut < 0 ? 1 : Number(hash.slice(cut + 1)));
  } else if (!narrow.matches && state.rows.length && !state.open) {
    await openRow(state.rows[0], 1);
  } else if (narrow.matches) {
    await openRow(null, 1);
  }
};

const step = (by) => {
  const rows = shownRows();
  if (!rows.length) return;
  const here = rows.indexOf(state.open);
  const row = rows[here < 0 ? 0 : Math.min(Math.max(here + by, 0), rows.length - 1)];
  history.replaceState(null, "", `#${row.id}`);
  openRow(row, 1);
};

const onKey = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "Escape") {
    if (typing || state.words.length) {
      byId("search").value = "";
      search();
      byId("search").blur();
    } else if (narrow.matches) {
      location.hash = "";
    }
  } else if (!typing && event.key === "/") {
    event.preventDefault();
    location.hash = narrow.matches ? "" : location.hash;
    byId("search").focus();
  } else if (!typing && (event.key === "j" || event.key === "k")) {
    step(event.key === "j" ? 1 : -1);
  }
};

const summary = (whole) => {
  const count = (test) => state.rows.filter(test).length;
  const messages = state.rows.reduce((sum, row) => sum + row.messages.length, 0);
  const failed = count((row) => row.outcome === "failed");
  const words = [
    `${messages} message${messages === 1 ? "" : "s"}`,
    ...(failed ? [`${failed} failed`] : []),
    ...(whole ? [] : ["this run was cut off"]),
  ];
  byId("summary").prepend(`${words.join(" · ")} · `);
};

const start = async () => {
  const { rows, whole } = await loadIndex();
  state.rows = rows;
  byId("app").hidden = false;
  document.documentElement.classList.add("ready");
  if (!rows.length) {
    byId("app").replaceChildren(el("p", { class: "empty" }, document.body.dataset.nothing));
    summary(whole);
    return;
  }
  for (const row of rows) row.haystack = haystack(row);
  filterButtons();
  addRows(0);
  refresh(false);
  summary(whole);
  byId("search").addEventListener("input", search);
  addEventListener("keydown", onKey);
  addEventListener("hashchange", route);
  await route();
  document.documentElement.classList.add("shown");
};

document.addEventListener("DOMContentLoaded", start);
