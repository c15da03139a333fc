// Reads a job as JSON on standard input, sends its messages with nodemailer, and
// prints what became of each as JSON. See nodemailer.py for the fields. Instead of one
// job there may be rounds of jobs: those of a round are done at once.
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
  const { raw_base64: raw, raw_repeated: repeated, ...rest } = given;
  if (repeated) return { ...rest, raw: Buffer.alloc(repeated.octets, repeated.text) };
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

async function work(job) {
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
  return results;
}

async function main() {
  const given = JSON.parse(fs.readFileSync(0, "utf8"));
  if (!given.rounds) return process.stdout.write(JSON.stringify(await work(given)));
  const results = [];
  for (const round of given.rounds) {
    results.push(await Promise.all(round.map(work)));
  }
  // nodemailer waits seconds for servers that do not close their side.
  process.stdout.write(JSON.stringify(results), () => process.exit());
}

main();
