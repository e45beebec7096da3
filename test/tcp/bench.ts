// One connection under test with a scripted peer and a fake clock. Every segment that leaves is checked against the
// rules that hold always (numbers, acknowledgment, payload, window edge); a test states only what is special to it.
import assert from 'node:assert/strict';
import type { ConnectionConfig } from '../../src/tcp/config.js';
import { Connection, type ConnectionEnvironment, Event } from '../../src/tcp/connection.js';
import { defaultConfig } from '../../src/tcp/defaults.js';
import type { SegmentOut } from '../../src/tcp/segment-out.js';
import { STATE_NAMES, State } from '../../src/tcp/state.js';
import { IpAddress } from '../../src/wire/address.js';
import { ACK, FIN, RST, SegmentView, SYN } from '../../src/wire/segment.js';
import {
  type Captured,
  capture,
  fillRaw,
  fillView,
  matches,
  parseSegment,
  pattern,
  patternByte,
  printSegment,
  type RawSegment,
} from './notation.js';
import { Recorder } from './recorder.js';

/** Salts of the two byte patterns. */
export const OUR_SALT = 7;
export const PEER_SALT = 151;

/** What the scripted peer is like. */
export interface PeerOptions {
  /** Options of its SYN, as notation. Default `mss 1000`. */
  options?: string;
  /** Raw window field of its segments unless a segment says otherwise. */
  window?: number;
}

export interface BenchOptions {
  /** Where the clock stands at the beginning, in ms. */
  now?: number;
  config?: Partial<ConnectionConfig>;
  /** Our ISS and the peer's. */
  iss?: number;
  irs?: number;
  family?: 4 | 6;
  peer?: PeerOptions;
  role?: 'active' | 'passive';
  /** Connections of the listener that Fast Open has handed out already. */
  fastOpenPending?: number;
  /** What the connection gets from its environment beside a trace and the ISS. */
  environment?: Partial<ConnectionEnvironment>;
}

/** Numbers that make traces easy to read; everything else is the project's default. */
export const BENCH_CONFIG: Partial<ConnectionConfig> = {
  receiveMss: 1000,
  pathMss: 1000,
  sendBufferBytes: 100_000,
  receiveBufferBytes: 10_000,
  windowScale: -1,
  sendBufferMaxBytes: 0,
  receiveBufferMaxBytes: 0,
  sack: false,
  timestamps: false,
  ecn: 'off',
  probeBaseMss: 0,
};

/** See the head of this file. */
export class Bench {
  now: number;
  readonly iss: number;
  readonly irs: number;
  readonly recorder = new Recorder();
  readonly connection: Connection;
  /** Segments that left and were not expected yet. */
  readonly sent: Captured[] = [];
  /** All segments that ever left. */
  readonly history: Captured[] = [];
  peerWindow: number;
  /** False blocks the way out. */
  writable = true;
  /** The peer's SYN options. */
  private synOptions: string;
  private readonly view = new SegmentView();
  private eventBits = 0;
  private written = 0;
  private readBytes = 0;
  private rightEdge: number | null = null;
  private sentInPoll = 0;
  /** Set when a test sends bytes that are not the pattern. */
  checkPayload = true;
  /** Unset when ACKs of an earlier moment are owed (RFC 8257 §3.2). */
  checkAcknowledgment = true;
  /** Unset when the peer's scale is not the one of `options.peer`. */
  checkWindow = true;
  /** Unset where probes of the path may be larger than the send MSS (RFC 4821 §7). */
  checkSize = true;

  constructor(options: BenchOptions = {}) {
    this.now = options.now ?? 50_000;
    this.iss = (options.iss ?? 0x10000000) | 0;
    this.irs = (options.irs ?? 0x20000000) | 0;
    this.peerWindow = options.peer?.window ?? 10_000;
    this.synOptions = options.peer?.options ?? 'mss 1000';
    const v6 = options.family === 6;
    const tuple = {
      local: IpAddress.parse(v6 ? 'fd00:9::2' : '10.9.0.2')!,
      localPort: 6000,
      remote: IpAddress.parse(v6 ? 'fd00:9::1' : '10.9.0.1')!,
      remotePort: 5000,
    };
    const config: ConnectionConfig = { ...defaultConfig(), ...BENCH_CONFIG, ...options.config };
    this.connection = new Connection(
      1,
      tuple,
      config,
      { trace: this.recorder, initialSequence: () => this.iss, ...options.environment },
      options.role ?? 'active',
    );
  }

  // ---- ways into states

  /**
   * A connection in SYN-SENT; its SYN is in `sent`.
   * @param queued bytes that the application sends before the SYN leaves
   */
  static synSent(options: BenchOptions = {}, queued = 0): Bench {
    const bench = new Bench({ ...options, role: 'active' });
    bench.connection.openActive(bench.now);
    if (queued > 0) bench.queue(queued);
    bench.flush();
    return bench;
  }

  /** A listener's child in SYN-RECEIVED; its SYN-ACK is in `sent`. */
  static synReceived(options: BenchOptions = {}, syn?: string): Bench {
    const bench = new Bench({ ...options, role: 'passive' });
    if (syn !== undefined) bench.synOptions = /<([^>]*)>/.exec(syn)?.[1] ?? '';
    bench.fill(syn ?? `S 0 <${bench.synOptions}>`);
    bench.connection.openPassive(bench.view, null, bench.now, options.fastOpenPending);
    bench.scribble();
    bench.flush();
    return bench;
  }

  /** ESTABLISHED by active open, nothing pending. */
  static established(options: BenchOptions = {}): Bench {
    const bench = Bench.synSent(options);
    bench.peer(`SA 0 a1 <${bench.synOptions}>`);
    bench.settled('ESTABLISHED');
    return bench;
  }

  /** ESTABLISHED by passive open, nothing pending. */
  static accepted(options: BenchOptions = {}): Bench {
    const bench = Bench.synReceived(options);
    const stamp = /\bts -?\d+/.exec(bench.synOptions)?.[0];
    bench.peer(stamp === undefined ? 'A 1 a1' : `A 1 a1 <${stamp} 0>`);
    bench.settled('ESTABLISHED');
    return bench;
  }

  /** Forgets what was sent and happened, after checking the state. */
  settled(state: string): this {
    this.state(state);
    this.sent.length = 0;
    this.takeEvents();
    return this;
  }

  // ---- the peer

  /** Segments arrive one after the other in one batch; then the connection sends. */
  peer(...lines: string[]): this {
    for (const line of lines) this.inject(line);
    return this.flush();
  }

  /** As `peer`, of one acknowledgment that stands for so many. */
  peerOf(acks: number, line: string): this {
    this.fill(line);
    this.view.extraSegments = acks - 1;
    this.connection.onSegment(this.view, this.now);
    this.view.extraSegments = 0;
    return this.scribble().flush();
  }

  /** A segment arrives; nothing is sent yet. */
  inject(line: string): this {
    this.fill(line);
    this.connection.onSegment(this.view, this.now);
    return this.scribble();
  }

  /** As `inject`, with everything raw. */
  injectRaw(raw: RawSegment, options?: (view: SegmentView) => void): this {
    fillRaw(this.view, raw);
    options?.(this.view);
    this.connection.onSegment(this.view, this.now);
    return this.scribble();
  }

  private fill(line: string): void {
    const origins = { sender: this.irs, receiver: this.iss };
    fillView(this.view, parseSegment(line), origins, PEER_SALT, this.peerWindow);
  }

  /** The slab belongs to the link: after the call its bytes change, and whoever kept a reference is found out. */
  private scribble(): this {
    this.view.bytes.fill(0xdd);
    this.note();
    return this;
  }

  // ---- the application

  /** Queues `length` pattern bytes and sends what may be sent. Returns the number of bytes taken. */
  write(length: number, push = true): number {
    const taken = this.queue(length, push);
    this.flush();
    return taken;
  }

  /** As `write`, without sending. */
  queue(length: number, push = true): number {
    const taken = this.connection.send(pattern(this.written, length, OUR_SALT), push, this.now);
    this.written += taken;
    return taken;
  }

  writeUrgent(length: number): number {
    const taken = this.connection.sendUrgent(pattern(this.written, length, OUR_SALT), this.now);
    this.written += taken;
    this.flush();
    return taken;
  }

  /** Reads at most `max` bytes, checks that they continue the peer's stream, returns how many there were. */
  read(max = Number.MAX_SAFE_INTEGER): number {
    let total = 0;
    while (total < max) {
      const bytes = this.connection.receive(max - total, this.now);
      if (bytes === null) break;
      assert.ok(bytes.length > 0 && bytes.length <= max - total, `receive gave ${bytes.length} bytes`);
      this.checkStream(bytes);
      total += bytes.length;
    }
    this.flush();
    return total;
  }

  private checkStream(bytes: Uint8Array): void {
    // A peer may have chosen another ISS than the one that the notation counts from.
    const origin = (this.status.irs - this.irs) | 0;
    for (const byte of bytes) {
      const expected = patternByte(origin + this.readBytes, PEER_SALT);
      assert.equal(byte, expected, `byte ${this.readBytes} of the received stream is wrong`);
      this.readBytes++;
    }
  }

  /** Any other call, followed by sending. */
  call(action: (connection: Connection, now: number) => void): this {
    action(this.connection, this.now);
    return this.flush();
  }

  shutdown(): this {
    return this.call((c, now) => c.shutdownWrite(now));
  }

  close(): this {
    return this.call((c, now) => c.close(now));
  }

  abort(): this {
    return this.call((c, now) => c.abort(now));
  }

  // ---- time

  /** Lets time pass, with every timer on its moment. */
  advance(ms: number): this {
    const until = this.now + ms;
    let sameMoment = 0;
    for (let due = this.connection.nextTimeout(); due <= until; due = this.connection.nextTimeout()) {
      sameMoment = due <= this.now ? sameMoment + 1 : 0;
      assert.ok(sameMoment < 100, `timers keep firing at ${this.now} without an end`);
      this.now = Math.max(this.now, due);
      this.connection.onTimer(this.now);
      this.note();
      this.flush();
    }
    this.now = until;
    return this.flush();
  }

  /** Milliseconds until the next deadline. */
  get untilTimer(): number {
    return this.connection.nextTimeout() - this.now;
  }

  // ---- what came of it

  /** Exactly these segments left since the last look. */
  expect(...lines: string[]): this {
    const got = this.sent.splice(0);
    const expected = lines.map(parseSegment);
    const good = got.length === expected.length && expected.every((e, i) => matches(e, got[i]!));
    if (!good) assert.fail(table(lines, got, this.stateName));
    return this;
  }

  /** Nothing left. */
  silent(): this {
    return this.expect();
  }

  /** Takes the segments that left since the last look. */
  take(): Captured[] {
    return this.sent.splice(0);
  }

  get stateName(): string {
    return STATE_NAMES[this.connection.state];
  }

  state(expected: string): this {
    assert.equal(this.stateName, expected, `state is ${this.stateName}, expected ${expected}`);
    return this;
  }

  /** Names of the events since the last look, sorted. */
  takeEvents(): string[] {
    this.note();
    const bits = this.eventBits;
    this.eventBits = 0;
    return Object.entries(Event)
      .filter(([, bit]) => bits & bit)
      .map(([name]) => name)
      .sort();
  }

  /** The events since the last look include these and none of `not`. */
  events(has: string[], not: string[] = []): this {
    const got = this.takeEvents();
    for (const name of has) assert.ok(got.includes(name), `event ${name} is missing in [${got}]`);
    for (const name of not) assert.ok(!got.includes(name), `event ${name} is not expected in [${got}]`);
    return this;
  }

  get status(): ReturnType<Connection['status']> {
    return this.connection.status();
  }

  private note(): void {
    this.eventBits |= this.connection.takeEvents();
  }

  /** Sends all that may be sent. */
  flush(): this {
    if (!this.writable) return this;
    const wanted = this.connection.wantsTransmit;
    this.sentInPoll = 0;
    const done = this.connection.pollTransmit(this.now, this);
    if (!wanted) assert.equal(this.sentInPoll, 0, 'wantsTransmit was false, but segments left');
    if (done) assert.equal(this.connection.wantsTransmit, false, 'wantsTransmit after a complete poll');
    for (const s of this.history.slice(this.history.length - this.sentInPoll)) this.checkAlways(s);
    this.note();
    return this;
  }

  // ---- SegmentSink

  segment(connection: Connection, out: SegmentOut): void {
    assert.equal(connection, this.connection);
    assert.ok(++this.sentInPoll < 1000, 'one poll sends without an end');
    const captured = capture(out, { sender: this.iss, receiver: this.irs }, this.now);
    out.packetId = this.history.length + 1;
    this.history.push(captured);
    this.sent.push(captured);
  }

  private checkAlways(s: Captured): void {
    const line = printSegment(s);
    if (s.flags & SYN) return;
    assert.equal(s.options.mss, undefined, `RFC9293 MUST-65: MSS on a segment without SYN: ${line}`);
    if (s.flags & RST) return;
    assert.ok(s.flags & ACK, `every segment after the first SYN carries ACK: ${line}`);
    const status = this.status;
    if (this.checkAcknowledgment) {
      assert.equal((s.rawAck - status.irs) | 0, status.rcvNxt, `the acknowledgment is RCV.NXT: ${line}`);
    }
    const len = s.payload.length + (s.flags & FIN ? 1 : 0);
    assert.ok(
      ((s.rawSeq + len - this.connection.snd.nxt) | 0) <= 0,
      `the segment ends at or before SND.NXT: ${line}`,
    );
    if (s.payload.length > 0) {
      const each = s.segmentBytes || s.payload.length;
      if (this.checkSize)
        assert.ok(each <= status.sendMss, `larger than the send MSS ${status.sendMss}: ${line}`);
      if (this.checkPayload) this.checkPattern(s, line);
    }
    if (this.checkWindow) this.checkEdge(s, line);
  }

  private checkPattern(s: Captured, line: string): void {
    for (const [i, byte] of s.payload.entries()) {
      const position = s.seq - 1 + i;
      assert.equal(byte, patternByte(position, OUR_SALT), `byte at position ${position} is wrong: ${line}`);
    }
  }

  /** RFC 9293 SHLD-14: the right edge of the window does not move left; a scaled window may round. */
  private checkEdge(s: Captured, line: string): void {
    const shift = this.receiveShift;
    const edge = s.ack + (s.wnd << shift);
    if (this.rightEdge !== null && this.connection.state <= State.FIN_WAIT_2) {
      const slack = shift === 0 ? 0 : 1 << shift;
      assert.ok(
        edge >= this.rightEdge - slack,
        `RFC9293 SHLD-14: the window edge moved from ${this.rightEdge} to ${edge}: ${line}`,
      );
    }
    this.rightEdge = Math.max(edge, this.rightEdge ?? edge);
  }

  /** Shift of our window field: in force when both SYNs carried the option. */
  get receiveShift(): number {
    const ours = this.history.find((h) => h.flags & SYN)?.options.ws;
    return ours !== undefined && /\bws\b/.test(this.synOptions) ? ours : 0;
  }
}

function table(expected: string[], got: Captured[], state: string): string {
  const rows = Math.max(expected.length, got.length);
  const lines = [`segments differ (state ${state}); expected | got`];
  for (let i = 0; i < rows; i++) {
    const left = expected[i] ?? '(nothing)';
    const right = got[i] === undefined ? '(nothing)' : `${printSegment(got[i]!)}  @${got[i]!.at}`;
    const same = expected[i] !== undefined && got[i] !== undefined && matches(parseSegment(left), got[i]!);
    lines.push(`  ${same ? ' ' : '!'} ${left.padEnd(32)} | ${right}`);
  }
  return lines.join('\n');
}
