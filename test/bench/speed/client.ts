// The load client where there is no C compiler: the same words and the same line of JSON as load/client.c, over node:net. It
// is slower than what it measures may be; the document says which was used.
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { quantile } from '../statistics.js';

const REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\n\r\n';
const CHUNK_BYTES = 128 * 1024;

const [action, host, port, connections, seconds, warmSeconds] = process.argv.slice(2);

let counting = false;
let over = false;
let bytes = 0;
let totalBytes = 0;
let operations = 0;
let failures = 0;
const timesUs: number[] = [];
const sockets = new Set<Socket>();

function connect(): Socket {
  const socket = net.connect({ host: host!, port: Number(port), noDelay: true });
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  socket.on('error', fail);
  return socket;
}

function fail(error: Error): void {
  if (over) return;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

function count(n: number): void {
  totalBytes += n;
  if (counting) bytes += n;
}

function done(begun: number): void {
  if (!counting) return;
  operations++;
  timesUs.push((performance.now() - begun) * 1000);
}

function send(): void {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const socket = connect();
  const fill = () => {
    while (!over && socket.write(chunk, () => count(chunk.length))) {}
  };
  socket.on('connect', fill);
  socket.on('drain', fill);
}

function receive(): void {
  connect().on('data', (chunk) => count(chunk.length));
}

function ping(): void {
  const socket = connect();
  let begun = 0;
  const ask = () => {
    begun = performance.now();
    socket.write('x');
  };
  socket.on('connect', ask);
  socket.on('data', () => {
    done(begun);
    ask();
  });
}

function connection(withByte: boolean): void {
  const begun = performance.now();
  const socket = connect();
  socket.on('connect', () => (withByte ? socket.write('x') : socket.end()));
  socket.on('data', () => socket.end());
  socket.on('close', (hadError) => {
    if (hadError) failures++;
    else done(begun);
    if (!over) connection(withByte);
  });
}

function http(): void {
  const socket = connect();
  let begun = 0;
  let text = '';
  const ask = () => {
    text = '';
    begun = performance.now();
    socket.write(REQUEST);
  };
  socket.on('connect', ask);
  socket.on('data', (chunk) => {
    count(chunk.length);
    text += chunk.toString('latin1');
    const head = text.indexOf('\r\n\r\n');
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    if (head < 0 || length === undefined || text.length < head + 4 + Number(length)) return;
    done(begun);
    ask();
  });
}

async function idle(): Promise<void> {
  const all = Array.from({ length: Number(connections) }, connect);
  await Promise.all(all.map((socket) => once(socket, 'connect')));
  process.stdout.write(`${JSON.stringify({ connections: all.length })}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
}

const STARTS: Record<string, () => void> = {
  send,
  receive,
  ping,
  http,
  connect: () => connection(false),
  crr: () => connection(true),
};

const wait = (time: string | undefined) => new Promise((resolve) => setTimeout(resolve, Number(time) * 1000));

async function measure(start: () => void): Promise<void> {
  for (let i = 0; i < Number(connections); i++) start();
  await wait(warmSeconds);
  counting = true;
  const from = performance.now();
  await wait(seconds);
  counting = false;
  const took = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage();
  const report = { seconds: took, bytes, totalBytes, operations, failures };
  const [p50Us, p99Us] = [0.5, 0.99].map((q) => (timesUs.length > 0 ? quantile(timesUs, q) : -1));
  const cpu = { userSeconds: user / 1e6, systemSeconds: system / 1e6 };
  process.stdout.write(`${JSON.stringify({ ...report, p50Us, p99Us, ...cpu })}\n`);
}

const start = STARTS[action!];
if (action === 'idle') await idle();
else if (start !== undefined && process.argv.length === 8) await measure(start);
else process.exitCode = 2;
over = true;
for (const socket of sockets) socket.resetAndDestroy();
