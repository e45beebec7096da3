// Two connections wired back to back through a simulated path with a fake clock: delay, loss, duplication and reordering
// are decided by a script or by a seeded generator.
import assert from 'node:assert/strict';
import type { ConnectionConfig } from '../../src/tcp/config.js';
import {
  Connection,
  type ConnectionEnvironment,
  type ConnectionErrorCode,
  Event,
} from '../../src/tcp/connection.js';
import { configWith } from '../../src/tcp/defaults.js';
import { fillReset } from '../../src/tcp/segment-arrives/closed.js';
import { classifyListenSegment } from '../../src/tcp/segment-arrives/listen.js';
import { SegmentOut } from '../../src/tcp/segment-out.js';
import { STATE_NAMES, State } from '../../src/tcp/state.js';
import { type FourTuple, IpAddress } from '../../src/wire/address.js';
import { ACK, SegmentView, SYN } from '../../src/wire/segment.js';
import { type Captured, capture, cutSegments, fillOptions, fillRaw, printSegment } from './notation.js';
import { Recorder } from './recorder.js';

/** What the path does with one segment: the delays after which copies arrive; an empty list loses it. */
export type Path = (segment: Captured, index: number) => readonly number[];

export interface SideOptions {
  config?: Partial<ConnectionConfig>;
  iss?: number;
  /** What happens to the segments that this side sends. Default: 10 ms each way. */
  path?: Path;
  /** Bytes that the application sends with the call that opens. */
  early?: Uint8Array;
  environment?: Partial<ConnectionEnvironment>;
  /** Opens actively, or waits for a SYN. */
  opens?: boolean;
}

interface Arrival {
  at: number;
  order: number;
  to: Side;
  segment: Captured;
}

/** One end. */
export class Side {
  readonly recorder = new Recorder();
  connection: Connection | null = null;
  /** Every connection this end had, in order: a listener may have lost some to stale SYNs. */
  readonly past: Connection[] = [];
  listening: boolean;
  /** Events not looked at yet. */
  events = 0;
  peer!: Side;
  segmentsSent = 0;
  private readonly view = new SegmentView();
  private readonly out = new SegmentOut();
  readonly iss: number;

  constructor(
    readonly name: string,
    readonly pair: Pair,
    readonly options: SideOptions,
    readonly tuple: FourTuple,
  ) {
    this.iss = (options.iss ?? 0) | 0;
    this.listening = !options.opens;
  }

  get state(): string {
    return this.connection === null ? 'CLOSED' : STATE_NAMES[this.connection.state];
  }

  get error(): ConnectionErrorCode | null {
    return this.connection?.error ?? null;
  }

  open(): void {
    const connection = this.make('active');
    connection.openActive(this.pair.now);
    if (this.options.early !== undefined) connection.send(this.options.early, true, this.pair.now);
  }

  private make(role: 'active' | 'passive'): Connection {
    const config = configWith(this.options.config);
    const { environment: special } = this.options;
    const environment = { trace: this.recorder, initialSequence: () => this.iss, ...special };
    this.connection = new Connection(this.past.length + 1, this.tuple, config, environment, role);
    this.past.push(this.connection);
    return this.connection;
  }

  /** The path delivers a segment. */
  arrive(s: Captured): void {
    fillRaw(this.view, {
      flags: s.flags,
      seq: s.rawSeq,
      ack: s.rawAck,
      wnd: s.wnd,
      urgent: s.urgent,
      payload: s.payload,
    });
    fillOptions(this.view, s.options, this.iss);
    this.view.ecn = s.ecn;
    this.dispatch();
    this.view.bytes.fill(0xdd);
    this.note();
  }

  private dispatch(): void {
    const { connection, view, pair } = this;
    if (connection !== null && connection.state !== State.CLOSED && connection.state !== State.LISTEN) {
      connection.onSegment(view, pair.now);
      return;
    }
    const action = this.listening ? classifyListenSegment(view) : 'reset';
    if (action === 'open') {
      this.make('passive').openPassive(view, null, pair.now);
    } else if (action === 'reset') {
      this.out.reset();
      if (fillReset(view, this.out)) this.emit(this.out);
    }
  }

  /** Takes events; a listener with an accepted connection listens no more. */
  note(): void {
    if (this.connection === null) return;
    this.events |= this.connection.takeEvents();
    if (this.events & Event.ESTABLISHED) this.listening = false;
  }

  poll(): void {
    if (this.connection === null) return;
    const done = this.connection.pollTransmit(this.pair.now, this);
    assert.ok(done, 'an always writable sink takes everything');
    this.note();
  }

  readonly writable = true;

  segment(_connection: Connection, out: SegmentOut): void {
    this.emit(out);
  }

  private emit(out: SegmentOut): void {
    // SACK edges in what we send describe the peer's bytes, hence the peer's ISS.
    const captured = capture(out, { sender: this.iss, receiver: this.peer.iss }, this.pair.now);
    for (const segment of cutSegments(captured)) this.pair.carry(this, segment);
  }
}

/** See the head of this file. `a` opens, `b` listens, unless told otherwise. */
export class Pair {
  now = 1000;
  readonly a: Side;
  readonly b: Side;
  /** `a>b S 0 ...` of every segment that left, for people who read a failure. */
  readonly log: string[] = [];
  /** Called after every step, for the application's turn. */
  application: (() => void) | null = null;
  private readonly arrivals: Arrival[] = [];
  private order = 0;

  constructor(a: SideOptions, b: SideOptions) {
    const left = IpAddress.parse('10.9.0.1')!;
    const right = IpAddress.parse('10.9.0.2')!;
    const tuple = { local: left, localPort: 5000, remote: right, remotePort: 7 };
    this.a = new Side('a', this, { opens: true, ...a }, tuple);
    this.b = new Side('b', this, b, { local: right, localPort: 7, remote: left, remotePort: 5000 });
    this.a.peer = this.b;
    this.b.peer = this.a;
  }

  /** Opens the sides that open and lets the segments leave. */
  start(): this {
    for (const side of [this.a, this.b]) if (side.options.opens) side.open();
    if (this.a.connection === null) this.a.open();
    this.turn();
    return this;
  }

  /** Puts a segment on the path. */
  carry(from: Side, segment: Captured): void {
    const index = from.segmentsSent++;
    const delays = (from.options.path ?? steady)(segment, index);
    const fate = delays.length === 0 ? 'LOST' : delays.map((d) => `+${d}`).join(' ');
    this.log.push(`${this.now} ${from.name}>${from.peer.name} ${printSegment(segment)} ${fate}`);
    for (const delay of delays) {
      this.arrivals.push({ at: this.now + delay, order: this.order++, to: from.peer, segment });
    }
  }

  /** When the next thing happens; Infinity when nothing ever will. */
  next(): number {
    let next = Math.min(timeoutOf(this.a), timeoutOf(this.b));
    for (const arrival of this.arrivals) next = Math.min(next, arrival.at);
    return next;
  }

  /** Runs everything due at the next moment. Returns false when nothing is left. */
  step(limit = Number.POSITIVE_INFINITY): boolean {
    const next = this.next();
    if (next === Number.POSITIVE_INFINITY || next > limit) return false;
    this.now = Math.max(this.now, next);
    const due = this.arrivals
      .filter((x) => x.at <= this.now)
      .sort((x, y) => x.at - y.at || x.order - y.order);
    for (const arrival of due) this.arrivals.splice(this.arrivals.indexOf(arrival), 1);
    for (const arrival of due) arrival.to.arrive(arrival.segment);
    for (const side of [this.a, this.b]) {
      if (timeoutOf(side) <= this.now) side.connection!.onTimer(this.now);
    }
    this.turn();
    return true;
  }

  /** The application acts, then both sides send. */
  turn(): void {
    for (const side of [this.a, this.b]) side.note();
    this.application?.();
    for (const side of [this.a, this.b]) side.poll();
  }

  /** Runs until nothing is left to happen. */
  runToQuiescence(limits: { steps: number; until: number }): this {
    let steps = 0;
    while (this.step()) {
      assert.ok(++steps < limits.steps, `no end after ${limits.steps} steps\n${this.tail()}`);
      assert.ok(this.now < limits.until, `still busy at ${this.now} ms of virtual time\n${this.tail()}`);
    }
    return this;
  }

  /** Runs until `now` has advanced by `ms`. */
  advance(ms: number): this {
    const until = this.now + ms;
    while (this.step(until)) assert.ok(this.log.length < 200_000, 'too many segments');
    this.now = until;
    return this;
  }

  /** The last lines of the log. */
  tail(lines = 40): string {
    return this.log.slice(-lines).join('\n');
  }

  /** `a` and `b` after the handshake. */
  establish(): this {
    this.start();
    for (let i = 0; i < 1000 && !(this.a.state === 'ESTABLISHED' && this.b.state === 'ESTABLISHED'); i++) {
      if (!this.step()) break;
    }
    assert.equal(`${this.a.state} ${this.b.state}`, 'ESTABLISHED ESTABLISHED', this.tail());
    return this;
  }
}

/** Ten milliseconds, nothing lost. */
export const steady: Path = () => [10];

/** Loses the segments for which `lost` says so (called with their index among all that this side sent). */
export function losing(lost: (segment: Captured, index: number) => boolean, delayMs = 10): Path {
  return (segment, index) => (lost(segment, index) ? [] : [delayMs]);
}

function timeoutOf(side: Side): number {
  return side.connection?.nextTimeout() ?? Number.POSITIVE_INFINITY;
}

/** True for a segment that carries neither payload nor SYN, only an acknowledgment. */
export function isPureAck(s: Captured): boolean {
  return (s.flags & (ACK | SYN)) === ACK && s.payload.length === 0;
}
