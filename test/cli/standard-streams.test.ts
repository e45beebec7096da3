// Joining a socket with stdin and stdout: bytes, half-close, back-pressure, errors; over the loopback's `node:net`.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { joinStandardStreams } from '../../src/cli/standard-streams.js';

async function socketPair(t: TestContext): Promise<[ours: Socket, peer: Socket]> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ours = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  const [peer] = (await once(server, 'connection')) as [Socket];
  peer.on('error', () => {});
  server.close();
  t.after(() => {
    ours.destroy();
    peer.destroy();
  });
  return [ours, peer];
}

class Collector extends Writable {
  readonly chunks: Buffer[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    setImmediate(done);
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
}

const QUIET = { halfClose: false, reset: false };

test('with -N our FIN follows the input, and what comes afterwards is still written', async (t) => {
  const [ours, peer] = await socketPair(t);
  const output = new Collector();
  const joined = joinStandardStreams(ours, {
    ...QUIET,
    input: Readable.from([Buffer.from('question')]),
    output,
    halfClose: true,
  });
  let asked = '';
  peer.on('data', (chunk: Buffer) => {
    asked += chunk.toString();
  });
  await once(peer, 'end');
  peer.end(Buffer.alloc(300_000, 'x'));
  assert.deepEqual(await joined, { received: 300_000, sent: 8 });
  assert.equal(asked, 'question');
  assert.equal(output.text.length, 300_000);
});

test('without -N the end of the input ends nothing; the peer’s FIN does', async (t) => {
  const [ours, peer] = await socketPair(t);
  const joined = joinStandardStreams(ours, {
    ...QUIET,
    input: Readable.from([Buffer.from('q')]),
    output: new Collector(),
  });
  await once(peer, 'data');
  assert.equal(peer.readableEnded, false);
  peer.end('answer');
  assert.deepEqual(await joined, { received: 6, sent: 1 });
});

test('after the peer’s FIN the rest of the input still goes out', async (t) => {
  const [ours, peer] = await socketPair(t);
  const input = new PassThrough();
  const joined = joinStandardStreams(ours, { ...QUIET, input, output: new Collector() });
  peer.end('that is all from me');
  await once(ours, 'end');
  input.end('and this from me');
  const [said] = (await once(peer, 'data')) as [Buffer];
  assert.equal(said.toString(), 'and this from me');
  assert.deepEqual(await joined, { received: 19, sent: 16 });
});

test('at a terminal the peer’s FIN is the end', async (t) => {
  const [ours, peer] = await socketPair(t);
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const joined = joinStandardStreams(ours, { ...QUIET, input, output: new Collector() });
  peer.end('bye');
  assert.deepEqual(await joined, { received: 3, sent: 0 });
});

test('--rst: the peer learns of a reset', async (t) => {
  const [ours, peer] = await socketPair(t);
  const failed = once(peer, 'error') as Promise<[NodeJS.ErrnoException]>;
  peer.resume();
  const joined = joinStandardStreams(ours, {
    input: Readable.from([]),
    output: new Collector(),
    halfClose: false,
    reset: true,
  });
  assert.equal((await failed)[0].code, 'ECONNRESET');
  await joined;
});

test('a reset by the peer is the error of the join', async (t) => {
  const [ours, peer] = await socketPair(t);
  const joined = joinStandardStreams(ours, { ...QUIET, input: new PassThrough(), output: new Collector() });
  peer.resetAndDestroy();
  await assert.rejects(joined, { code: 'ECONNRESET' });
});

test('an output that does not drain stops the peer', async (t) => {
  const [ours, peer] = await socketPair(t);
  let release: () => void = () => {};
  const output = new Writable({
    highWaterMark: 1,
    write(_chunk, _encoding, done) {
      release = done;
    },
  });
  joinStandardStreams(ours, { ...QUIET, input: new PassThrough(), output }).catch(() => {});
  const chunk = Buffer.alloc(1 << 20);
  let written = 0;
  while (peer.write(chunk) || written < 8) {
    if (++written > 64) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(peer.writableLength > 0, 'the peer’s data waits at the peer');
  assert.ok(ours.readableLength <= 1 << 20, `our side holds ${ours.readableLength} bytes`);
  release();
});
