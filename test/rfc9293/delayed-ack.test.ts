// Acknowledgments: when they wait and when they do not (RFC 9293 §3.8.6.3, §3.10.7.4; RFC 5681 §4.2).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, type BenchOptions } from '../tcp/harness.js';

/** Past the first segments, which are acknowledged at once. The next sequence number of the peer is `next`. */
function warm(options: BenchOptions = {}): { bench: Bench; next: number } {
  const bench = Bench.accepted(options);
  let next = 1;
  for (let i = 0; i < 64; i++) {
    bench.peer(`A ${next} a1 [1000]`);
    next += 1000;
    bench.read();
    // Longer than the delay, shorter than a pause after which the peer would begin anew.
    bench.advance(100);
  }
  return { bench: bench.settled('ESTABLISHED'), next };
}

describe('delayed acknowledgment', () => {
  test('RFC9293 SHLD-18 MUST-40: a lone segment is acknowledged after the delay, below 500 ms', () => {
    const { bench, next } = warm();
    bench.peer(`A ${next} a1 [1000]`).silent();
    bench.advance(39).silent();
    bench.advance(2).expect(`A 1 a${next + 1000}`);
  });

  test('RFC9293 SHLD-18: quick acknowledgments begin with the one that is owed, and end when they are switched off', () => {
    const { bench, next } = warm();
    bench.call((c) => c.setQuickAck(true)).silent();
    bench.peer(`A ${next} a1 [10]`).expect(`A 1 a${next + 10}`);
    bench.call((c) => c.setQuickAck(false));
    bench.peer(`A ${next + 10} a1 [10]`).silent();
    bench.call((c) => c.setQuickAck(false)).silent();
    bench.call((c) => c.setQuickAck(true)).expect(`A 1 a${next + 20}`);
  });

  test('RFC9293 MUST-40: the default delay is far below 500 ms', () => {
    const { bench, next } = warm();
    bench.peer(`A ${next} a1 [10]`);
    bench.advance(499).expect(`A 1 a${next + 10}`);
  });

  test('RFC9293 SHLD-19: every second full-sized segment is acknowledged at once', () => {
    const { bench, next } = warm();
    bench.peer(`A ${next} a1 [1000]`).silent();
    bench.peer(`A ${next + 1000} a1 [1000]`).expect(`A 1 a${next + 2000}`);
    bench.peer(`A ${next + 2000} a1 [1000]`).silent();
    bench.peer(`A ${next + 3000} a1 [1000]`).expect(`A 1 a${next + 4000}`);
  });

  test('RFC9293 MUST-58 MUST-59: a batch of segments is acknowledged once, after all of it', () => {
    const { bench, next } = warm();
    const batch = [0, 1, 2, 3, 4, 5].map((i) => `A ${next + i * 1000} a1 [1000]`);
    bench.peer(...batch).expect(`A 1 a${next + 6000}`);
  });

  test('RFC9293 MAY-13: an out-of-order segment is acknowledged at once', () => {
    const { bench, next } = warm();
    bench.peer(`A ${next + 1000} a1 [1000]`).expect(`A 1 a${next}`);
    bench.peer(`A ${next + 2000} a1 [1000]`).expect(`A 1 a${next}`);
  });

  test('RFC5681 §4.2: each out-of-order segment of a batch gets its own duplicate ACK, which the peer counts', () => {
    const { bench, next } = warm();
    const lines = [1, 2, 3, 4].map((i) => `A ${next + i * 1000} a1 [1000]`);
    bench.peer(...lines).expect(...lines.map(() => `A 1 a${next}`));
  });

  test('RFC5681 §4.2: a segment that fills a hole is acknowledged at once', () => {
    const { bench, next } = warm();
    bench.peer(`A ${next + 1000} a1 [1000]`).take();
    bench.peer(`A ${next} a1 [500]`).expect(`A 1 a${next + 500}`);
    bench.peer(`A ${next + 500} a1 [500]`).expect(`A 1 a${next + 2000}`);
  });

  test('RFC9293 §3.10.7.4: a duplicate is acknowledged at once', () => {
    const { bench, next } = warm();
    bench.peer(`A ${next - 1000} a1 [1000]`).expect(`A 1 a${next}`);
  });

  test('RFC9293 §3.8.6.3: data on its way out carries the acknowledgment along', () => {
    const { bench, next } = warm();
    bench.inject(`A ${next} a1 [1000]`);
    bench.write(10);
    bench.expect(`A 1 a${next + 1000} [10]`);
    bench.peer(`A ${next + 1000} a11`);
    bench.advance(1000).silent();
  });

  test('the first segments of a connection are acknowledged at once', () => {
    const bench = Bench.accepted();
    bench.peer('A 1 a1 [1000]').expect('A 1 a1001');
  });

  test('a delay of 0 acknowledges everything at once', () => {
    const { bench, next } = warm({ config: { delayedAckMs: 0 } });
    bench.peer(`A ${next} a1 [10]`).expect(`A 1 a${next + 10}`);
  });

  test('RFC9293 MUST-40: two small segments do not restart the delay', () => {
    const { bench, next } = warm();
    bench.peer(`A ${next} a1 [10]`);
    const sent = bench.advance(30).take().length;
    bench.peer(`A ${next + 10} a1 [10]`).advance(30);
    assert.ok(sent + bench.take().length >= 1, 'acknowledged within 60 ms of the first');
    assert.ok(bench.history.at(-1)!.ack >= next + 10);
  });
});

describe('what counts as two full segments', () => {
  test('RFC9293 SHLD-19: those of the size that the peer sends, where it is less than our own MSS', () => {
    const bench = Bench.accepted({ config: { receiveMss: 1460 } });
    let next = 1;
    for (let i = 0; i < 16; i++, next += 500) bench.peer(`A ${next} a1 [500]`).read();
    bench.take();
    bench.peer(`A ${next} a1 [500]`).silent();
    bench.peer(`A ${next + 500} a1 [500]`).expect(`A 1 a${next + 1000}`);
  });

  test('RFC9293 SHLD-19: not short ones behind a full one, and not an octet less than two', () => {
    const { bench, next } = warm();
    bench.peer(`A ${next} a1 [100]`).silent();
    bench.peer(`A ${next + 100} a1 [100]`).silent();
    bench.advance(100).take();
    bench.peer(`A ${next + 200} a1 [1000]`).silent();
    bench.peer(`A ${next + 1200} a1 [999]`).silent();
    bench.peer(`A ${next + 2199} a1 [1]`).expect(`A 1 a${next + 2200}`);
  });
});
