// Plays a script against a subject, event by event, in the order and at the times that it says.
import { ACK, FIN, SYN } from '../wire/segment.js';
import { resultProblem, toSocketCall } from './calls.js';
import { meaningOf } from './commands.js';
import { Expectation } from './expectation.js';
import type { Flow } from './flow.js';
import { FlowTable } from './flow-table.js';
import type { Matching } from './match.js';
import { actionText, observedText } from './notation.js';
import { type Observed, observe } from './observed.js';
import { Mismatch, Unsupported } from './outcome.js';
import { buildIcmp, buildSegment } from './packet-builder.js';
import type { Call, Command, IcmpPacket, Script, ScriptEvent, TcpPacket } from './script.js';
import type { RunSettings } from './script-options.js';
import { Snippets } from './snippets.js';
import type { PendingCall } from './socket-call.js';
import type { Subject } from './subject.js';
import type { Transcript } from './transcript.js';

const US_PER_MS = 1000;
/** What the original tool allows, in milliseconds. */
const DEFAULT_TOLERANCE_MS = 4;
/** After the last event nothing unexpected may leave for so long; less than any timer of an answered connection. */
const SETTLE_MS = 100;

/** A call that has not returned yet. */
interface OpenCall {
  readonly event: ScriptEvent;
  readonly call: Call;
  readonly pending: PendingCall;
  readonly endMs: number;
}

/** One run of one script. */
export class Play {
  /** Events done. */
  played = 0;
  private readonly flows: FlowTable;
  private readonly snippets = new Snippets();
  private readonly expectation: Expectation;
  private readonly toleranceMs: number;
  private openCall: OpenCall | null = null;
  /** Script time of the event before, in microseconds. */
  private lastUs = 0;
  private checksPayload = true;
  private checksWindow = false;

  constructor(
    private readonly script: Script,
    private readonly subject: Subject,
    settings: RunSettings,
    private readonly strict: boolean,
    private readonly transcript: Transcript,
  ) {
    this.toleranceMs = settings.toleranceMs ?? (strict ? 0 : DEFAULT_TOLERANCE_MS);
    this.flows = new FlowTable(subject.ends, settings.bindPort);
    const matching = (): Matching => ({
      strict,
      checksWindow: this.checksWindow,
      timestampTickUs: settings.timestampTickUs,
      timestampSlackMs: this.toleranceMs + (subject.earlyMs > 0 ? subject.lateMs : 0),
      checksPayload: this.checksPayload,
    });
    this.expectation = new Expectation(subject, this.flows, matching, this.toleranceMs, transcript);
  }

  /** @throws Mismatch, Unsupported */
  async run(): Promise<void> {
    const { script } = this;
    for (const command of script.init) await this.command(command);
    for (const event of script.events) {
      await this.play(event);
      this.played++;
    }
    await this.finishCall(Number.POSITIVE_INFINITY);
    for (const command of script.cleanup) await this.command(command);
    await this.settle();
  }

  private async play(event: ScriptEvent): Promise<void> {
    const { action, time } = event;
    if (action.kind === 'tcp' && action.direction === 'out') {
      await this.expect(event, action);
      return;
    }
    const base = time.kind === 'at' && time.relative ? this.lastUs : 0;
    const atUs = base + (time.kind === 'any' ? 0 : time.us);
    await this.reach(event, atUs);
    this.lastUs = atUs;
    switch (action.kind) {
      case 'tcp':
        await this.inject(action);
        break;
      case 'icmp':
        await this.injectIcmp(action);
        break;
      case 'call':
        await this.call(event, action, base);
        break;
      case 'command':
        await this.command(action);
        break;
      case 'code':
        if (this.openCall !== null && this.openCall.endMs <= atUs / US_PER_MS)
          await this.finishCall(Number.POSITIVE_INFINITY);
        await this.snippets.run(action, this.subject, this.transcript);
        break;
      case 'other':
        throw new Unsupported(action.unsupported);
    }
  }

  /** Lets time pass until the event. A time that has gone by is an error of the script, as in the original. */
  private async reach(event: ScriptEvent, atUs: number): Promise<void> {
    const atMs = atUs / US_PER_MS;
    await this.finishCall(atMs);
    if (atUs < this.lastUs && event.time.kind === 'at' && !event.time.relative) {
      throw new Mismatch(
        event.position.line,
        'the time of this event lies before that of the event above it',
      );
    }
    await this.subject.advanceTo(atMs);
  }

  private async expect(event: ScriptEvent, spec: TcpPacket): Promise<void> {
    const { time } = event;
    if (spec.unsupported !== null) throw new Unsupported(spec.unsupported);
    const base = time.kind !== 'any' && time.relative ? this.lastUs : 0;
    const line = event.position.line;
    const seenAtMs = await this.expectation.meet(spec, line, {
      fromMs: time.kind === 'any' ? Number.NEGATIVE_INFINITY : (base + time.us) / US_PER_MS,
      toMs:
        time.kind === 'any'
          ? Number.POSITIVE_INFINITY
          : (base + (time.kind === 'range' ? time.endUs : time.us)) / US_PER_MS,
      lastMs: this.lastUs / US_PER_MS,
    });
    // What comes at any time sets the clock of the events behind it.
    this.lastUs = time.kind === 'at' ? base + time.us : Math.round(seenAtMs * US_PER_MS);
    await this.finishCall(this.subject.now());
  }

  private async inject(spec: TcpPacket): Promise<void> {
    if (spec.unsupported !== null) throw new Unsupported(spec.unsupported);
    const flow = this.flows.forInbound(spec);
    if (spec.flags === SYN || (spec.flags & SYN && flow.irs === null)) this.flows.noteInboundSyn(flow, spec);
    if (spec.flags & ACK && spec.ack !== null) flow.noteAcknowledged(flow.toScript(flow.toWire(spec.ack)));
    const bytes = buildSegment(spec, flow, this.subject.ends, this.flows.cookie);
    this.transcript.add(this.subject.now(), actionText(spec));
    await this.subject.deliver(bytes);
  }

  private async injectIcmp(spec: IcmpPacket): Promise<void> {
    if (spec.unsupported !== null) throw new Unsupported(spec.unsupported);
    const bytes = buildIcmp(spec, this.flows.current(), this.subject.ends);
    this.transcript.add(this.subject.now(), actionText(spec));
    await this.subject.deliver(bytes);
  }

  private async call(event: ScriptEvent, call: Call, baseUs: number): Promise<void> {
    await this.finishCall(Number.POSITIVE_INFINITY);
    const request = toSocketCall(call);
    if (request.name === 'write' && request.text !== null) this.checksPayload = false;
    if (request.name === 'setsockopt' && request.option === 'SO_RCVBUF') this.checksWindow = true;
    if (request.name === 'bind' && request.port !== null) this.flows.bindPort = request.port;
    this.transcript.add(this.subject.now(), call.text);
    const pending = await this.subject.call(request);
    const endMs = call.endUs === null ? this.subject.now() : (baseUs + call.endUs) / US_PER_MS;
    this.openCall = { event, call, pending, endMs };
    if (call.endUs === null) await this.finishCall(Number.POSITIVE_INFINITY);
  }

  /** Waits for the call that blocks, when it ought to have returned before `beforeMs`, and judges it. */
  private async finishCall(beforeMs: number): Promise<void> {
    const open = this.openCall;
    if (open === null) return;
    const lateMs = this.toleranceMs + this.subject.lateMs;
    if (open.pending.settled === null && open.endMs + lateMs > beforeMs) return;
    await this.subject.awaitCall(open.pending, open.endMs + lateMs);
    this.openCall = null;
    this.judgeCall(open, lateMs);
  }

  private judgeCall({ event, call, pending, endMs }: OpenCall, lateMs: number): void {
    const { line } = event.position;
    const { settled } = pending;
    if (settled === null) {
      const hint = call.endUs === null ? '; write `t...e` for a call that blocks' : '';
      throw new Mismatch(
        line,
        `${call.name}() has not returned in time${hint}`,
        call.text,
        'it still blocks',
      );
    }
    const problem = resultProblem(call, settled.result, this.strict);
    if (problem !== null) throw new Mismatch(line, problem.message, problem.expected, problem.got);
    const early = endMs - settled.atMs;
    if (call.endUs !== null && early > this.toleranceMs + this.subject.earlyMs + EPSILON_MS) {
      const [expected, got] = [seconds(endMs), seconds(settled.atMs)];
      throw new Mismatch(line, `${call.name}() returned too early`, expected, got);
    }
    if (call.endUs !== null && -early > lateMs + EPSILON_MS) {
      throw new Mismatch(line, `${call.name}() returned too late`, seconds(endMs), seconds(settled.atMs));
    }
  }

  private async command(command: Command): Promise<void> {
    const meaning = meaningOf(command.text);
    if (meaning.kind === 'settings') {
      for (const setting of meaning.settings) await this.subject.configure(setting);
    } else if (meaning.kind === 'count') {
      const count = await this.subject.count(meaning.state);
      if (count === meaning.count) return;
      const say = (n: number) => `${n} in ${meaning.state}`;
      const { line } = command.position;
      throw new Mismatch(line, 'another number of connections', say(meaning.count), say(count));
    }
  }

  /** After the last event: what nobody expects must not leave any more. */
  private async settle(): Promise<void> {
    const { subject, expectation } = this;
    const endMs = this.lastUs / US_PER_MS;
    await subject.advanceTo(subject.now() + SETTLE_MS);
    for (const packet of subject.sent.splice(0)) {
      const got = observe(packet.bytes, packet.atMs);
      if (got === null || got.remote !== subject.ends.remote.toString()) continue;
      const flow = this.flows.ofObserved(got) ?? this.flows.current();
      if (expectation.mayPass(got, flow, true) || this.isBesideThePoint(got, flow, endMs)) continue;
      const { line } = this.script.events.at(-1)!.position;
      const text = observedText(got, flow, null);
      throw new Mismatch(
        line,
        'a packet left after the last event',
        'silence',
        `${text} at ${seconds(got.atMs)}`,
      );
    }
  }

  /**
   * Lenient matching: data of a script that lists none, as it is about something else; data that a timer sends after a
   * script that ends with data in flight; the FIN of a call that only cleans up behind the script.
   */
  private isBesideThePoint(got: Observed, flow: Flow, endMs: number): boolean {
    if (this.strict) return false;
    const last = this.script.events.at(-1)!.action;
    if (got.flags & FIN && last.kind === 'call' && (last.name === 'close' || last.name === 'shutdown'))
      return true;
    if (got.payload.length === 0) return false;
    const isListed = this.script.events.some(
      ({ action }) => action.kind === 'tcp' && action.direction === 'out' && action.length > 0,
    );
    return !isListed || (flow.isInFlight && got.atMs > endMs + this.toleranceMs);
  }
}

/** Rounding of sums of milliseconds. */
const EPSILON_MS = 1e-6;

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(6)} s`;
}
