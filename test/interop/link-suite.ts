// What every way onto the wire must carry, in both families: curl, nc, both directions at size, half-closed connections,
// refusals by either side, and ping. The captures are judged.
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { patternStream, patternSum, sumOf } from './byte-pattern.js';
import { type Allowance, ANY, assertJudged } from './judge.js';
import type { PeerReport } from './kernel-peer.js';
import {
  FULL,
  KERNEL,
  KERNEL_V6,
  Lab,
  obstacle,
  STACK,
  STACK_V6,
  type StackLink,
  type TestStack,
  until,
} from './lab.js';
import { servePattern } from './pattern-http.js';

/** Ports on which the stack of the suite listens; a link may need to know them. */
export const ECHO_PORT = 7;
export const HTTP_PORT = 80;

/** A kind of link under test. */
export interface LinkKind {
  readonly name: string;
  /** Prepares the place and says how to open the link there. */
  readonly prepare: (t: TestContext, lab: Lab) => () => Promise<StackLink>;
  /** What its captures may show beside flow control. Default: nothing. */
  readonly allow?: Allowance;
}

const SIZE = FULL ? 100_000_000 : 2_000_000;
/** Windows open and close with the reader's pace. */
const FLOW_CONTROL: Allowance = { window_full: ANY, window_update: ANY, zero_window: ANY };

interface Place {
  readonly lab: Lab;
  readonly stack: TestStack;
  readonly own: string;
  readonly kernel: string;
}

/** Defines the tests of one kind. */
export function linkSuite(kind: LinkKind): void {
  const skip = obstacle('curl', 'nc', 'ping', 'tshark', 'nft');
  for (const [family, own, kernel] of [
    ['IPv4', STACK, KERNEL],
    ['IPv6', STACK_V6, KERNEL_V6],
  ] as const) {
    const define = (
      title: string,
      allow: Allowance,
      minFrames: number,
      body: (place: Place) => Promise<void>,
    ) =>
      test(`${kind.name}, ${family}: ${title}`, { skip }, async (t) => {
        const lab = Lab.open(t);
        const over = kind.prepare(t, lab);
        const stack = await lab.stack({ capture: 'link.pcapng', over });
        await body({ lab, stack, own, kernel });
        await stack.settled();
        await stack.close();
        await assertJudged(stack.capture!, { allow: { ...kind.allow, ...allow }, minFrames });
      });
    define('curl fetches and uploads', FLOW_CONTROL, SIZE / 65_535, curls);
    define('nc gets back what it sends, and its FIN', FLOW_CONTROL, SIZE / 65_535, echoes);
    define('we half-close first and still receive all', FLOW_CONTROL, SIZE / 65_535, halfCloses);
    define(`${SIZE / 1e6} MB both ways at once as a client`, FLOW_CONTROL, SIZE / 65_535, exchanges);
    define('ports that nobody listens on are refused, theirs and ours', { rst: 2 }, 4, refuses);
    define('ping is answered', {}, 0, pings);
  }
}

async function curls({ lab, stack, own }: Place): Promise<void> {
  const http = createHttpServer(servePattern);
  const accept = (socket: unknown) => void http.emit('connection', socket);
  const port = await stack.listen(stack.net.createServer({ allowHalfOpen: true }, accept), HTTP_PORT);
  const host = own.includes(':') ? `[${own}]` : own;
  const got = await lab.run(['curl', '-gsS', `http://${host}:${port}/bytes/21/${SIZE}`]);
  assert.deepEqual([got.status, got.bytes, got.sum], [0, SIZE, patternSum(21, SIZE)], got.stderr);
  const upload = ['curl', '-gsS', '-T', '-', `http://${host}:${port}/upload`];
  const answer = await lab.run(upload, patternStream(22, SIZE));
  assert.deepEqual(JSON.parse(answer.stdout), { bytes: SIZE, sum: patternSum(22, SIZE) }, answer.stderr);
}

async function echoes({ lab, stack, own }: Place): Promise<void> {
  const accept = (socket: NodeJS.ReadWriteStream) => void socket.pipe(socket);
  await stack.listen(stack.net.createServer({ allowHalfOpen: true }, accept), ECHO_PORT);
  const echoed = await lab.run(['nc', '-N', own, String(ECHO_PORT)], patternStream(23, SIZE));
  assert.deepEqual([echoed.status, echoed.bytes, echoed.sum], [0, SIZE, patternSum(23, SIZE)], echoed.stderr);
}

async function halfCloses({ lab, stack, own }: Place): Promise<void> {
  let got: ReturnType<typeof sumOf> | null = null;
  const server = stack.net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.end('that is all from us');
    got = sumOf(socket);
  });
  await stack.listen(server, ECHO_PORT);
  const peer = lab.peer('client', own, String(ECHO_PORT), String(SIZE), '24');
  const report = JSON.parse((await peer.ended).stdout) as PeerReport;
  assert.equal(report.bytes, 'that is all from us'.length);
  assert.deepEqual(await got, { bytes: SIZE, sum: patternSum(24, SIZE) });
}

async function exchanges({ lab, stack, kernel }: Place): Promise<void> {
  const server = lab.peer('server', kernel, '0', String(SIZE), '25');
  await until('the server listens', () => server.stdout().includes('\n'));
  const { port } = JSON.parse(server.stdout()) as { port: number };
  const socket = stack.net.connect({ host: kernel, port, allowHalfOpen: true });
  patternStream(26, SIZE).pipe(socket);
  assert.deepEqual(await sumOf(socket), { bytes: SIZE, sum: patternSum(25, SIZE) });
  const report = JSON.parse((await server.ended).stdout.split('\n')[1]!) as PeerReport;
  assert.deepEqual(report, { bytes: SIZE, sum: patternSum(26, SIZE), error: null });
}

async function refuses({ lab, stack, own, kernel }: Place): Promise<void> {
  const socket = stack.net.connect({ host: kernel, port: 9 });
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
  assert.equal(error.code, 'ECONNREFUSED');
  const refused = await lab.run(['nc', '-v', '-w', '5', own, String(HTTP_PORT)]);
  assert.match(refused.stderr, /refused/);
}

async function pings({ lab, own }: Place): Promise<void> {
  const answered = await lab.run(['ping', '-c', '3', '-i', '0.2', '-W', '5', own]);
  assert.match(answered.stdout, /3 packets transmitted, 3 received, 0% packet loss/, answered.stderr);
}
