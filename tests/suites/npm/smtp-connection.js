'use strict';
// In place of npm's lib/smtp-connection.js. Its tests hand commands to the insides of a
// connection without a socket; here each of them goes over a connection to our server.

const net = require('net');
const path = require('path');
const readline = require('readline');
const tls = require('tls');
const bridge = require(path.join(process.env.BRIDGE_FOLDER, 'bridge.js'));
const { SMTPServer } = require('./smtp-server');

class SMTPConnection {
    constructor(server) {
        this._server = server;
        this.session = { envelope: {} };
    }

    _parseAddressCommand(name, command) {
        const start = name.replace(' ', '\\s+');
        if (!new RegExp(`^${start}\\s*:`, 'i').test(command)) {
            return false;
        }
        const found = bridge.requestNow('parse', -1, { command }).parsed;
        return found && { address: found.address, args: found.args };
    }

    _resetSession() {
        this.session = { envelope: {} };
    }

    handler_EHLO(command, callback) {
        this._say([command], callback);
    }

    handler_MAIL(command, callback) {
        this._say(['EHLO c.example', command], callback);
    }

    handler_RCPT(command, callback) {
        const { address } = this.session.envelope.mailFrom;
        this._say(['EHLO c.example', `MAIL FROM:<${address}>`, command], callback);
    }

    // The reply to the last line goes to `send`.
    _say(lines, callback) {
        const options = { ...this._server.options, authOptional: true, secure: this.secure };
        const server = new SMTPServer(options);
        server.listen(0, '127.0.0.1', () => {
            const to = { port: server.server.address().port, host: '127.0.0.1', rejectUnauthorized: false };
            const socket = this.secure ? tls.connect(to) : net.connect(to);
            let reply = [];
            const replies = readline.createInterface({ input: socket });
            replies.on('line', line => {
                reply.push(line);
                if (line[3] === '-') {
                    return;
                }
                if (lines.length) {
                    reply = [];
                    return socket.write(lines.shift() + '\r\n');
                }
                replies.removeAllListeners('line'); // what the server says when it stops
                socket.end();
                server.close();
                const said = reply.map(one => one.slice(4));
                this.send(Number(line.slice(0, 3)), said.length > 1 ? said : said[0]);
                callback();
            });
        });
    }
}

exports.SMTPConnection = SMTPConnection;
