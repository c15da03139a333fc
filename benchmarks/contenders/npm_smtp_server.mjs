// smtp-server from npm in its fastest honest set-up: no logger, no reverse
// look-up, no authentication, each message kept. Its wait of 100 ms for early
// talkers is a constant in its connection code and no option turns it off;
// with EARLY_TALKERS=patched timers of exactly 100 ms fire at once, so that the
// rows of new connections can show what stands behind the wait.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

if (process.env.EARLY_TALKERS === 'patched') {
    const realSetTimeout = globalThis.setTimeout;
    globalThis.setTimeout = (callback, delay, ...rest) =>
        realSetTimeout(callback, delay === 100 ? 0 : delay, ...rest);
}

const require = createRequire(import.meta.url);
let SMTPServer;
try {
    ({ SMTPServer } = require('smtp-server'));
} catch {
    console.log('UNAVAILABLE smtp-server is missing: npm install --no-package-lock --prefix benchmarks');
    process.exit(0);
}

const kept = [];
const certificate = process.argv.indexOf('--certificate');
const pem = certificate < 0 ? undefined : readFileSync(process.argv[certificate + 1]);
const server = new SMTPServer({
    logger: false,
    disableReverseLookup: true,
    disabledCommands: pem ? ['AUTH'] : ['AUTH', 'STARTTLS'],
    ...(pem ? { key: pem, cert: pem } : {}),
    onData(stream, session, callback) {
        const chunks = [];
        stream.on('data', chunk => chunks.push(chunk));
        stream.on('end', () => {
            const { mailFrom, rcptTo } = session.envelope;
            kept.push([mailFrom, rcptTo, Buffer.concat(chunks)]);
            callback();
        });
    }
});
server.on('error', () => {});
server.listen(0, '127.0.0.1', 1024, () => {
    const { version } = require('smtp-server/package.json');
    console.log(`VERSION smtp-server ${version} node ${process.versions.node}`);
    if (process.env.EARLY_TALKERS !== 'patched') console.log('WAIT 100 ms');
    console.log(`PORT ${server.server.address().port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
