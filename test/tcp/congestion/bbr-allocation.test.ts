// What an acknowledgment costs under BBR: time, and no memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { Phase } from '../../../src/tcp/congestion/bbr/phase.js';
import { type Bbr, bbr } from '../../../src/tcp/congestion/bbr.js';
import { emptySample, MSS } from './path.js';

/** Acknowledgments between two looks at the heap: what they could allocate fits into it without a collection. */
const BATCH = 10_000;
const MAX_BATCHES = 400;
/** Less than the smallest object there is, of 16 bytes, for every fourth. */
const MAX_BYTES = 4;

/** Acknowledges two segments every 0.23 ms, forty milliseconds after they were sent. */
class Peer {
  readonly seen = new Set<number>();
  private readonly sample = emptySample(0);
  /** Time and bytes delivered, where a number with a fraction needs no box. */
  private readonly clock = new Float64Array(2);

  constructor(private readonly flow: Bbr) {
    flow.onHandshake(40.25);
  }

  acknowledge(count: number): void {
    const { flow, sample, clock } = this;
    for (let i = 0; i < count; i++) {
      clock[0]! += 0.23;
      clock[1]! += 2 * MSS;
      sample.now = clock[0]!;
      sample.deliveredBytes = 2 * MSS;
      sample.totalDelivered = clock[1]!;
      sample.sentDelivered = Math.max(0, clock[1]! - 340 * MSS);
      sample.sentInFlight = 170 * MSS;
      sample.inFlight = Math.min(168 * MSS, flow.cwnd);
      sample.priorInFlight = sample.inFlight + 2 * MSS;
      sample.rttMs = 40.25 + (clock[0]! % 1);
      sample.srttMs = 40.75;
      sample.deliveryRate = 12_590 + (clock[0]! % 3);
      flow.onAck(sample);
    }
    this.seen.add(flow.phase);
  }
}

test('no acknowledgment allocates, in whatever phase', () => {
  // A number with a fraction is boxed where it crosses a call that is not inlined, which is V8's choice: let it inline
  // them all, and do so in time, so that what remains would be ours.
  setFlagsFromString('--no-concurrent-recompilation');
  setFlagsFromString('--max-inlined-bytecode-size=5000');
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=20000');
  const peer = new Peer(bbr(MSS, 10));
  for (let i = 0; i < 100; i++) peer.acknowledge(1000);
  const { seen } = peer;
  assert.ok(seen.has(Phase.CRUISE) && seen.has(Phase.UP) && seen.has(Phase.PROBE_RTT), [...seen].join());
  let free = 0;
  const grown: number[] = [];
  while (free < 20 && grown.length < MAX_BATCHES) {
    const before = process.memoryUsage().heapUsed;
    peer.acknowledge(BATCH);
    const bytes = (process.memoryUsage().heapUsed - before) / BATCH;
    grown.push(bytes);
    // Below zero there was a collection in between.
    if (bytes >= 0 && bytes < MAX_BYTES) free++;
  }
  assert.equal(free, 20, `bytes per acknowledgment: ${grown.slice(-20).join(' ')}`);
});
