// Reads messages as lines of JSON on standard input ({"id", "content"}, in base64), and
// prints what mailparser and postal-mime make of each, as lines of JSON, in order.
"use strict";

const readline = require("node:readline");
const { simpleParser } = require("mailparser");
const PostalMime = require("postal-mime").default ?? require("postal-mime");

const flat = (list) =>
  (list ?? []).flatMap((one) => (one.group ? flat(one.group) : [[one.name ?? "", one.address ?? ""]]));

const octets = (content) => Buffer.from(content ?? "").toString("base64");

const byMailparser = async (content) => {
  const mail = await simpleParser(content, {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
    skipTextLinks: true,
    keepDeliveryStatus: true,
  });
  const addresses = (field) => [].concat(field ?? []).flatMap((one) => flat(one.value));
  return {
    subject: mail.subject ?? "",
    from: addresses(mail.from),
    to: addresses(mail.to),
    cc: addresses(mail.cc),
    reply_to: addresses(mail.replyTo),
    message_id: mail.messageId ?? "",
    date: mail.date ? mail.date.getTime() / 1000 : null,
    text: mail.text ?? "",
    html: mail.html || "",
    files: mail.attachments.map((one) => [one.filename ?? "", one.contentType ?? "", octets(one.content)]),
  };
};

const byPostalMime = async (content) => {
  const mail = await PostalMime.parse(content, { forceRfc822Attachments: true });
  const date = Date.parse(mail.date ?? "");
  return {
    subject: mail.subject ?? "",
    from: flat(mail.from ? [mail.from] : []),
    to: flat(mail.to),
    cc: flat(mail.cc),
    reply_to: flat(mail.replyTo),
    message_id: mail.messageId ?? "",
    date: Number.isNaN(date) ? null : date / 1000,
    text: mail.text ?? "",
    html: mail.html ?? "",
    files: mail.attachments.map((one) => [one.filename ?? "", one.mimeType ?? "", octets(one.content)]),
  };
};

const attempt = async (read, content) => {
  try {
    return await read(content);
  } catch (error) {
    return { error: String(error) };
  }
};

const main = async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const content = Buffer.from(JSON.parse(line), "base64");
    const readings = {
      mailparser: await attempt(byMailparser, content),
      "postal-mime": await attempt(byPostalMime, content),
    };
    process.stdout.write(`${JSON.stringify(readings)}\n`);
  }
};

main();
