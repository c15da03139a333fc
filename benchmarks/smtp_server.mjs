// smtp-server from npm in its fastest honest set-up: no logger, no reverse look-up, no
// authentication, each message kept. Its wait of 100 ms for early talkers is a constant
// that no option turns off, so that it takes no part in the row of new connections.
import { createRequire } from 'node:module';

let SMTPServer;
for (const folder of [process.env.NPM_FOLDER, process.cwd()]) {
    try {
        ({ SMTPServer } = createRequire(`${folder}/`)('smtp-server'));
        break;
    } catch {}
}
if (!SMTPServer) {
    console.log('UNAVAILABLE smtp-server is missing: npm install smtp-server');
    process.exit(0);
}

const kept = [];
const server = new SMTPServer({
    logger: false,
    disableReverseLookup: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
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
server.listen(0, '127.0.0.1', 1024, () => console.log(`PORT ${server.server.address().port}`));
process.stdin.on('end', () => process.exit(0)).resume();
