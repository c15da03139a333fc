// Reads a job as JSON on standard input, sends its messages with nodemailer, and
// prints what became of each as JSON. See nodemailer.py for the fields.
"use strict";

const fs = require("node:fs");
const net = require("node:net");
const nodemailer = require("nodemailer");

function describe(error) {
  const fields = {};
  const names = ["name", "message", "code", "responseCode", "response", "command"];
  for (const name of [...names, "rejected"]) {
    if (error[name] !== undefined) fields[name] = error[name];
  }
  for (const one of error.rejectedErrors || []) {
    (fields.rejectedErrors ||= []).push({ recipient: one.recipient, ...describe(one) });
  }
  return fields;
}

function message(given) {
  const { raw_base64: raw, ...rest } = given;
  return raw === undefined ? rest : { ...rest, raw: Buffer.from(raw, "base64") };
}

async function attempt(action) {
  try {
    const info = await action();
    if (info === true) return { ok: true };
    const { accepted, rejected, response, envelope, messageId } = info;
    const rejectedErrors = (info.rejectedErrors || []).map((one) => ({
      recipient: one.recipient,
      ...describe(one),
    }));
    return { ok: true, accepted, rejected, rejectedErrors, response, envelope, messageId };
  } catch (error) {
    return { ok: false, error: describe(error) };
  }
}

async function main() {
  const job = JSON.parse(fs.readFileSync(0, "utf8"));
  const { socketPath } = job.transport;
  if (socketPath) {
    // nodemailer knows no Unix sockets, but takes a connection that is made for it.
    job.transport.getSocket = (_options, done) => {
      const connection = net.connect(socketPath);
      connection.once("error", done);
      connection.once("connect", () => done(null, { connection }));
    };
  }
  const transport = nodemailer.createTransport(job.transport);
  const results = [];
  if (job.verify) results.push(await attempt(() => transport.verify()));
  const send = (given) => attempt(() => transport.sendMail(message(given)));
  if (job.parallel) {
    results.push(...(await Promise.all(job.messages.map(send))));
  } else {
    for (const given of job.messages) results.push(await send(given));
  }
  transport.close();
  process.stdout.write(JSON.stringify(results));
}

main();
