// `node --import synwave/register`: what goes onto the stack, what stays with the kernel, and what is refused.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { expectedStates, keepAliveProgram } from '../net/keep-alive-cases.js';
import { type Outcome, run } from './child.js';

const scratch = await mkdtemp(join(tmpdir(), 'synwave-register-'));
after(() => rm(scratch, { recursive: true }));

function assertRan(outcome: Outcome, output: string): void {
  assert.deepEqual({ ...outcome }, { code: 0, signal: null, output, complaints: '' });
}

/** A server of the kernel, out of reach for the stack. */
async function kernelServer(text: string, ...where: [number, string] | [string]) {
  const server = net.createServer((socket) => socket.end(text));
  server.listen(...(where as [number, string]));
  await once(server, 'listening');
  after(() => server.close());
  return server;
}

test('an unmodified http program talks to itself on the stack, and the process ends by itself', async () => {
  const outcome = await run(`
    import http from 'node:http';
    const server = http.createServer((request, response) => response.end('from ' + request.socket.remoteAddress));
    server.listen(8080, async () => {
      console.log(await (await fetch('http://localhost:8080/')).text());
      server.close();
      server.closeAllConnections();
    });
  `);
  assertRan(outcome, 'from ::ffff:127.0.0.1\n');
});

test('the kernel knows nothing of the ports of the stack, nor the stack of the kernel’s', async () => {
  const server = await kernelServer('kernel', 0, '127.0.0.1');
  const { port } = server.address() as net.AddressInfo;
  const outcome = await run(`
    import net from 'node:net';
    net.connect(${port}, '127.0.0.1').on('error', (error) => {
      console.log(error.code);
      const server = net.createServer().listen(${port}, '127.0.0.1', () => {
        console.log('listening');
        server.close();
      });
    });
  `);
  assertRan(outcome, 'ECONNREFUSED\nlistening\n');
});

test('names, addresses and ports of SYNWAVE_BYPASS are left to the kernel', async () => {
  const server = await kernelServer('kernel', 0, '127.0.0.1');
  const { port } = server.address() as net.AddressInfo;
  for (const [bypass, host] of [
    [`:${port}`, '127.0.0.1'],
    ['127.0.0.0/8', '127.0.0.1'],
    ['example.com, LOCALHOST', 'localhost'],
    // Only the lookup tells that it is on the list.
    ['127.0.0.0/8', 'localhost'],
  ]) {
    const outcome = await run(
      `
      import net from 'node:net';
      const socket = net.connect({ port: ${port}, host: '${host}', family: 4, localAddress: '127.0.0.1' });
      socket.on('data', (data) => console.log(String(data)));
      `,
      { env: { SYNWAVE_BYPASS: bypass! } },
    );
    assertRan(outcome, 'kernel\n');
  }
});

test('Unix sockets stay with the kernel, in both roles', async () => {
  const path = join(scratch, 'outside');
  await kernelServer('unix', path);
  const outcome = await run(`
    import net from 'node:net';
    const server = net.createServer((socket) => socket.end('inside')).listen('${join(scratch, 'inside')}', () => {
      net.connect('${join(scratch, 'inside')}').on('data', (data) => {
        console.log(String(data));
        server.close();
      });
      net.connect({ path: '${path}' }).on('data', (data) => console.log(String(data)));
    });
  `);
  assert.deepEqual([outcome.code, outcome.output.split('\n').sort()], [0, ['', 'inside', 'unix']]);
});

test('SYNWAVE_CAPTURE and SYNWAVE_LOG', async () => {
  const log = join(scratch, 'log');
  const outcome = await run(
    `
    import net from 'node:net';
    const server = net.createServer((socket) => socket.end('x')).listen(7, () => {
      net.connect(7).resume().on('close', () => server.close());
    });
    `,
    { env: { SYNWAVE_LOG: `info:${log}`, SYNWAVE_CAPTURE: join(scratch, 'run.pcapng') } },
  );
  assertRan(outcome, '');
  const states = (await readFile(log, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(states.some(({ to }) => to === 'ESTABLISHED'));
  const capture = await readFile(join(scratch, 'run.pcapng'));
  assert.equal(capture.readUInt32LE(0), 0x0a0d0d0a);
  assert.ok(capture.includes('SYN-SENT -> ESTABLISHED'));
});

test('sockets on the stack tell how their connections perform and why they ended', async () => {
  const outcome = await run(`
    import { once } from 'node:events';
    import net from 'node:net';
    const server = net.createServer((socket) => {
      console.log('accepted', socket.tcpInfo().state);
      socket.end();
      socket.on('close', () => console.log('server:', socket.explain().ended.by));
    }).listen(7, async () => {
      const socket = net.connect(7, '127.0.0.1');
      console.log(socket.explain());
      await once(socket, 'connect');
      console.log('connected', socket.tcpInfo().state);
      await once(socket.resume(), 'close');
      console.log('client:', socket.explain().ended.by, socket.tcpInfo().bytesAcked);
      server.close();
    });
  `);
  assert.deepEqual(
    [outcome.code, outcome.output.trim().split('\n').sort()],
    [0, ['accepted ESTABLISHED', 'client: peer 0', 'connected ESTABLISHED', 'null', 'server: us']],
  );
});

test('keep-alive of sockets on the stack is what the kernel would have', async () => {
  const show = `
    const { keepAlive, keepAliveIdleMs, keepAliveIntervalMs, keepAliveProbes } = socket._handle.endpoint.connection;
    console.log(JSON.stringify({
      on: keepAlive, idle: keepAliveIdleMs / 1000, interval: keepAliveIntervalMs / 1000, probes: keepAliveProbes,
    }));
  `;
  const lines = expectedStates().map((state) => JSON.stringify(state));
  assertRan(await run(keepAliveProgram(show)), `${lines.join('\n')}\n`);
});

test('what the environment says wrongly is told with its remedy', async () => {
  for (const [env, code, remedy] of [
    [{ SYNWAVE_LINK: 'wlan0' }, 'ERR_SYNWAVE_ENVIRONMENT', 'write loopback, tun:NAME'],
    [{ SYNWAVE_LINK: 'tun:syn0' }, 'ERR_SYNWAVE_ENVIRONMENT', 'SYNWAVE_ADDRESS'],
    [{ SYNWAVE_LOG: 'loud' }, 'ERR_SYNWAVE_ENVIRONMENT', 'levels are'],
    [{ SYNWAVE_BYPASS: 'a b' }, 'ERR_SYNWAVE_BYPASS', 'localhost,*.example.com'],
    [{ SYNWAVE_BYPASS: '10.0.0.0/33' }, 'ERR_SYNWAVE_BYPASS', '10.0.0.0/33'],
  ] as const) {
    const { code: exit, complaints } = await run('', { env });
    assert.equal(exit, 1);
    assert.ok(complaints.includes(code) && complaints.includes(remedy), complaints);
  }
});

test('the workers of a cluster are told that they cannot share a port', async () => {
  const file = join(scratch, 'worker.mjs');
  await writeFile(
    file,
    `
    import net from 'node:net';
    try {
      net.createServer().listen(80);
    } catch (error) {
      console.log(error.code);
    }
    const server = net.createServer().listen({ port: 80, exclusive: true }, () => {
      console.log('one for itself');
      process.exit(0);
    });
    `,
  );
  const outcome = await run(`
    import cluster from 'node:cluster';
    cluster.setupPrimary({ exec: '${file}', execArgv: process.execArgv.slice(0, 2) });
    cluster.fork();
  `);
  assertRan(outcome, 'ERR_SYNWAVE_CLUSTER\none for itself\n');
});

test('sockets and servers of the stack cannot be sent to processes and threads, those of the kernel can', async () => {
  const file = join(scratch, 'receiver.mjs');
  await writeFile(
    file,
    `process.on('message', (text, handle) => process.send(text + ' ' + handle?.constructor.name, () => process.exit()));`,
  );
  const program = `
    import { fork } from 'node:child_process';
    import { once } from 'node:events';
    import net from 'node:net';
    import { MessageChannel } from 'node:worker_threads';
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const socket = net.connect(server.address().port, '127.0.0.1');
    const [peer] = await accepted;
    const child = fork('${file}', { execArgv: [] });
    const { port1 } = new MessageChannel();
    const canTransfer = Object.getOwnPropertySymbols(net.Server.prototype).some(({ description }) =>
      description === 'messaging_transfer_list_symbol');
    const attempt = (send) => {
      try {
        send();
        return 'sent';
      } catch (error) {
        return error.code;
      }
    };
  `;
  const refused = await run(`${program}
    for (const each of [server, socket, peer]) {
      console.log(attempt(() => child.send('take', each)));
      console.log(canTransfer ? attempt(() => port1.postMessage(each, [each])) : 'ERR_SYNWAVE_UNSENDABLE');
    }
    child.send('nothing');
    console.log((await once(child, 'message'))[0]);
    process.exit();
  `);
  assertRan(refused, `${'ERR_SYNWAVE_UNSENDABLE\n'.repeat(6)}nothing undefined\n`);
  const sent = await run(
    `${program}
    console.log(attempt(() => child.send('took', server)));
    console.log((await once(child, 'message'))[0]);
    process.exit();
    `,
    { env: { SYNWAVE_BYPASS: '127.0.0.0/8' } },
  );
  assertRan(sent, 'sent\ntook Server\n');
});

test('synwave/net is the same stack, imported and required', async () => {
  assertRan(
    await run(`
      import nodeNet from 'node:net';
      import net from 'NET_MODULE';
      const server = nodeNet.createServer((socket) => socket.end('one stack')).listen(7, () => {
        net.connect(7).on('data', (data) => console.log(String(data))).on('close', () => server.close());
      });
    `),
    'one stack\n',
  );
});

test('synwave/net needs no registration and no right', async () => {
  const program = `
    const server = net.createServer((socket) => socket.end('hello')).listen(7, () => {
      net.connect(7, 'localhost').on('data', (data) => console.log(String(data))).on('close', () => server.close());
    });
  `;
  assertRan(
    await run(
      `import net, { Socket } from 'NET_MODULE'; ${program} if (Socket !== net.Socket) process.exit(9);`,
      {
        register: false,
      },
    ),
    'hello\n',
  );
  if (process.features.require_module === undefined) return;
  assertRan(
    await run(`const net = require('NET_MODULE'); ${program}`, { register: false, type: 'commonjs' }),
    'hello\n',
  );
});
