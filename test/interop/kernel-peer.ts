// A program for the kernel's side of the link: `node:net` and `node:http` in the other role. Run by the harness inside the namespace;
// its words are JSON lines on stdout.
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { patternStream, sumOf } from './byte-pattern.js';
import { servePattern } from './pattern-http.js';

/** What the program reports about one connection. */
export interface PeerReport {
  readonly bytes: number;
  readonly sum: string;
  /** Code of the error that ended it, or null. */
  readonly error: string | null;
}

const [role = '', host = '', port = '0', size = '0', seed = '1'] = process.argv.slice(2);

function say(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function failure(error: NodeJS.ErrnoException): PeerReport {
  return { bytes: 0, sum: '', error: error.code ?? error.message };
}

/** Sends the pattern, then FIN, and reads to the peer's FIN at the same time. */
async function exchange(socket: Socket): Promise<void> {
  patternStream(Number(seed), Number(size)).pipe(socket);
  say(await sumOf(socket).then((all) => ({ ...all, error: null }), failure));
}

/** The line `down SEED SIZE` is answered by the pattern, `up` by the report on what follows it. */
function serveFile(socket: Socket): void {
  socket.on('error', () => {});
  socket.once('data', (chunk: Buffer) => {
    // The line comes in a segment of its own or in front of others, never in pieces: it is the first thing sent.
    const end = chunk.indexOf('\n');
    const [word, seed, size] = chunk.toString('latin1', 0, end).split(' ');
    socket.pause();
    socket.unshift(chunk.subarray(end + 1));
    if (word === 'down') patternStream(Number(seed), Number(size)).pipe(socket);
    else void sumOf(socket).then((all) => socket.end(JSON.stringify({ ...all, error: null })));
    socket.resume();
  });
}

if (role === 'reader') {
  // Sends nothing, not even FIN, until the peer has ended.
  const got = sumOf(connect({ host, port: Number(port) }));
  say(await got.then((all) => ({ ...all, error: null }), failure));
} else if (role === 'client') {
  const socket = connect({ host, port: Number(port), allowHalfOpen: true });
  await exchange(socket);
} else if (role === 'server') {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    server.close();
    void exchange(socket);
  });
  server.listen(Number(port), host, () => say(server.address() as object));
} else if (role === 'echo') {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(Number(port), host, () => say(server.address() as object));
} else if (role === 'files') {
  const server = createServer({ allowHalfOpen: true }, serveFile);
  server.listen(Number(port), host, () => say(server.address() as object));
} else if (role === 'http') {
  const server = createHttpServer(servePattern);
  server.listen(Number(port), host, () => say(server.address() as object));
} else {
  throw new Error(
    `usage: kernel-peer reader|client|server|echo|files|http HOST PORT [BYTES [SEED]], not "${role}"`,
  );
}
