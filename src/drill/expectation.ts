// Waits for a packet that the script expects, and judges what comes instead.
import { SYN } from '../wire/segment.js';
import type { Flow } from './flow.js';
import type { FlowTable } from './flow-table.js';
import {
  type Comparison,
  compare,
  expectsPureAck,
  isPureAck,
  isRepeated,
  isSynAckForAck,
  type Matching,
  noteTimestamps,
} from './match.js';
import { actionText, observedText } from './notation.js';
import { lengthOf, type Observed, observe } from './observed.js';
import { Mismatch } from './outcome.js';
import type { TcpPacket } from './script.js';
import type { Subject } from './subject.js';
import type { Transcript } from './transcript.js';

/** An acknowledgment that the script lists comes at once from some stacks and delayed from others (lenient matching). */
const ACK_SPREAD_MS = 500;
/** A packet that may come at any time is waited for this long. */
const ANY_TIME_MS = 3_600_000;
const EPSILON_MS = 1e-6;

/** When a packet may come, in script time; `lastMs` is the time of the event before. */
export interface When {
  readonly fromMs: number;
  readonly toMs: number;
  readonly lastMs: number;
}

/** Meets the expectations of a script, one after the other. */
export class Expectation {
  constructor(
    private readonly subject: Subject,
    private readonly flows: FlowTable,
    private readonly matching: () => Matching,
    private readonly toleranceMs: number,
    private readonly transcript: Transcript,
  ) {}

  /**
   * Waits until the packet has come, whole.
   * @returns script time at which it left
   * @throws Mismatch
   */
  async meet(spec: TcpPacket, line: number, when: When): Promise<number> {
    let covered = 0;
    let atMs = this.subject.now();
    for (;;) {
      const got = await this.next(this.deadline(spec, when));
      if (got === null) throw this.missing(spec, line, when, covered);
      const flow = this.flows.forOutbound(spec, got);
      if (flow !== null) this.learn(spec, got, flow);
      const { problems, covered: more } = this.judge(spec, got, flow, covered);
      if (problems.length > 0) {
        if (flow !== null && this.mayPass(got, flow, false)) continue;
        throw this.different(spec, line, got, flow, problems);
      }
      this.checkTime(spec, line, got, flow!, when);
      this.note(spec, got, flow!);
      covered += more;
      atMs = got.atMs;
      if (covered >= spec.length) return atMs;
    }
  }

  private judge(spec: TcpPacket, got: Observed, flow: Flow | null, covered: number): Comparison {
    if (flow === null) return { problems: ['connection'], covered: 0 };
    const matching = this.matching();
    if (!matching.strict && isSynAckForAck(spec, got, flow)) return { problems: [], covered: 0 };
    return compare(spec, got, flow, covered, matching);
  }

  /** A packet that the script did not list, and need not. @param isEnd after the last event */
  mayPass(got: Observed, flow: Flow, isEnd: boolean): boolean {
    if (this.matching().strict) return false;
    if (!isPureAck(got, flow) && !(isEnd && isRepeated(got, flow))) return false;
    this.transcript.add(got.atMs, `${observedText(got, flow, null)}   (not listed)`);
    return true;
  }

  /** The next packet of the subject to the script's end, or null when none comes before `untilMs`. */
  private async next(untilMs: number): Promise<Observed | null> {
    const { subject } = this;
    const remote = subject.ends.remote.toString();
    for (;;) {
      if (subject.sent.length === 0) await subject.awaitPacket(untilMs);
      const packet = subject.sent.shift();
      if (packet === undefined) return null;
      const got = observe(packet.bytes, packet.atMs);
      if (got !== null && got.remote === remote) return got;
    }
  }

  private deadline(spec: TcpPacket, when: When): number {
    if (when.toMs === Number.POSITIVE_INFINITY) return this.subject.now() + ANY_TIME_MS;
    return when.toMs + this.lateMs(spec);
  }

  private lateMs(spec: TcpPacket): number {
    const least = this.toleranceMs + this.subject.lateMs;
    return !this.matching().strict && expectsPureAck(spec) ? Math.max(least, ACK_SPREAD_MS) : least;
  }

  private checkTime(spec: TcpPacket, line: number, got: Observed, flow: Flow, when: When): void {
    const strict = this.matching().strict;
    // Delayed or immediate: an acknowledgment may also come as early as the event before.
    const fromMs = !strict && expectsPureAck(spec) ? Math.min(when.fromMs, when.lastMs) : when.fromMs;
    const early = fromMs - this.toleranceMs - this.subject.earlyMs - EPSILON_MS;
    const late = when.toMs + this.lateMs(spec) + EPSILON_MS;
    if (got.atMs >= early && got.atMs <= late) return;
    const wanted =
      when.fromMs === when.toMs ? seconds(when.fromMs) : `${seconds(when.fromMs)} to ${seconds(when.toMs)}`;
    const word = got.atMs < early ? 'early' : 'late';
    const text = observedText(got, flow, spec);
    throw new Mismatch(
      line,
      `the packet came too ${word}`,
      `${actionText(spec)}   at ${wanted}`,
      `${text}   at ${seconds(got.atMs)}`,
    );
  }

  /** The subject's initial sequence number shows in its SYN. */
  private learn(spec: TcpPacket, got: Observed, flow: Flow): void {
    if (!(got.flags & SYN)) return;
    const scriptSeq = spec.seq.kind === 'relative' ? spec.seq.value : 0;
    const isNew = flow.offset === null || (flow.mayRestart && flow.toScript(got.seq) !== flow.iss);
    if (isNew) flow.learn(got.seq, scriptSeq);
  }

  private note(spec: TcpPacket, got: Observed, flow: Flow): void {
    noteTimestamps(spec, got, flow);
    const given = got.options.find((option) => option.name === 'fast-open');
    if (given?.name === 'fast-open' && given.cookie.length > 0) this.flows.cookie = given.cookie;
    flow.noteSent(flow.toScript((got.seq + lengthOf(got)) >>> 0));
    this.transcript.add(got.atMs, observedText(got, flow, null));
  }

  private missing(spec: TcpPacket, line: number, when: When, covered: number): Mismatch {
    const expected = `${actionText(spec)}   at ${seconds(when.toMs)}`;
    const until = seconds(this.subject.now());
    const got =
      covered > 0 ? `only ${covered} of ${spec.length} octets until ${until}` : `nothing until ${until}`;
    return new Mismatch(line, 'an expected packet did not come', expected, got);
  }

  private different(
    spec: TcpPacket,
    line: number,
    got: Observed,
    flow: Flow | null,
    problems: readonly string[],
  ): Mismatch {
    const shown = flow ?? this.flows.ofObserved(got) ?? this.flows.current();
    const text = observedText(got, shown, spec);
    const ports = flow === null ? `   (${got.localPort} > ${got.remotePort})` : '';
    this.transcript.add(got.atMs, text);
    const verb = flow === null ? 'belongs to another connection' : `differs in its ${problems.join(', ')}`;
    return new Mismatch(line, `the packet ${verb}`, actionText(spec), `${text}${ports}`);
  }
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(6)} s` : 'any time';
}
