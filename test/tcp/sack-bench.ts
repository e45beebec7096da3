// A bench whose peer speaks SACK over a path with a known round-trip time, and what tests of loss recovery ask of it.
import assert from 'node:assert/strict';
import type { Connection } from '../../src/tcp/connection.js';
import { Mark } from '../../src/tcp/flight.js';
import { pipe } from '../../src/tcp/losses.js';
import { Phase } from '../../src/tcp/tcb.js';
import { seqDiff } from '../../src/wire/seq.js';
import { Bench, type BenchOptions } from './bench.js';

/** Payload of a full segment of the bench. */
export const MSS = 1000;

export interface SackBenchOptions extends BenchOptions {
  /** Round-trip time that the handshake measures. Default 100 ms. */
  rttMs?: number;
}

/** ESTABLISHED with SACK agreed, one round trip measured, a wide window, nothing pending. */
export function sackEstablished(options: SackBenchOptions = {}): Bench {
  const peer = { options: 'mss 1000, sackOK', window: 60_000, ...options.peer };
  const config = { sack: true, nagle: false, ...options.config };
  const bench = Bench.synSent({ ...options, config, peer });
  bench.advance(options.rttMs ?? 100);
  agreeOnSack(bench.connection);
  bench.peer(`SA 0 a1 <${peer.options}>`);
  return bench.settled('ESTABLISHED');
}

/** For as long as the SYN does not negotiate it. */
function agreeOnSack(c: Connection): void {
  c.sackAgreed = true;
}

/** Sends `segments` full segments and forgets that they left. More may wait behind them. */
export function flying(segments: number, options: SackBenchOptions = {}, unsent = 0): Bench {
  const bench = sackEstablished({
    ...options,
    config: { initialWindowSegments: segments, ...options.config },
  });
  bench.write((segments + unsent) * MSS);
  assert.equal(bench.take().length, segments, 'the first flight');
  return bench;
}

/** First number of the n-th full segment, from 1. */
export function at(n: number): number {
  return 1 + (n - 1) * MSS;
}

/** `A 1 a… <sack …>` of a peer that has all before segment `next`, and beyond it the given segments, `[from, to]`. */
export function sackLine(next: number, ...blocks: readonly (readonly [from: number, to: number])[]): string {
  const sack = blocks.map(([from, to]) => `${at(from)}:${at(to + 1)}`).join(' ');
  return blocks.length === 0 ? `A 1 a${at(next)}` : `A 1 a${at(next)} <sack ${sack}>`;
}

/** Numbers of the segments that left since the last look, each as a count of full segments from 1. */
export function takeSegments(bench: Bench): number[] {
  return bench
    .take()
    .filter((s) => s.payload.length > 0)
    .map((s) => (s.seq - 1) / MSS + 1);
}

/** Name of the phase of the sender. */
export function phaseOf(bench: Bench): string {
  return ['open', 'reducing', 'recovery', 'loss'][bench.connection.rtx.phase]!;
}

/** Bytes thought to be on their way. */
export function pipeOf(bench: Bench): number {
  return pipe(bench.connection);
}

/** The sums of the flight are those of a recount, its records cover what is outstanding, and nobody counts below zero. */
export function checkFlight(c: Connection): void {
  const { flight, snd, rtx } = c;
  assert.equal(flight.start, snd.una, 'the flight begins at SND.UNA');
  let sacked = 0;
  let sackedCount = 0;
  let lost = 0;
  let resent = 0;
  let due = 0;
  let firstDue = -1;
  for (let i = 0; i < flight.count; i++) {
    const marks = flight.mark(i);
    const length = flight.length(i);
    assert.ok(length > 0, `record ${i} has ${length} numbers`);
    if (marks & Mark.SACKED) {
      sacked += length;
      sackedCount++;
      assert.equal(marks & (Mark.LOST | Mark.RESENT), 0, `record ${i} arrived, and is awaited`);
    } else {
      if (marks & Mark.LOST) lost += length;
      if ((marks & (Mark.LOST | Mark.RESENT)) === Mark.LOST) {
        due += length;
        if (firstDue < 0) firstDue = i;
      }
    }
    if (marks & Mark.RESENT) resent += length;
  }
  if (flight.count > 0) assert.equal(flight.end(flight.count - 1), snd.nxt, 'the flight ends at SND.NXT');
  else assert.equal(snd.una, snd.nxt, 'no record, nothing outstanding');
  assert.equal(flight.sackedBytes, sacked, 'sackedBytes');
  assert.equal(flight.sackedCount, sackedCount, 'sackedCount');
  assert.equal(flight.lostBytes, lost, 'lostBytes');
  assert.equal(flight.resentBytes, resent, 'resentBytes');
  assert.equal(flight.dueBytes, due, 'dueBytes');
  assert.equal(flight.nextDue(), firstDue, 'nextDue');
  assert.ok(
    flight.judged >= 0 && flight.judged <= flight.count,
    `judged ${flight.judged} of ${flight.count}`,
  );
  assert.ok(pipe(c) >= 0, `pipe is ${pipe(c)}`);
  assert.ok(c.congestion.cwnd >= 0, `cwnd is ${c.congestion.cwnd}`);
  if (rtx.phase >= Phase.RECOVERY)
    assert.ok(seqDiff(rtx.recover, snd.nxt) <= 0, 'recover lies within what was sent');
  if (rtx.phase < Phase.RECOVERY) assert.equal(lost, 0, 'something is held lost outside of a recovery');
}
