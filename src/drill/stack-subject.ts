// Our stack as the subject of a script: a link without time, a clock that stands still between events, and randomness that
// is the same in every run.
import { captureLink } from '../link/capture.js';
import { type LadderTrace, ladderTrace } from '../observe/ladder.js';
import { PcapngWriter } from '../observe/pcapng.js';
import { TraceHub } from '../observe/trace-hub.js';
import { VirtualClock } from '../stack/clock.js';
import { Stack } from '../stack/stack.js';
import type { StackTrace } from '../stack/trace.js';
import type { ConnectionConfig } from '../tcp/config.js';
import { STATE_NAMES } from '../tcp/state.js';
import type { Value } from './code.js';
import type { Setting } from './commands.js';
import { DrillLink } from './drill-link.js';
import type { Ends } from './packet-builder.js';
import type { PendingCall, SocketCall } from './socket-call.js';
import { StackCalls } from './stack-calls.js';
import { kernelInfo, kernelStateName } from './stack-info.js';
import { connectionSettings } from './stack-settings.js';
import { BLOCKS } from './stack-socket.js';
import type { SentPacket, Subject } from './subject.js';

/** Clock of the stack when a script begins; 0 would look like "never" in many places. */
const START_MS = 10_000;
/**
 * Scripts that say nothing of buffers count on a window of 65,535 octets: their "outside of the window" is beyond that.
 */
const RECEIVE_BUFFER_BYTES = 65_535;
/** The stack's timers are looked at in ticks of so many milliseconds. */
const TICK_MS = 1;
const SEED = 0x9e3779b9;

/** What `StackSubject` is made of. */
export interface StackSubjectOptions {
  readonly ends: Ends;
  readonly mtu: number;
  /** Ports of `bind` and `connect` that name none. */
  readonly bindPort: number;
  readonly connectPort: number;
  /** Path of a capture, or null. */
  readonly pcap: string | null;
  /** Further listeners of the stack's events. */
  readonly observers: readonly StackTrace[];
  /** Settings of every connection, below those of the script. */
  readonly config: Partial<ConnectionConfig>;
  /**
   * How long a packet takes to come. Nothing travels in no time: where everything of a script happens at once, a stack sees
   * round trips that no path has.
   */
  readonly latencyMs: number;
  /** Initial sequence number of all connections; null for numbers as RFC 6528 has them. */
  readonly isn: number | null;
}

/** See `Subject`. */
export class StackSubject implements Subject {
  readonly name = 'synwave';
  readonly earlyMs = 0;
  readonly lateMs = TICK_MS;
  readonly sent: SentPacket[] = [];
  readonly ends: Ends;
  private readonly clock = new VirtualClock(START_MS);
  private readonly link: DrillLink;
  private readonly stack: Stack;
  private readonly calls: StackCalls;
  private readonly trace: LadderTrace = ladderTrace();
  private readonly deferred: (() => void)[] = [];
  private readonly waiting: PendingCall[] = [];
  private readonly errors: unknown[] = [];
  private readonly latencyMs: number;
  private config: Partial<ConnectionConfig>;

  constructor(options: StackSubjectOptions) {
    const { ends, mtu } = options;
    this.latencyMs = options.latencyMs;
    this.ends = ends;
    this.config = { receiveBufferBytes: RECEIVE_BUFFER_BYTES, receiveBufferMaxBytes: 0, ...options.config };
    this.link = new DrillLink(mtu, (bytes) => this.sent.push({ atMs: this.now(), bytes }));
    const prefix = ends.local.family === 4 ? 16 : 64;
    const { clock } = this;
    const link =
      options.pcap === null
        ? this.link
        : captureLink(this.link, new PcapngWriter({ target: options.pcap, sync: true }), { clock });
    this.stack = new Stack({
      link,
      addresses: [`${ends.local}/${prefix}`],
      clock,
      trace: new TraceHub([this.trace, ...options.observers]).current,
      random: seededBytes(SEED),
      isn: options.isn === null ? 'rfc6528' : { fixed: options.isn },
      defer: (callback) => void this.deferred.push(callback),
      report: (error) => void this.errors.push(error),
    });
    this.calls = new StackCalls({
      stack: this.stack,
      remote: ends.remote,
      bindPort: options.bindPort,
      connectPort: options.connectPort,
      config: () => this.config,
    });
  }

  now(): number {
    return this.clock.now() - START_MS;
  }

  advanceTo(ms: number): void {
    const limit = ms + START_MS;
    this.settle();
    while (this.clock.step(limit)) this.settle();
    this.clock.advanceTo(limit);
    this.settle();
  }

  awaitPacket(ms: number): void {
    this.advanceUntil(ms, () => this.sent.length > 0);
  }

  awaitCall(pending: PendingCall, ms: number): void {
    this.advanceUntil(ms, () => pending.settled !== null);
  }

  private advanceUntil(ms: number, isDone: () => boolean): void {
    const limit = ms + START_MS;
    this.settle();
    while (!isDone() && this.clock.step(limit)) this.settle();
    if (!isDone()) this.advanceTo(ms);
  }

  deliver(bytes: Uint8Array): void {
    if (this.latencyMs > 0) this.advanceTo(this.now() + this.latencyMs);
    this.link.deliver(bytes);
    this.settle();
  }

  call(call: SocketCall): PendingCall {
    const pending: PendingCall = { call, settled: null };
    this.tryCall(pending, true);
    this.settle();
    return pending;
  }

  configure(setting: Setting): void {
    this.config = { ...this.config, ...connectionSettings(setting) };
  }

  tcpInfo(): ReadonlyMap<string, Value> | null {
    const endpoint = this.calls.underTest ?? [...this.stack.connections()][0];
    return endpoint === undefined ? null : kernelInfo(endpoint.tcpInfo());
  }

  count(state: string): number {
    if (state === 'LISTEN') return [...this.stack.listeners()].length;
    const wanted =
      state === 'SYN_RCVD' || state === 'SYN_RECEIVED' ? 'SYN_RECV' : state.replace(/_WAIT_(\d)/, '_WAIT$1');
    const states = [...this.stack.connections()].map(({ connection }) => STATE_NAMES[connection.state]);
    return states.filter((name) => kernelStateName(name) === wanted).length;
  }

  ladder(): readonly string[] {
    return this.trace.render();
  }

  async close(): Promise<void> {
    await this.stack.close();
  }

  private tryCall(pending: PendingCall, firstTry: boolean): void {
    const attempt = this.calls.attempt(pending.call, firstTry);
    if (attempt !== BLOCKS) pending.settled = { result: attempt, atMs: this.now() };
    else if (firstTry) this.block(pending);
  }

  private block(pending: PendingCall): void {
    this.waiting.push(pending);
    const { call } = pending;
    if (call.name !== 'poll' || call.timeoutMs < 0) return;
    this.clock.schedule(this.clock.now() + call.timeoutMs, () => {
      pending.settled ??= {
        result: { value: 0, errno: null, out: call.fds.map(() => []) },
        atMs: this.now(),
      };
    });
  }

  /** Runs what calls from outside of a turn have left over, and looks whether calls that block can return. */
  private settle(): void {
    this.flush();
    // Once only: also a try that gets nowhere leaves a turn over.
    for (const pending of this.waiting.splice(0)) {
      if (pending.settled === null) this.tryCall(pending, false);
      if (pending.settled === null) this.waiting.push(pending);
    }
    this.flush();
    const [error] = this.errors.splice(0);
    if (error !== undefined) throw error;
  }

  private flush(): void {
    while (this.deferred.length > 0) this.deferred.shift()!();
  }
}

/** The same octets in every run (SplitMix-like). */
function seededBytes(seed: number): (length: number) => Uint8Array {
  let state = seed | 0;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
      bytes[i] = (t ^ (t >>> 14)) >>> 24;
    }
    return bytes;
  };
}
