/* What is shown of one message and of one session. */

const el = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
};

const table = (caption, heads, rows) =>
  el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell))))),
    ),
  );

const plainText = (text, name) =>
  el("pre", { class: "text", tabindex: "0", role: "region", "aria-label": name }, visible(text));

const WIDTHS = [
  ["375", "Phone, 375 px"],
  ["768", "Tablet, 768 px"],
  ["", "Full width"],
];
const chosen = { width: "", dark: false, view: "" };

const htmlView = (message) => {
  const stage = el("div", { class: "stage" });
  const note = el("p", { class: "note", role: "status" });
  const draw = () => {
    const made = frameOf(message, chosen.dark);
    if (made === null) {
      stage.replaceChildren(
        el("p", { class: "note" }, "This HTML cannot be made harmless; see the source."),
      );
      return;
    }
    made.frame.style.width = chosen.width ? `${chosen.width}px` : "100%";
    stage.classList.toggle("dark", chosen.dark);
    stage.replaceChildren(made.frame);
    const count = made.blocked.length;
    note.replaceChildren(
      count ? `${count} ${count === 1 ? "thing" : "things"} of elsewhere not loaded: ` : "",
      count ? visible(made.blocked.slice(0, 20).join(" · ").slice(0, 1500)) : "",
    );
  };
  const buttons = WIDTHS.map(([width, name]) =>
    el(
      "button",
      {
        type: "button",
        "aria-pressed": String(chosen.width === width),
        onclick: (event) => {
          chosen.width = width;
          for (const one of buttons) one.setAttribute("aria-pressed", String(one === event.currentTarget));
          draw();
        },
      },
      name,
    ),
  );
  const dark = el(
    "button",
    {
      type: "button",
      "aria-pressed": String(chosen.dark),
      onclick: () => {
        chosen.dark = !chosen.dark;
        dark.setAttribute("aria-pressed", String(chosen.dark));
        draw();
      },
    },
    "Dark mode",
  );
  draw();
  return el(
    "div",
    {},
    el("div", { class: "bar", role: "group", "aria-label": "How the HTML is shown" }, ...buttons, dark),
    stage,
    note,
  );
};

const headersView = (message) =>
  table(
    "Header fields",
    ["Field", "Value"],
    message.fields.map(([name, decoded, raw]) => [
      visible(name),
      el("div", {}, visible(decoded), raw ? el("div", { class: "raw" }, visible(raw)) : null),
    ]),
  );

const SHOWN_SOURCE = 200_000;
const sourceView = (message) => {
  const { octets, whole } = sourceOf(message);
  const shown = new TextDecoder().decode(octets.subarray(0, SHOWN_SOURCE));
  const cut = octets.length > SHOWN_SOURCE ? `\n[${size(octets.length - SHOWN_SOURCE)} more]` : "";
  return el(
    "div",
    {},
    el(
      "p",
      { class: "bar" },
      whole
        ? el(
            "button",
            { type: "button", onclick: () => save(octets, "message.eml", "message/rfc822") },
            `Download .eml (${size(message.size)})`,
          )
        : "This message is too large to be on the page as a whole; --smtp-save keeps it.",
    ),
    plainText(shown + cut, "Source"),
  );
};

const fileRow = (file) => {
  const text = blobText(file.blob);
  return [
    visible(file.name) || el("i", {}, "no name"),
    visible(file.type) + (file.inline ? ", in the HTML" : ""),
    size(file.size),
    text === null
      ? "left out: too large"
      : el(
          "button",
          {
            type: "button",
            "aria-label": `Download ${visible(file.name) || file.type}`,
            onclick: () => save(fromBase64(text), file.name, "application/octet-stream"),
          },
          "Download",
        ),
  ];
};

const partsView = (message) =>
  el(
    "div",
    {},
    message.files.length
      ? table("Files", ["File", "Type", "Size", "Save"], message.files.map(fileRow))
      : el("p", { class: "note" }, "No files."),
    el("h4", {}, "Structure"),
    el(
      "ul",
      { class: "tree" },
      ...message.parts.map(([depth, type, name, count]) =>
        el("li", { style: `margin-inline-start:${depth * 1.25}rem` }, `${visible(type)}${name ? ` · ${visible(name)}` : ""} · ${size(count)}`),
      ),
    ),
  );

const linksView = (message) =>
  message.links.length
    ? el(
        "ol",
        { class: "links" },
        ...message.links.map((link) =>
          el(
            "li",
            {},
            /^(https?:\/\/|mailto:)/i.test(link)
              ? el("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, visible(link))
              : el("code", {}, visible(link)),
          ),
        ),
      )
    : el("p", { class: "note" }, "No links.");

const finding = (one) =>
  el(
    "li",
    { class: one.kind },
    el("b", {}, one.kind === "violation" ? "Violation" : "Advice"),
    ` ${one.what} (${one.section}; ${one.where})`,
    one.line ? el("pre", {}, visible(one.line)) : null,
    el("p", {}, one.why),
  );

const problemsView = (message, session) => {
  const findings = session ? session.findings : [];
  if (!findings.length && !message.defects.length) return el("p", { class: "note" }, "Nothing to complain about.");
  return el(
    "ul",
    { class: "findings" },
    ...message.defects.map((defect) => el("li", { class: "violation" }, el("b", {}, "Defect"), ` ${visible(defect)}`)),
    ...findings.map(finding),
  );
};

const viewsOf = (message, session) => {
  const problems = message.defects.length + (session ? session.findings.length : 0);
  const views = [];
  if (message.html) views.push(["HTML", () => htmlView(message)]);
  views.push(["Text", () => (message.text || !message.plain
    ? plainText(message.text, "Text")
    : el("div", {}, el("p", { class: "note" }, "There is no text; this is that of the HTML."), plainText(message.plain, "Text")))]);
  views.push(["Headers", () => headersView(message)]);
  views.push(["Source", () => sourceView(message)]);
  views.push([`Parts${message.files.length ? ` (${message.files.length})` : ""}`, () => partsView(message)]);
  views.push([`Links${message.links.length ? ` (${message.links.length})` : ""}`, () => linksView(message)]);
  views.push([`Problems${problems ? ` (${problems})` : ""}`, () => problemsView(message, session)]);
  return views;
};

let tabNumber = 0;
const tabs = (views, label) => {
  tabNumber += 1;
  const stem = `tab${tabNumber}`;
  const panel = el("div", { class: "panel", role: "tabpanel", id: `${stem}-panel`, tabindex: "0" });
  const buttons = views.map(([name], at) =>
    el("button", { type: "button", role: "tab", id: `${stem}-${at}`, "aria-controls": panel.id, onclick: () => choose(at, true) }, name),
  );
  const choose = (at, remember) => {
    buttons.forEach((button, index) => {
      button.setAttribute("aria-selected", String(index === at));
      button.tabIndex = index === at ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `${stem}-${at}`);
    if (remember) chosen.view = views[at][0].split(" (")[0];
    panel.replaceChildren(views[at][1]());
  };
  const list = el("div", {
    class: "tabs",
    role: "tablist",
    "aria-label": label,
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const here = buttons.indexOf(document.activeElement);
      if (!step || here < 0) return;
      event.preventDefault();
      const next = (here + step + buttons.length) % buttons.length;
      choose(next, true);
      buttons[next].focus();
    },
  }, ...buttons);
  const wanted = views.findIndex(([name]) => name.split(" (")[0] === chosen.view);
  choose(Math.max(wanted, 0), false);
  return [list, panel];
};

const saidLine = ([when, who, said, rule]) => {
  const bad = who === "S" && /^[45]/.test(said) ? " bad" : "";
  const kind = who === "C" ? "client" : who === "S" ? `server${bad}` : "note";
  return el(
    "li",
    { class: kind },
    el("span", { class: "when" }, when),
    el("span", { class: "who" }, who),
    el("span", { class: "said" }, visible(said) || "\u00a0", rule ? el("mark", {}, ` ← ${visible(rule)}`) : null),
  );
};

const dialogue = (session) =>
  el(
    "div",
    { class: "dialogue", tabindex: "0", role: "region", "aria-label": "Dialogue" },
    el("ol", {}, ...session.dialogue.map(saidLine)),
  );

const sessionView = (session) =>
  el(
    "section",
    { class: "session" },
    el("h4", {}, visible(session.title)),
    ...session.undelivered.map((one) =>
      el(
        "p",
        { class: "undelivered" },
        `Not delivered: ${visible(one.reason)}. From ${visible(one.from) || "<>"} to ${visible(one.to.join(", ")) || "nobody"}`,
        one.size ? `, ${size(one.size)} of content came.` : ".",
      ),
    ),
    dialogue(session),
  );
