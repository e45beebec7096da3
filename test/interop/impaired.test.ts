// A link that loses, doubles, reorders and damages: the kernel and our stack carry every byte across it both ways.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternStream, patternSum, sumOf } from './byte-pattern.js';
import type { PeerReport } from './kernel-peer.js';
import { FULL, Lab, obstacle, STACK } from './lab.js';

const skip = obstacle();
const SIZE = FULL ? 20_000_000 : 5_000_000;
const SEED = Number(process.env.SYNWAVE_SEED ?? 20_261);
const FAULTS = { seed: SEED, loss: 0.05, duplicate: 0.02, reorder: 0.02, corrupt: 0.01 };

/** The kernel doubles its timeout up to two minutes; newer ones can be told to stop at a second. */
function boundBackoff(lab: Lab): void {
  lab.knob('net.ipv4.tcp_rto_max_ms', '1000');
}

test(`${SIZE / 1e6} MB from the stack over 5 % loss, 2 % duplicates, reordering, 1 % damage`, {
  skip,
}, async (t) => {
  t.diagnostic(`SYNWAVE_SEED=${SEED}`);
  const lab = Lab.open(t);
  boundBackoff(lab);
  const stack = await lab.stack({ impair: FAULTS });
  const server = stack.net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume();
    patternStream(31, SIZE).pipe(socket);
  });
  const port = await stack.listen(server);
  const result = await lab.peer('client', STACK, String(port)).ended;
  assert.equal(result.status, 0, result.stderr);
  const report = JSON.parse(result.stdout) as PeerReport;
  assert.deepEqual(report, { bytes: SIZE, sum: patternSum(31, SIZE), error: null });
  assert.ok(stack.stack.stats.tcp.retransSegs > 0, 'the faults made us retransmit');
});

test(`${SIZE / 1e6} MB to the stack over 5 % loss, 2 % duplicates, reordering, 1 % damage`, {
  skip,
}, async (t) => {
  t.diagnostic(`SYNWAVE_SEED=${SEED}`);
  const lab = Lab.open(t);
  boundBackoff(lab);
  const stack = await lab.stack({ impair: FAULTS });
  const heard = new Promise<unknown>((resolve) => {
    const server = stack.net.createServer({ allowHalfOpen: true }, async (socket) => {
      resolve(await sumOf(socket));
      socket.end();
    });
    void stack.listen(server, 5000);
  });
  const result = await lab.peer('client', STACK, '5000', String(SIZE), '32').ended;
  assert.equal((JSON.parse(result.stdout) as PeerReport).error, null, result.stderr);
  assert.deepEqual(await heard, { bytes: SIZE, sum: patternSum(32, SIZE) });
  assert.ok(stack.stack.stats.tcp.inCsumErrors + stack.stack.stats.ip.inHdrErrors > 0, 'damage was noticed');
});
