// Nodes whose inside is not as it is known: `synwave/register` says what it misses and what to do, and has changed nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from './child.js';

/** Programs that make a Node unlike those that are known, with the name of what is then missing. */
const UNKNOWN: readonly (readonly [what: string, change: string])[] = [
  ['process.binding', 'process.binding = undefined;'],
  [
    "process.binding('tcp_wrap')",
    `process.binding = (name) => { throw new Error('No such module: ' + name); };`,
  ],
  [
    'the class TCP',
    `const { binding } = process;
    process.binding = (name) => (name === 'tcp_wrap' ? {} : binding(name));`,
  ],
  [
    'the class JSStream',
    `const { binding } = process;
    process.binding = (name) => (name === 'js_stream' ? { JSStream: class {} } : binding(name));`,
  ],
  [
    'the symbol kReinitializeHandle',
    `const { prototype } = net.Socket;
    delete prototype[symbolOf(prototype, 'kReinitializeHandle')];`,
  ],
  [
    'the symbol owner_symbol',
    `const { binding } = process;
    class Deaf {
      constructor() {
        return new Proxy(this, { set: () => true });
      }
      readBuffer() {}
      getAsyncId() {
        return 1;
      }
    }
    process.binding = (name) => (name === 'js_stream' ? { JSStream: Deaf } : binding(name));`,
  ],
  [
    'the symbol kBuffer',
    `Object.defineProperty(net.Socket.prototype, symbolOf(new net.Socket(), 'kBuffer'), { set() {} });`,
  ],
];

/** Changes Node, tries to register, and then sees whether `node:net` is the kernel's as ever and `synwave/net` works. */
function programOf(change: string): string {
  return `
    import { once } from 'node:events';
    import net from 'node:net';
    import ours from 'NET_MODULE';
    const symbolOf = (of, name) => Object.getOwnPropertySymbols(of).find(({ description }) => description === name);
    const echoed = async (module) => {
      const server = module.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const socket = module.connect(server.address().port, '127.0.0.1');
      socket.end('echo');
      const [data] = await once(socket, 'data');
      server.close();
      return String(data);
    };
    const connect = net.Socket.prototype.connect;
    ${change}
    const error = await import('REGISTER_MODULE').catch((e) => e);
    console.log(error.code);
    console.log(error.message);
    console.log(net.Socket.prototype.connect === connect, await echoed(ours));
  `;
}

for (const [what, change] of UNKNOWN) {
  test(`a Node without ${what} is told from those that are known`, async () => {
    const { code, output, complaints } = await run(programOf(change), { register: false });
    const message =
      `Node ${process.version} lacks ${what}, on which synwave/register relies; ` +
      'use Node 20 to 26, or synwave/net in place of node:net';
    assert.deepEqual(
      [code, output, complaints],
      [0, `ERR_SYNWAVE_NODE_VERSION\n${message}\ntrue echo\n`, ''],
    );
  });
}

test('an unmodified program on such a Node ends with those words', async () => {
  const flags = ['--import', 'data:text/javascript,process.binding=undefined'];
  const { code, output, complaints } = await run('console.log(1)', { flags });
  assert.deepEqual([code, output], [1, '']);
  assert.match(
    complaints,
    /Error: Node v[\d.]+ lacks process\.binding, .*; use Node 20 to 26, or synwave\/net/,
  );
});

test('so does one whose permissions close it, on which synwave/net still works', async () => {
  const isNew = process.allowedNodeEnvironmentFlags.has('--permission');
  const flags = [isNew ? '--permission' : '--experimental-permission', '--no-warnings', '--allow-fs-read=*'];
  const { code, output, complaints } = await run(programOf(''), { register: false, flags });
  const message =
    'Node’s permission model closes process.binding, on which synwave/register relies; ' +
    'run without --permission, or use synwave/net in place of node:net';
  assert.deepEqual(
    [code, output, complaints],
    [0, `ERR_SYNWAVE_NODE_PERMISSION\n${message}\ntrue echo\n`, ''],
  );
});
