// A link that loses, doubles, reorders and damages: the kernel and our stack carry every byte across it both ways, and
// what our stack sends into it is faultless. The capture stands between stack and faults: it has what the stack sent
// before the link harmed it, and what the stack received after.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternStream, patternSum, sumOf } from './byte-pattern.js';
import { type Allowance, ANY, assertJudged, type Finding } from './judge.js';
import type { PeerReport } from './kernel-peer.js';
import { FULL, Lab, obstacle, STACK, type TestStack } from './lab.js';

const skip = obstacle('tshark');
const SIZE = FULL ? 20_000_000 : 5_000_000;
const SEED = Number(process.env.SYNWAVE_SEED ?? 20_261);
const FAULTS = { seed: SEED, loss: 0.05, duplicate: 0.02, reorder: 0.02, corrupt: 0.01 };

/** The kernel doubles its timeout up to two minutes; newer ones can be told to stop at a second. */
function boundBackoff(lab: Lab): void {
  lab.knob('net.ipv4.tcp_rto_max_ms', '1000');
}

/** What faults explain. Nothing else may be found. */
const EXPLAINED: Allowance = {
  // Lost segments are sent again: by the timer, after duplicate ACKs, or needlessly when it was the ACK that got lost.
  retransmission: ANY,
  fast_retransmission: ANY,
  spurious_retransmission: ANY,
  // A retransmission soon after the gap was seen, and packets that overtook others.
  out_of_order: ANY,
  // What a receiver says of a gap, or of a segment that came twice.
  duplicate_ack: ANY,
  // Seen by the capture: the gap that a lost segment leaves, and the ACK of one that it never saw unharmed.
  lost_segment: ANY,
  ack_lost_segment: ANY,
  // Flow control, as on a good link.
  window_full: ANY,
  window_update: ANY,
  zero_window: ANY,
  // A packet that was doubled or overtaken may arrive when the connection it belongs to is over.
  rst: [0, 3],
};
const RESENT: readonly Finding[] = [
  'retransmission',
  'fast_retransmission',
  'spurious_retransmission',
  'out_of_order',
];

/** tshark sees no more segments of ours sent again than the stack itself counts. */
async function judgeImpaired(stack: TestStack): Promise<void> {
  await stack.close();
  const { findings, sent } = await assertJudged(stack.capture!, { allow: EXPLAINED, damaged: 'received' });
  const resent = new Set(RESENT.flatMap((finding) => findings.get(finding) ?? []).filter((f) => sent.has(f)));
  const counted = stack.stack.stats.tcp.retransSegs;
  assert.ok(resent.size <= counted, `tshark sees ${resent.size} segments sent again, we count ${counted}`);
}

test(`${SIZE / 1e6} MB from the stack over 5 % loss, 2 % duplicates, reordering, 1 % damage`, {
  skip,
}, async (t) => {
  t.diagnostic(`SYNWAVE_SEED=${SEED}`);
  const lab = Lab.open(t);
  boundBackoff(lab);
  const stack = await lab.stack({ impair: FAULTS, capture: 'impaired.pcapng' });
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
  await judgeImpaired(stack);
});

test(`${SIZE / 1e6} MB to the stack over 5 % loss, 2 % duplicates, reordering, 1 % damage`, {
  skip,
}, async (t) => {
  t.diagnostic(`SYNWAVE_SEED=${SEED}`);
  const lab = Lab.open(t);
  boundBackoff(lab);
  const stack = await lab.stack({ impair: FAULTS, capture: 'impaired.pcapng' });
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
  await judgeImpaired(stack);
});
