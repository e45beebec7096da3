// A process with a stack ends when its sockets have ended, as with node:net: TIME-WAIT and an open link do not hold it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const ENTRY = new URL('../../src/index.js', import.meta.url).href;

const PROGRAM = `
import { createStack, memoryLinkPair } from ${JSON.stringify(ENTRY)};
const [left, right] = memoryLinkPair();
const a = await createStack({ link: left, addresses: ['10.9.0.1/24'] });
const b = await createStack({ link: right, addresses: ['10.9.0.2/24'] });
const server = b.net.createServer((socket) => { socket.pipe(socket); server.close(); });
server.listen(7, () => {
  const socket = a.net.connect(7, '10.9.0.2');
  socket.setEncoding('utf8');
  socket.on('data', (text) => console.log(text));
  socket.end('still here');
});
process.on('exit', () => console.log([...a.connections()].map((each) => each.connection.state).join()));
`;

const CLOSING_PROGRAM = `
import { createStack, memoryLinkPair } from ${JSON.stringify(ENTRY)};
const [link] = memoryLinkPair();
const stack = await createStack({ link, addresses: ['10.9.0.1/24'] });
const server = stack.net.createServer();
server.on('close', () => console.log('server closed'));
server.listen(7, () => void stack.close());
`;

async function outputOf(program: string): Promise<object> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 30_000,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, output };
}

test('a server whose stack is closed is closed, and does not hold the process', async () => {
  assert.deepEqual(await outputOf(CLOSING_PROGRAM), { code: 0, signal: null, output: 'server closed\n' });
});

test('a process whose sockets have ended exits by itself, with a connection still in TIME-WAIT', async () => {
  assert.deepEqual(await outputOf(PROGRAM), { code: 0, signal: null, output: 'still here\n10\n' });
});
