// Writes the letters that come as JSON on standard input, with nodemailer's composer,
// and prints the raw messages in base64, as JSON.
"use strict";

const MailComposer = require("nodemailer/lib/mail-composer");

const mailbox = ([name, address]) => ({ name, address });

const file = (one) => ({
  filename: one.name,
  contentType: one.content_type,
  content: Buffer.from(one.content, "hex"),
  ...(one.content_id ? { cid: one.content_id } : {}),
});

const build = (letter) =>
  new MailComposer({
    from: mailbox(letter.sender),
    to: letter.to.map(mailbox),
    cc: letter.cc.map(mailbox),
    replyTo: letter.reply_to.map(mailbox),
    subject: letter.subject,
    text: letter.text || undefined,
    html: letter.html || undefined,
    attachments: [...letter.images, ...letter.attachments].map(file),
  })
    .compile()
    .build();

const main = async () => {
  let input = "";
  for await (const chunk of process.stdin) {
    input += chunk;
  }
  const messages = await Promise.all(JSON.parse(input).map(build));
  const encoded = messages.map((message) => message.toString("base64"));
  process.stdout.write(JSON.stringify(encoded));
};

main();
