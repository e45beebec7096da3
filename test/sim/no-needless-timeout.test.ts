// Losses that cost no retransmission timeout: every single one, every pair of first transmissions, every tail, in responses
// of up to sixteen segments. RACK and the tail loss probe see to them (RFC 8985); what is counted are timeouts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConnectionConfig } from '../../src/tcp/config.js';
import { Event } from '../../src/tcp/connection.js';
import { ACK, SYN } from '../../src/wire/segment.js';
import type { Captured } from '../tcp/harness.js';
import { Pair, type Path } from '../tcp/harness.js';

const DELAY_MS = 10;
const MSS = 1448;
const MOST_SEGMENTS = 16;

interface Response {
  timeouts: number;
  /** Payload segments sent more than once. */
  resent: number;
  /** Segments without SYN that came back. */
  acks: number;
  log: string;
}

interface Losses {
  /** Of the segments with payload, in the order in which they leave, from 1. */
  data?: readonly number[];
  /** Of the ACKs that come back after the handshake, from 1. */
  acks?: readonly number[];
}

/** `a` sends `segments` full segments and then ends its direction. */
function response(segments: number, losses: Losses, config: Partial<ConnectionConfig> = {}): Response {
  let dataSent = 0;
  let acksSent = 0;
  let lastArrival = 0;
  // A bottleneck: one segment a millisecond, so that ACKs come one by one.
  const there: Path = (s) => {
    if (s.payload.length > 0 && losses.data?.includes(++dataSent)) return [];
    lastArrival = Math.max(pair.now + DELAY_MS, lastArrival + 1);
    return [lastArrival - pair.now];
  };
  const back: Path = (s) => (isAck(s) && losses.acks?.includes(++acksSent) ? [] : [DELAY_MS]);
  const pair: Pair = new Pair({ config, path: there }, { path: back });
  let isWritten = false;
  let endedAt = -1;
  pair.application = () => {
    const { a, b, now } = pair;
    if (a.events & Event.ESTABLISHED && !isWritten) {
      isWritten = true;
      assert.equal(a.connection!.send(new Uint8Array(segments * MSS), true, now), segments * MSS);
      a.connection!.shutdownWrite(now);
    }
    while (b.connection?.receive(1e6, now)) {}
    if (endedAt < 0 && b.connection?.atEnd) {
      endedAt = now;
      b.connection.shutdownWrite(now);
    }
  };
  pair.start();
  const { connection } = pair.a;
  pair.advance(20_000);
  assert.ok(endedAt >= 0, `the response did not arrive\n${pair.tail()}`);
  return {
    timeouts: connection!.rtx.tally.timeouts,
    resent: connection!.retransmissions,
    acks: pair.log.filter((line) => /b>a F?A /.test(line)).length,
    log: pair.log.join('\n'),
  };
}

function isAck(s: Captured): boolean {
  return (s.flags & (ACK | SYN)) === ACK;
}

function assertNoTimeout(segments: number, losses: Losses, config?: Partial<ConnectionConfig>): Response {
  const got = response(segments, losses, config);
  const what = `${segments} segments, lost ${JSON.stringify(losses)}`;
  assert.equal(got.timeouts, 0, `${what}: ${got.timeouts} timeouts\n${got.log}`);
  return got;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}

for (const timestamps of [true, false]) {
  const config = { timestamps, pathMss: timestamps ? 1460 : MSS };
  describe(timestamps ? 'with timestamps' : 'without timestamps', () => {
    test('RFC8985: any one segment', () => {
      for (const n of range(1, MOST_SEGMENTS))
        for (const lost of range(1, n)) assertNoTimeout(n, { data: [lost] }, config);
    });

    test('RFC8985: any two segments at their first transmission', () => {
      for (const n of range(2, MOST_SEGMENTS))
        for (const first of range(1, n))
          for (const second of range(first + 1, n)) assertNoTimeout(n, { data: [first, second] }, config);
    });

    test('RFC8985 §7: any tail, up to the whole flight', () => {
      for (const n of range(1, 10))
        for (const first of range(1, n)) assertNoTimeout(n, { data: range(first, n) }, config);
    });

    test('RFC8985 §7: any one ACK, and all ACKs but the last', () => {
      // Within the first window: a second one waits for an ACK, and what comes for it may be the one that is left.
      for (const n of range(1, 10)) {
        const { acks } = assertNoTimeout(n, {}, config);
        for (const lost of range(1, acks)) assertNoTimeout(n, { acks: [lost] }, config);
        assertNoTimeout(n, { acks: range(1, acks - 1) }, config);
      }
    });

    test('nothing is sent twice that was not lost, but by a probe', () => {
      for (const n of range(2, MOST_SEGMENTS))
        for (const lost of range(1, n)) {
          const { resent, log } = assertNoTimeout(n, { data: [lost] }, config);
          assert.ok(
            resent <= 1 + (lost === n ? 0 : 1),
            `${n} segments, lost ${lost}: ${resent} resent\n${log}`,
          );
        }
    });
  });
}

test('RFC8985 §6.2: a retransmission that is lost as well, while new data goes on, costs none', () => {
  // Beyond the first window data goes on for some round trips.
  for (const lost of range(1, 10)) {
    const { log } = response(60, { data: [lost] });
    const again =
      dataLines(log).findIndex((line) => line.seq === (lost - 1) * MSS + 1 && line.order > lost) + 1;
    assert.ok(again > 10, log);
    assertNoTimeout(60, { data: [lost, again] });
  }
});

/** Lines of `a` with payload: their place among them, from 1, and their number. */
function dataLines(log: string): { order: number; seq: number }[] {
  return log
    .split('\n')
    .filter((line) => /a>b .*\[\d+\]/.test(line))
    .map((line, i) => ({ order: i + 1, seq: Number(/a>b \S+ (\d+)/.exec(line)![1]) }));
}

test('RFC6298 §5: losing a lone segment and its probe does cost one: there is nothing left to tell of it', () => {
  assert.equal(response(1, { data: [1, 2] }).timeouts, 1);
});

test('RFC5681 §3.2: without SACK a tail costs a timeout: what RACK and its probes are for', () => {
  assert.ok(response(4, { data: [4] }, { sack: false }).timeouts > 0);
});
