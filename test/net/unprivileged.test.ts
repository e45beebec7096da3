// `synwave/net` asks nothing of the host: an ordinary user has it, required or imported, where there is no network at all.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const MODULE = fileURLToPath(new URL('../../src/net-module.js', import.meta.url));
const execute = promisify(execFile);

/** Talks to itself, and tells who it is, what network it has and what it has opened. */
const PROGRAM = `
const { once } = require('node:events');
const { readdirSync, readlinkSync, readFileSync } = require('node:fs');
const net = require(${JSON.stringify(MODULE)});
const linkOf = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } };
(async () => {
  const imported = await import(${JSON.stringify(MODULE)});
  const server = net.createServer((socket) => socket.end('from ' + socket.remoteAddress));
  await once(server.listen(0, 'localhost'), 'listening');
  const socket = imported.connect(server.address().port, '127.0.0.1').setEncoding('utf8');
  const [text] = await once(socket, 'data');
  server.close();
  console.log(JSON.stringify({
    text,
    same: imported.default === net,
    user: process.getuid(),
    capabilities: Number('0x' + /CapEff:\\s*(\\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]),
    devices: readFileSync('/proc/net/dev', 'utf8').split('\\n').slice(2).map((line) => line.trim().split(':')[0]).join(''),
    opened: readdirSync('/proc/self/fd').map(linkOf).filter((link) => /net|socket:\\[.*tun/.test(link)),
  }));
})();
`;

const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
/** Runs in a namespace of its own, as nobody where we are root, else as who we are. */
const [command, ...before] =
  process.getuid?.() === 0 ? ['unshare', '-n', ...NOBODY, '--'] : ['unshare', '-n', '-U', '--'];

const isPossible = await execute(command!, [...before, process.execPath, '--version']).then(
  () => true,
  () => false,
);

test('an ordinary user without a device has the loopback of synwave/net', {
  skip: !isPossible && 'needs namespaces, and a Node that anybody may execute',
}, async () => {
  const { stdout, stderr } = await execute(command!, [...before, process.execPath, '-e', PROGRAM]);
  const { user, ...rest } = JSON.parse(stdout);
  assert.notEqual(user, 0);
  assert.deepEqual(rest, {
    text: 'from 127.0.0.1',
    same: true,
    capabilities: 0,
    devices: 'lo',
    opened: [],
  });
  assert.ok(!/Error/.test(stderr), stderr);
});
