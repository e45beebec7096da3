// A program for the kernel's side of the link: `node:net` in the other role. Run by the harness inside the namespace;
// its words are JSON lines on stdout.
import { connect, createServer, type Socket } from 'node:net';
import { patternStream, sumOf } from './byte-pattern.js';

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
} else {
  throw new Error(`usage: kernel-peer reader|client|server|echo HOST PORT [BYTES [SEED]], not "${role}"`);
}
