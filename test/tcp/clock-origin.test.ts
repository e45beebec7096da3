// The clock of a connection may begin anywhere: what was sent at 0 was sent, and all goes as it goes later. Numbers that
// mean "never" must not be mistaken for that moment.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Bench } from './bench.js';
import { printSegment } from './notation.js';
import { ackBefore, type FlightOptions, flight, MSS } from './sacking.js';

const LATER = 50_000;

/** A flight of which all is sent at `now`, the handshake as well. Its timestamps are the same wherever the clock stands. */
function flightAt(now: number, segments: number, options: FlightOptions = {}): Bench {
  return flight(segments, {
    rttMs: 0,
    now,
    environment: { timestampOffset: () => 1_000_000 - now },
    ...options,
    config: { initialWindowSegments: 20, ...options.config },
  });
}

/** Five segments leave at once and five after 50 ms. */
function twoFlights(now: number, options: FlightOptions = {}): Bench {
  const bench = flightAt(now, 5, options);
  bench.advance(50).write(5 * MSS);
  return bench.advance(50);
}

const STORIES: Readonly<Record<string, (now: number) => Bench>> = {
  'RFC6298 §3: an ACK of segments of two moments': (now) => twoFlights(now).peer(ackBefore(8)),
  'RFC8985 §6.2: a SACK of segments of two moments, and the recovery that follows': (now) =>
    twoFlights(now)
      .peer(ackBefore(1, [2, 6]))
      .advance(100)
      .peer(ackBefore(9))
      .advance(10)
      .peer(ackBefore(11)),
  'RFC2018 §5: SACKs of two moments in two ACKs': (now) =>
    twoFlights(now)
      .peer(ackBefore(1, [2, 2]))
      .advance(3)
      .peer(ackBefore(1, [2, 2], [7, 7])),
  'RFC8985 §6.2: everything within one moment': (now) => {
    const bench = flightAt(now, 6);
    bench
      .peer(ackBefore(1, [2, 5]))
      .peer(ackBefore(6))
      .peer(ackBefore(6, [1, 1]));
    bench.write(5 * MSS);
    return bench.advance(100).peer(ackBefore(9));
  },
  'RFC3522 §3.2: the echo of the first of two retransmissions': (now) => {
    const bench = flightAt(now, 8, { timestamps: true });
    const [sent] = bench.history.at(-1)!.options.ts!;
    const at = (n: number) => (n - 1) * bench.status.sendMss + 1;
    bench.peer(`A 1 a1 <ts 600 ${sent}, sack ${at(3)}:${at(7)}>`);
    bench.advance(1).peer(`A 1 a1 <ts 601 ${sent}, sack ${at(3)}:${at(9)}>`);
    return bench.advance(1).peer(`A 1 a${at(9)} <ts 602 ${sent}>`);
  },
  'RFC3522 §3.2: a timeout, and the echo of the first transmission': (now) => {
    const bench = flightAt(now, 4, { timestamps: true });
    const [sent] = bench.history.at(-1)!.options.ts!;
    while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
    return bench.advance(10).peer(`A 1 a${bench.status.sendMss + 1} <ts 600 ${sent}>`);
  },
  'RFC6582 §3.2: duplicate ACKs, a partial one and a full one': (now) =>
    twoFlights(now, { sack: false })
      .peer(ackBefore(1), ackBefore(1), ackBefore(1))
      .advance(100)
      .peer(ackBefore(4))
      .advance(100)
      .peer(ackBefore(11)),
  'RFC5681 §4.1: a pause after the first flight': (now) => {
    const bench = flightAt(now, 5).peer(ackBefore(6));
    bench.connection.congestion.cwnd = 30 * MSS;
    bench.advance(5000).write(25 * MSS);
    return bench;
  },
  'RFC9293 §3.8.6.1: a window that is shut from the beginning': (now) => {
    const bench = flightAt(now, 0);
    bench.peer('A 1 a1 w0').write(3000);
    for (let i = 0; i < 3; i++) bench.advance(bench.untilTimer);
    return bench.peer('A 1 a1 w9000');
  },
};

/** What left and when, and all that is known in the end. */
function told(bench: Bench, origin: number): unknown {
  return {
    segments: bench.history.map((s) => `${s.at - origin} ${printSegment(s)}`),
    samples: bench.recorder.rttSamples,
    phases: bench.recorder.phases,
    timers: bench.recorder.timers.map(({ at, ...timer }) => ({ ...timer, at: at - origin })),
    info: bench.connection.tcpInfo(bench.now),
  };
}

describe('a clock that begins at 0', () => {
  for (const [name, story] of Object.entries(STORIES)) {
    test(name, () => assert.deepEqual(told(story(0), 0), told(story(LATER), LATER)));
  }
});
