// A trace listener for tests: keeps transitions, timer events and drops as plain values, and checks that each
// transition continues where the one before ended.
import assert from 'node:assert/strict';
import type { Connection } from '../../src/tcp/connection.js';
import { STATE_NAMES, type State, TRANSITIONS, type Transition } from '../../src/tcp/state.js';
import { TIMER_NAMES } from '../../src/tcp/timers.js';
import type { ConnectionEnd, Trace } from '../../src/tcp/trace.js';

/** Records what the core tells. Timer events read `rto:start`. */
export class Recorder implements Trace {
  readonly transitions: Transition[] = [];
  readonly timers: { name: string; op: string; at: number; delayMs: number; n: number }[] = [];
  readonly drops: { reason: string; reply: string }[] = [];
  /** The rules by which segments were dropped. */
  readonly rules: string[] = [];
  /** `recovery by sack` of every change of the congestion phase. */
  readonly phases: string[] = [];
  readonly rttSamples: number[] = [];
  readonly verdicts: string[] = [];
  readonly calls: { call: string; n: number; error: string | null }[] = [];
  ends: ConnectionEnd[] = [];
  opened = 0;
  bufferChanges = 0;
  private readonly last = new Map<Connection, State>();

  /** `ESTABLISHED` of every state entered, in order. */
  get states(): string[] {
    return this.transitions.map((t) => STATE_NAMES[t.to]);
  }

  connectionOpened(): void {
    this.opened++;
  }
  stateChanged(connection: Connection, transition: Transition): void {
    assert.ok(TRANSITIONS.includes(transition), 'a transition that is not in the table');
    const before = this.last.get(connection);
    if (before !== undefined) {
      assert.equal(transition.from, before, 'a transition starts where the one before ended');
    }
    this.last.set(connection, transition.to);
    this.transitions.push(transition);
  }
  segmentReceived(...[, , verdict]: Parameters<Trace['segmentReceived']>): void {
    this.verdicts.push(verdict);
  }
  segmentSent(): void {}
  timerChanged(...[, timer, op, delayMs, n, now]: Parameters<Trace['timerChanged']>): void {
    this.timers.push({ name: TIMER_NAMES[timer], op, at: now, delayMs, n });
  }
  congestionChanged(...[, phase, trigger]: Parameters<Trace['congestionChanged']>): void {
    this.phases.push(`${phase} by ${trigger}`);
  }
  rttSampled(...[, sampleMs]: Parameters<Trace['rttSampled']>): void {
    this.rttSamples.push(sampleMs);
  }
  buffersChanged(): void {
    this.bufferChanges++;
  }
  segmentDropped(...[, , reason, reply, rule]: Parameters<Trace['segmentDropped']>): void {
    this.drops.push({ reason, reply });
    this.rules.push(rule);
  }
  called(...[, call, n, error]: Parameters<Trace['called']>): void {
    this.calls.push({ call, n, error });
  }
  connectionClosed(...[, end]: Parameters<Trace['connectionClosed']>): void {
    this.ends.push(end);
  }
}
