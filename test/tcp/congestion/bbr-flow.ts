// One BBR flow over a path, with a record of the phases that it went through.
import assert from 'node:assert/strict';
import { PHASE_NAMES, Phase } from '../../../src/tcp/congestion/bbr/phase.js';
import { type Bbr, bbr } from '../../../src/tcp/congestion/bbr.js';
import { Flow, MSS, Path, type PathOptions, run } from './path.js';

/** A phase as the acknowledgments showed it. */
export interface Visit {
  phase: Phase;
  at: number;
  /** When it ended; Infinity for the current one. */
  until: number;
}

/** Flow, path, clock and record in one. */
export class BbrRun {
  readonly path: Path;
  readonly flow: Flow<Bbr>;
  readonly visits: Visit[] = [{ phase: Phase.STARTUP, at: 0, until: Number.POSITIVE_INFINITY }];
  now = 0;
  /** Seen after each acknowledgment, once the record is up to date. */
  onEvent: (now: number) => void = () => {};

  constructor(options: PathOptions) {
    this.path = new Path(options);
    this.flow = new Flow(bbr(MSS, 10), this.path);
    this.flow.onEvent = (now) => {
      this.now = now;
      this.record(now);
      this.onEvent(now);
    };
  }

  get bbr(): Bbr {
    return this.flow.controller;
  }

  /** Bytes that fill the path without a queue. */
  get bdp(): number {
    return this.path.rate * this.path.rttMs;
  }

  /** Goes on for so many ms and returns the share of the path's capacity that was used. */
  utilization(ms: number): number {
    const before = this.flow.rate.delivered;
    this.until(this.now + ms);
    return (this.flow.rate.delivered - before) / (this.path.rate * ms);
  }

  until(ms: number, isDone: () => boolean = () => false): void {
    this.now = run([this.flow], ms, isDone);
  }

  /** Goes on until the flow enters a phase, which must happen within `limitMs`. */
  untilPhase(phase: Phase, limitMs = 20_000): void {
    const limit = this.now + limitMs;
    const seen = this.visits.length;
    this.until(limit, () => this.visits.length > seen && this.bbr.phase === phase);
    const names = this.visits.map((visit) => `${PHASE_NAMES[visit.phase]} ${visit.at.toFixed(0)}`);
    assert.equal(PHASE_NAMES[this.bbr.phase], PHASE_NAMES[phase], names.join(', '));
  }

  /** Tells the controller of segments lost one after the other, each by itself, as if sent in the current flight. */
  loseSegments(count: number, inFlight: number, isAppLimited = false): void {
    const sentLost = this.bbr.lost;
    for (let i = 0; i < count; i++) {
      const lost = { seq: 2 * i * MSS, bytes: MSS, sentLost, sentInFlight: inFlight, isAppLimited };
      this.bbr.onSegmentLost(lost, this.now);
    }
  }

  visitsOf(phase: Phase): Visit[] {
    return this.visits.filter((visit) => visit.phase === phase);
  }

  private record(now: number): void {
    const last = this.visits.at(-1)!;
    if (last.phase === this.bbr.phase) return;
    last.until = now;
    this.visits.push({ phase: this.bbr.phase, at: now, until: Number.POSITIVE_INFINITY });
  }
}
