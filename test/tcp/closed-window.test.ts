// A window that closes and opens again at awkward moments: RFC 9293 §3.8.6.1 together with §3.8.3 and RFC 5681.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { State } from '../../src/tcp/state.js';
import { Bench } from './harness.js';

/** Lets probes go out, each answered by a closed window, for so long. */
function answerProbes(bench: Bench, forMs: number, ack: number): void {
  const end = bench.now + forMs;
  while (bench.now < end) {
    bench.advance(bench.untilTimer);
    if (bench.take().length > 0) bench.peer(`A 1 a${ack} w0`);
  }
}

test('RFC9293 MUST-35: a window that closes during the resending after a timeout, and opens: the resending goes on', () => {
  const bench = Bench.established({ peer: { options: 'mss 1000', window: 10_000 } });
  bench.write(6000);
  bench.take();
  bench.advance(bench.untilTimer);
  bench.peer('A 1 a1001');
  bench.take();
  bench.peer('A 1 a1001 w0');
  answerProbes(bench, 5000, 1001);
  bench.take();
  bench.peer('A 1 a1001 w10000');
  assert.ok(bench.take().length > 0, 'something is sent');
  assert.notEqual(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
});

test('RFC9293 MUST-37: after a long closed window the first loss does not end the connection', () => {
  for (const config of [{}, { userTimeoutMs: 30_000 }]) {
    const bench = Bench.established({ config });
    bench.peer('A 1 a1 w0');
    bench.write(5000);
    answerProbes(bench, 1_000_000, 1);
    bench.peer('A 1 a1 w10000');
    bench.take();
    bench.advance(bench.untilTimer + 1);
    assert.equal(bench.connection.state, State.ESTABLISHED);
    assert.ok(bench.take().length > 0, 'it is sent again');
  }
});

test('RFC5681 §2: answers to zero-window probes are no duplicate ACKs', () => {
  const bench = Bench.established();
  const { cwnd } = bench.status;
  bench.peer('A 1 a1 w0');
  bench.write(50_000);
  answerProbes(bench, 10_000, 1);
  bench.peer('A 1 a1 w10000');
  assert.ok(bench.status.cwnd >= cwnd, `cwnd fell from ${cwnd} to ${bench.status.cwnd}`);
});
