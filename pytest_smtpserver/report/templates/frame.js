/* HTML of a message, made harmless by the browser's own parser before any frame has it.
   Nothing here is the only guard: the frame is sandboxed, and the policy of this page
   holds in it too. */

const FORBIDDEN = new Set(
  ("applet audio base embed fencedframe frame frameset iframe link math meta noembed " +
    "noframes noscript object param plaintext portal script slot source svg template " +
    "track video xmp").split(" "),
);
const ALLOWED_ATTRIBUTES = new Set(
  ("abbr align alt axis bgcolor border cellpadding cellspacing checked class clear color " +
    "cols colspan dir disabled face headers height hidden hspace id label lang media " +
    "nowrap open placeholder reversed role rows rowspan rules scope selected size span " +
    "start style summary text title type valign value vspace width").split(" "),
);
const PICTURES = /^image\/(png|jpe?g|gif|webp|bmp|x-icon|avif)$/i;
const PICTURE_DATA = /^\s*data:image\/(png|jpe?g|gif|webp|bmp|x-icon|avif)[;,]/i;

const FRAME_POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; " +
  "form-action 'none'; base-uri 'none'";
const FRAME_STYLE = (dark) => `
:root { color-scheme: ${dark ? "dark" : "light"}; }
html { background: ${dark ? "#16181d" : "#fff"}; color: ${dark ? "#e6e8ec" : "#16181d"};
  overflow-wrap: break-word; font: 16px/1.5 system-ui, sans-serif; }
img { max-width: 100%; }
.smtp-blocked { display: inline-block; box-sizing: border-box; max-width: 100%;
  overflow: hidden; border: 1px dashed #808690; padding: 2px 6px; color: #5b616b;
  background: #f1f2f4; font: 12px/1.4 ui-monospace, monospace; overflow-wrap: anywhere;
  text-align: left; }`;

const placeholder = (document_, element, address) => {
  const box = document_.createElement("span");
  box.className = "smtp-blocked";
  const words = element.getAttribute("alt");
  box.textContent = `${words ? `${words} ` : ""}[not loaded: ${address || "no address"}]`;
  for (const side of ["width", "height"]) {
    const length = element.getAttribute(side) || "";
    // A pixel that counts readers is shown too.
    if (/^\d+$/.test(length) && Number(length) >= 40) box.style[side] = `${length}px`;
  }
  return box;
};

/* Media queries for the colour scheme, answered by us and not by the reader's system. */
const scheme = (css, dark) =>
  css.replace(/prefers-color-scheme\s*:\s*(dark|light)/gi, (_, wanted) =>
    (wanted.toLowerCase() === "dark") === dark ? "min-width:0" : "max-width:0",
  );

const NOTHING = "data:,";
/* CSS as the browser writes it: no escapes, and every address as url("..."). */
const disarmed = (css, context) =>
  scheme(css, context.dark)
    .replace(/url\("((?:[^"\\]|\\.)*)"\)/gi, (own, address) => {
      if (address === NOTHING || PICTURE_DATA.test(address)) return own;
      context.blocked.push(address);
      return `url("${NOTHING}")`;
    })
    // What is in a custom property is not written anew.
    .replace(/--[^:;{}]*:[^;{}]*(\\|url|image|src\()[^;{}]*/gi, "--left-out: none");

const cleanStyleSheet = (text, context) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text); // without its @import rules
  return disarmed([...sheet.cssRules].map((rule) => rule.cssText).join("\n"), context);
};

const cleanAttributes = (element, context) => {
  for (const { name } of [...element.attributes]) {
    const lowered = name.toLowerCase();
    if (!ALLOWED_ATTRIBUTES.has(lowered) && !lowered.startsWith("aria-")) {
      element.removeAttribute(name);
    } else if (lowered === "style") {
      element.setAttribute("style", disarmed(element.style.cssText, context));
    }
  }
};

const cleanElement = (element, context) => {
  const document_ = element.ownerDocument;
  const kind = element.localName;
  if (element.namespaceURI !== "http://www.w3.org/1999/xhtml" || FORBIDDEN.has(kind)) {
    if (kind === "svg" || kind === "math") {
      element.replaceWith(placeholder(document_, element, `inline ${kind}`));
      context.blocked.push(`inline ${kind}`);
    } else {
      element.remove();
    }
    return;
  }
  if (kind === "form") {
    const box = document_.createElement("div");
    box.append(...element.childNodes);
    element.replaceWith(box);
    return;
  }
  if (kind === "img" || (kind === "input" && element.type === "image")) {
    const address = (element.getAttribute("src") || "").trim();
    const part = /^cid:/i.test(address) ? context.picture(address.slice(4)) : null;
    const own = part || (PICTURE_DATA.test(address) ? address : null);
    if (own === null || kind === "input") {
      if (!/^(cid|data):/i.test(address)) context.blocked.push(address || "no address");
      element.replaceWith(placeholder(document_, element, address.slice(0, 300)));
      return;
    }
    cleanAttributes(element, context);
    element.setAttribute("src", own);
    return;
  }
  if (kind === "a" || kind === "area") {
    const address = element.getAttribute("href");
    cleanAttributes(element, context);
    if (address) {
      element.setAttribute("title", visible(address).slice(0, 2000));
      element.setAttribute("role", "link");
      if (!element.style.color) element.style.color = context.dark ? "#8ab4ff" : "#0645ad";
      element.style.textDecoration ||= "underline";
    }
    return;
  }
  if (["input", "button", "select", "textarea"].includes(kind)) {
    cleanAttributes(element, context);
    element.setAttribute("disabled", "");
    return;
  }
  if (kind === "style") element.textContent = cleanStyleSheet(element.textContent, context);
  const background = element.getAttribute("background");
  if (background) context.blocked.push(background);
  cleanAttributes(element, context);
};

const cleanOnce = (html, context) => {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const before = parsed.querySelectorAll("*").length;
  for (const element of [...parsed.querySelectorAll("*")]) {
    if (element.isConnected) cleanElement(element, context);
  }
  const body = parsed.body;
  if (body && body.localName !== "body") body.remove(); // a frameset
  return { parsed, before };
};

/* What is cleaned and written down may be read as something else: clean until nothing
   changes. Null where it never comes to rest. */
const cleanHtml = (html, options) => {
  let text = html;
  const blocked = [];
  for (let round = 0; round < 5; round += 1) {
    const context = { ...options, blocked: round === 0 ? blocked : [] };
    const { parsed } = cleanOnce(text, context);
    const cleaned = parsed.documentElement.outerHTML;
    if (cleaned === text) return { html: text, blocked: [...new Set(blocked)] };
    text = cleaned;
  }
  return null;
};

const frameOf = (message, dark) => {
  const picture = (identifier) => {
    let wanted = identifier;
    try {
      wanted = decodeURIComponent(identifier);
    } catch {
      /* a lone percent sign */
    }
    const file = message.files.find((one) => one.cid && one.cid === wanted);
    const text = file && PICTURES.test(file.type) ? blobText(file.blob) : null;
    return text === null || text === undefined ? null : `data:${file.type};base64,${text}`;
  };
  const cleaned = cleanHtml(message.html, { picture, dark });
  if (cleaned === null) return null;
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "");
  frame.setAttribute("referrerpolicy", "no-referrer");
  frame.title = "The HTML of the message";
  const head =
    `<!doctype html><meta charset="utf-8">` +
    `<meta http-equiv="Content-Security-Policy" content="${FRAME_POLICY}">` +
    `<meta http-equiv="x-dns-prefetch-control" content="off">` +
    `<style>${FRAME_STYLE(dark)}</style>`;
  frame.srcdoc = head + cleaned.html;
  return { frame, blocked: cleaned.blocked };
};
