// Who keeps a process alive: the same programs on node:net, on node:net on the stack, and on synwave/net, with one outcome.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { run } from './child.js';

/** How long a process that should stay is watched; those that should end have as long. */
const WATCH_MS = 2000;

/** The body of a program, with `net`, `server` (listening, echoes nothing) and `port`; and what becomes of the process. */
const PROGRAMS: Record<string, { body: string; outcome: 'ends' | 'stays' }> = {
  'a listening server': { body: '', outcome: 'stays' },
  'an unref’d server': { body: 'server.unref();', outcome: 'ends' },
  'a server that was unref’d before it listened': {
    body: 'server.close(); net.createServer().unref().listen(0);',
    outcome: 'ends',
  },
  'a server ref’d again': { body: 'server.unref(); server.ref();', outcome: 'stays' },
  'a reading client': { body: `server.unref(); net.connect(port, '127.0.0.1').resume();`, outcome: 'stays' },
  'unref’d sockets on both sides': {
    body: `server.unref(); server.on('connection', (socket) => socket.unref()); net.connect(port, '127.0.0.1').unref();`,
    outcome: 'ends',
  },
  'a paused client of an unref’d peer': {
    body: `server.unref(); server.on('connection', (socket) => socket.unref());
      const client = net.connect(port, '127.0.0.1'); client.on('connect', () => client.pause());`,
    outcome: 'ends',
  },
  'a socket that never connects': { body: 'server.close(); new net.Socket().resume();', outcome: 'ends' },
  'a lookup that never answers': {
    body: `server.close(); net.connect({ port, host: 'a.name', lookup: () => {} });`,
    outcome: 'ends',
  },
  'connections that have ended': {
    body: `server.on('connection', (socket) => socket.end());
      net.connect(port, '127.0.0.1').resume().on('close', () => server.close());`,
    outcome: 'ends',
  },
  'an ended client whose server still reads': {
    body: `server.unref(); server.on('connection', (socket) => socket.unref());
      net.connect(port, '127.0.0.1').on('connect', function () { this.end(); this.pause(); });`,
    outcome: 'ends',
  },
  'a timeout of a socket': {
    body: `server.unref(); server.on('connection', (socket) => socket.unref());
      net.connect(port, '127.0.0.1').unref().setTimeout(60_000);`,
    outcome: 'ends',
  },
  'a closed server with a live connection': {
    body: `server.on('connection', (socket) => { server.close(); socket.resume(); }); net.connect(port, '127.0.0.1').resume();`,
    outcome: 'stays',
  },
};

function programOf(module: string, body: string): string {
  return `
    import net from '${module}';
    let ending = 'ends';
    setTimeout(() => { ending = 'stays'; process.exit(); }, ${WATCH_MS}).unref();
    process.on('exit', () => console.log(ending));
    const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      ${body}
    });
  `;
}

for (const [name, module, register] of [
  ['node:net', 'node:net', false],
  ['node:net on the stack', 'node:net', true],
  ['synwave/net', 'NET_MODULE', false],
] as const) {
  // They wait for each other's watches only.
  describe(`${name}: the process`, { concurrency: 4 }, () => {
    for (const [title, { body, outcome }] of Object.entries(PROGRAMS)) {
      test(`${outcome} with ${title}`, async () => {
        const { output, complaints } = await run(programOf(module, body), { register });
        assert.deepEqual([output.trim(), complaints], [outcome, '']);
      });
    }
  });
}
