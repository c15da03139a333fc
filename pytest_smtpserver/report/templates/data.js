"use strict";
/* The data of the page: packed blocks of entries, and the files of messages. */

const fromBase64 = (text) => {
  const characters = atob(text);
  const octets = new Uint8Array(characters.length);
  for (let at = 0; at < characters.length; at += 1) octets[at] = characters.charCodeAt(at);
  return octets;
};

const unpacked = async (text) => {
  const packed = new Blob([fromBase64(text)]).stream();
  const plain = packed.pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(plain).text());
};

const blockTexts = [];
const blockPromises = [];

const loadBlock = (number) => {
  if (!blockPromises[number]) {
    blockPromises[number] = unpacked(blockTexts[number].textContent);
  }
  return blockPromises[number];
};

/* One row of the list for each entry. A page that was cut off has no index: then all
   blocks are read. */
const loadIndex = async () => {
  blockTexts.push(...document.querySelectorAll("script.block"));
  const index = document.querySelector("script.index");
  const rows = [];
  if (index) {
    for (const line of await unpacked(index.textContent)) {
      const [block, place, id, name, outcome, messages, flags, duration] = line;
      rows.push({ block, place, id, name, outcome, messages, flags, duration });
    }
    return { rows, whole: true };
  }
  for (let block = 0; block < blockTexts.length; block += 1) {
    let entries;
    try {
      entries = await loadBlock(block);
    } catch {
      continue; // it was being written when the run ended
    }
    entries.forEach(({ id, name, outcome, messages, flags, duration }, place) => {
      const shown = messages.map((one) => [one.subject, one.from, one.to, one.author]);
      rows.push({ block, place, id, name, outcome, messages: shown, flags, duration });
    });
  }
  const rank = (row) => (row.outcome === "failed" ? 0 : 2) + (row.messages.length ? 0 : 1);
  rows.sort((one, other) => rank(one) - rank(other));
  return { rows, whole: false };
};

const blobText = (digest) => {
  const script = digest && document.getElementById(`blob-${digest}`);
  return script ? script.textContent : null;
};

/* The source of a message: its octets, and whether all of them are here. */
const sourceOf = (message) => {
  const pieces = [];
  let whole = true;
  for (const piece of message.source) {
    if (typeof piece === "string") {
      pieces.push(piece);
      continue;
    }
    const [digest, length, lineEnd, tail] = piece;
    const text = typeof digest === "string" ? blobText(digest) : null;
    if (text === null) {
      whole = false;
      pieces.push("[left out]\r\n");
      continue;
    }
    const lines = [];
    for (let at = 0; at < text.length; at += length) lines.push(text.slice(at, at + length));
    pieces.push(lines.join(lineEnd), tail);
  }
  const characters = pieces.join("");
  const octets = new Uint8Array(characters.length);
  for (let at = 0; at < characters.length; at += 1) octets[at] = characters.charCodeAt(at);
  return { octets, whole };
};

const UNITS = [
  [1e6, "MB"],
  [1e3, "kB"],
];
const size = (count) => {
  for (const [unit, name] of UNITS) {
    if (count >= unit) return `${(count / unit).toFixed(1)} ${name}`;
  }
  return `${count} B`;
};

/* Text in which nothing acts or hides: control, formatting and blank characters stand as
   escapes; the two variation selectors of emojis stay. */
const ACTS =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\u{e0100}-\u{e01ef}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu;
const visible = (text) =>
  text.replace(/\r\n/g, "\n").replace(ACTS, (one) => {
    const code = one.codePointAt(0).toString(16);
    if (code.length > 4) return `\\U${code.padStart(8, "0")}`;
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
  });

const save = (octets, name, type) => {
  const address = URL.createObjectURL(new Blob([octets], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name || "file";
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
};
