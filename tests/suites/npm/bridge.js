'use strict';
// Talks to bridge.py, which is started at the first word. PYTHON is its interpreter.

const { execFileSync, spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const readline = require('readline');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'smtp-server-'));
const servers = [];
const callbacks = [];
let child, pipes;

process.on('exit', () => {
    fs.rmSync(folder, { recursive: true });
    if (child) {
        child.kill();
    }
});

function start() {
    const names = ['ask', 'answer'].map(name => path.join(folder, name));
    execFileSync('mkfifo', names);
    const script = path.join(process.env.BRIDGE_FOLDER, 'bridge.py');
    child = spawn(process.env.PYTHON, [script, ...names], { stdio: ['pipe', 'pipe', 'inherit'] });
    readline.createInterface({ input: child.stdout }).on('line', line => heard(JSON.parse(line)));
    pipes = [fs.openSync(names[0], 'w'), fs.openSync(names[1], 'r')];
}

function tell(message) {
    child.stdin.write(JSON.stringify(message) + '\n');
}

function heard(message) {
    if ('result' in message) {
        callbacks[message.result](message.error && new Error(message.error), message);
    } else {
        servers[message.server].heard(message, answer => tell({ answer: message.call, ...answer }));
    }
}

// The number of a server whose `heard` gets its events.
exports.register = server => servers.push(server) - 1;

// The result comes later: other callbacks may have to answer before.
exports.request = (what, server, parameters, callback) => {
    const request = callbacks.push(callback) - 1;
    tell({ request, do: what, server, with: parameters });
};

// The result is there when this returns.
exports.requestNow = (what, server, parameters) => {
    if (!child) {
        start();
    }
    fs.writeSync(pipes[0], JSON.stringify({ do: what, server, with: parameters }) + '\n');
    let answer = '';
    const piece = Buffer.alloc(65536);
    while (!answer.endsWith('\n')) {
        answer += piece.toString('utf8', 0, fs.readSync(pipes[1], piece));
    }
    const result = JSON.parse(answer);
    if (result.error) {
        throw new Error(result.error);
    }
    return result;
};

exports.folder = folder;
