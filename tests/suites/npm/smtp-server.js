'use strict';
// In place of npm's lib/smtp-server.js: the class whose server is ours, in a process of
// its own.

const { EventEmitter } = require('events');
const path = require('path');
const { PassThrough } = require('stream');
const bridge = require(path.join(process.env.BRIDGE_FOLDER, 'bridge.js'));

const HOOKS = {
    SECURE: 'onSecure',
    CREDENTIALS: 'onAuth',
    MAIL: 'onMailFrom',
    RCPT: 'onRcptTo',
    MESSAGE: 'onData'
};
function refusal(err) {
    return err ? { refused: err.message, responseCode: err.responseCode } : {};
}

class SMTPServer extends EventEmitter {
    constructor(options) {
        super();
        this.options = { ...options };
        this._number = bridge.register(this);
        // What is open, by the number of the session.
        this._sessions = new Map();
        this.server = { address: () => ({ address: '127.0.0.1', port: this._port }) };
        for (const name of ['onConnect', 'onClose', ...Object.values(HOOKS)]) {
            if (this.options[name]) {
                this[name] = this.options[name];
            }
        }
    }

    get connections() {
        return new Set(this._sessions.values());
    }

    listen(port, host, callback) {
        const hooks = Object.keys(HOOKS).filter(event => this[HOOKS[event]]);
        if (this.onSecure && (this.options.disabledCommands || []).includes('STARTTLS')) {
            hooks.splice(hooks.indexOf('SECURE'), 1);
        }
        const parameters = { port, options: this._serializable(), hooks: ['CONNECT', 'CLOSE', ...hooks] };
        this._port = bridge.requestNow('start', this._number, parameters).port;
        if (callback) {
            setImmediate(callback);
        }
    }

    close(callback) {
        bridge.request('stop', this._number, {}, () => callback && callback());
    }

    updateSecureContext(options) {
        Object.assign(this.options, options);
        bridge.requestNow('renew', this._number, { options: this._serializable() });
    }

    _serializable() {
        const known = Object.entries(this.options).filter(([, value]) => typeof value !== 'function');
        return { ...Object.fromEntries(known), folder: bridge.folder };
    }

    heard(message, answer) {
        const session = message.session;
        switch (message.event) {
            case 'CONNECT':
                this._sessions.set(session.id, session);
                return this.onConnect ? this.onConnect(session, err => answer(refusal(err))) : answer({});
            case 'CLOSE':
                this._sessions.delete(session.id);
                answer({});
                return this.onClose && this.onClose(session);
            case 'SECURE':
                return this.onSecure({}, session, err => answer(refusal(err)));
            case 'CREDENTIALS':
                return this._onAuth(message, answer);
            case 'MAIL':
            case 'RCPT':
                return this[HOOKS[message.event]](message.address, session, err => answer(refusal(err)));
            case 'MESSAGE': {
                const stream = new PassThrough();
                stream.sizeExceeded = message.sizeExceeded;
                this.onData(stream, session, (err, text) => answer({ ...refusal(err), message: text }));
                return stream.end(Buffer.from(message.content, 'base64'));
            }
        }
    }

    _onAuth(message, answer) {
        let proof = {};
        const auth = { ...message.auth };
        // Who is let in is known there; what the password is, here.
        auth.validatePassword = password => {
            proof = { validate: password };
            return true;
        };
        this.onAuth(auth, message.session, (err, response) =>
            answer({ ...proof, ...response, ...(err ? { message: err.message, user: null } : {}) })
        );
    }
}

exports.SMTPServer = SMTPServer;
