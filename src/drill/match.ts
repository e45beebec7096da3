// Compares a packet that left the subject with the one that the script expects in its place.
import { ACK, FIN, PSH, RST, SYN } from '../wire/segment.js';
import type { TcpOption } from '../wire/tcp-options-decode.js';
import { type Flow, isAfter } from './flow.js';
import { lengthOf, type Observed } from './observed.js';
import { firstDeviation } from './pattern.js';
import type { IpInfo, OptionSpec, TcpPacket } from './script.js';

/** How exactly packets must agree. */
export interface Matching {
  /** Everything that the script says, to the letter. */
  readonly strict: boolean;
  /** The window is compared although matching is lenient: the script has chosen the receive buffer. */
  readonly checksWindow: boolean;
  /** Microseconds for each step of the script's timestamps, or null when only their order counts. */
  readonly timestampTickUs: number | null;
  /** How far timestamps may be off, in milliseconds. */
  readonly timestampSlackMs: number;
  /** The payload is that of the pattern. */
  readonly checksPayload: boolean;
}

/** A packet compared. `problems` names the fields that differ; `covered` is how much of the payload it brought. */
export interface Comparison {
  readonly problems: readonly string[];
  readonly covered: number;
}

/**
 * Compares. With lenient matching one scripted segment may come in several pieces.
 * @param already octets of the scripted payload that earlier pieces have brought
 */
export function compare(
  spec: TcpPacket,
  got: Observed,
  flow: Flow,
  already: number,
  matching: Matching,
): Comparison {
  const problems: string[] = [];
  if (!got.checksumOk) problems.push('checksum');
  const left = spec.length - already;
  const isPiece = !matching.strict && got.payload.length > 0 && got.payload.length < left;
  if (!flagsAgree(spec.flags, got.flags, isPiece, matching.strict)) problems.push('flags');
  if (!sequenceAgrees(spec, got, flow, already)) problems.push('sequence number');
  if (got.payload.length !== left && !isPiece) problems.push('length');
  if (!acknowledgmentAgrees(spec, got)) problems.push('acknowledgment number');
  if (spec.win !== null && windowCounts(spec, matching) && got.win !== spec.win) problems.push('window');
  if (got.urg !== spec.urg) problems.push('urgent pointer');
  problems.push(...ipProblems(spec.ip, got), ...optionProblems(spec, got, flow, matching));
  if (problems.length === 0 && matching.checksPayload && !payloadIsRight(got, flow)) problems.push('payload');
  return { problems, covered: got.payload.length };
}

function flagsAgree(expected: number, got: number, isPiece: boolean, strict: boolean): boolean {
  if (strict) return expected === got;
  if (isPiece) return (got & ~PSH) === (expected & ~(PSH | FIN));
  // What pushes is every stack's own affair; a PSH that the script names must be there.
  return (got & ~PSH) === (expected & ~PSH) && (got & PSH) >= (expected & PSH);
}

function sequenceAgrees(spec: TcpPacket, got: Observed, flow: Flow, already: number): boolean {
  if (spec.seq.kind === 'any') return true;
  const live = spec.seq.kind === 'absolute' ? got.seq : flow.toScript(got.seq);
  return live === (spec.seq.value + already) >>> 0;
}

function acknowledgmentAgrees(spec: TcpPacket, got: Observed): boolean {
  if (spec.ack === null) return !(got.flags & ACK) || Boolean(spec.flags & ACK);
  return spec.ack.kind === 'any' || spec.ack.value === got.ack;
}

function windowCounts(spec: TcpPacket, matching: Matching): boolean {
  if (matching.strict) return true;
  if (spec.flags & RST) return false;
  return matching.checksWindow || spec.win === 0;
}

function ipProblems(ip: IpInfo, got: Observed): string[] {
  const problems: string[] = [];
  if (ip.ecn === 'ect01' ? got.ecn !== 1 && got.ecn !== 2 : ip.ecn !== null && got.ecn !== ip.ecn)
    problems.push('ECN');
  if (ip.tos !== null && got.tos !== ip.tos) problems.push('type of service');
  if (ip.ttl !== null && got.ttl !== ip.ttl) problems.push('time to live');
  if (ip.flowLabel !== null && got.flowLabel !== ip.flowLabel) problems.push('flow label');
  return problems;
}

function payloadIsRight(got: Observed, flow: Flow): boolean {
  if (got.payload.length === 0) return true;
  const first = flow.toScript(got.seq) + (got.flags & SYN ? 1 : 0);
  return firstDeviation(got.payload, (first - flow.iss - 1) | 0) < 0;
}

function optionProblems(spec: TcpPacket, got: Observed, flow: Flow, matching: Matching): string[] {
  if (spec.options === 'any') return [];
  const { strict } = matching;
  const isSyn = (spec.flags & SYN) !== 0;
  const pads = (name: string) => name === 'nop' || name === 'eol' || name === 'end';
  const wanted = strict ? [...spec.options] : spec.options.filter((option) => !pads(option.name));
  let found = strict ? [...got.options] : got.options.filter((option) => !pads(option.name));
  const wantsTimestamps = wanted.some((option) => option.name === 'TS');
  if (!strict && isSyn && !wantsTimestamps) found = found.filter((option) => option.name !== 'timestamps');
  if (wanted.length !== found.length) return ['options'];
  const order = strict ? found : sortedLike(wanted, found);
  const agree = wanted.every((option, i) => optionAgrees(option, order[i]!, flow, matching));
  return agree ? [] : ['options'];
}

const KIND_NAMES: Readonly<Record<OptionSpec['name'], TcpOption['name']>> = {
  nop: 'nop',
  eol: 'end',
  sackOK: 'sack-permitted',
  mss: 'mss',
  wscale: 'window-scale',
  TS: 'timestamps',
  sack: 'sack',
  FO: 'fast-open',
  other: 'unknown',
};

function sortedLike(wanted: readonly OptionSpec[], found: readonly TcpOption[]): TcpOption[] {
  const rest = [...found];
  const order = wanted.map((option) => {
    const at = rest.findIndex((one) => one.name === KIND_NAMES[option.name]);
    return at < 0 ? rest.shift()! : rest.splice(at, 1)[0]!;
  });
  return [...order, ...rest];
}

function optionAgrees(spec: OptionSpec, got: TcpOption, flow: Flow, matching: Matching): boolean {
  if (got.name !== KIND_NAMES[spec.name]) return false;
  switch (spec.name) {
    case 'mss':
      return got.name === 'mss' && got.mss === spec.value;
    case 'wscale':
      return !matching.strict || (got.name === 'window-scale' && got.shift === spec.value);
    case 'sack':
      return got.name === 'sack' && JSON.stringify(got.blocks) === JSON.stringify(spec.blocks);
    case 'FO':
      return got.name === 'fast-open' && cookieAgrees(spec.cookie, got.cookie);
    case 'TS':
      return got.name === 'timestamps' && timestampsAgree(spec, got, flow, matching);
    default:
      return true;
  }
}

/** `...` is any cookie, but no request. */
function cookieAgrees(written: string | null, got: Uint8Array): boolean {
  return written === null ? got.length > 0 : written === Buffer.from(got).toString('hex');
}

function timestampsAgree(
  spec: OptionSpec & { name: 'TS' },
  got: { readonly tsVal: number; readonly tsEcr: number },
  flow: Flow,
  { timestampTickUs, timestampSlackMs }: Matching,
): boolean {
  if (spec.ecr !== null && spec.ecr !== got.tsEcr) return false;
  if (flow.lastTimestamp !== null && isAfter(flow.lastTimestamp, got.tsVal)) return false;
  const { timestampOffset } = flow;
  if (spec.val === null || timestampTickUs === null || timestampOffset === null) return true;
  // One tick of rounding at either end.
  const ticks = 1 + Math.ceil((timestampSlackMs * 1000) / timestampTickUs);
  return Math.abs((got.tsVal - timestampOffset - spec.val) | 0) <= ticks;
}

/** Notes the timestamps of a packet that agreed. */
export function noteTimestamps(spec: TcpPacket, got: Observed, flow: Flow): void {
  const live = got.options.find((option) => option.name === 'timestamps');
  if (live?.name !== 'timestamps') return;
  flow.lastTimestamp = live.tsVal;
  const written = spec.options === 'any' ? undefined : spec.options.find((option) => option.name === 'TS');
  if (written?.name === 'TS' && written.val !== null) flow.pairTimestamp(written.val, live.tsVal);
}

/** A segment that only acknowledges, at the place where the subject would send next. */
export function isPureAck(got: Observed, flow: Flow): boolean {
  if (got.flags !== ACK || got.payload.length > 0 || flow.highest === null) return false;
  return flow.toScript(got.seq) === flow.highest;
}

/** Everything in it was sent before. */
export function isRepeated(got: Observed, flow: Flow): boolean {
  const length = lengthOf(got);
  if (flow.highest === null || length === 0) return false;
  return !isAfter(flow.toScript((got.seq + length) >>> 0), flow.highest);
}

/** A packet expected that only acknowledges. */
export function expectsPureAck(spec: TcpPacket): boolean {
  return spec.flags === ACK && spec.length === 0;
}

/** In SYN-RECEIVED the answer to what is not acceptable is an ACK for some and the SYN-ACK again for others. */
export function isSynAckForAck(spec: TcpPacket, got: Observed, flow: Flow): boolean {
  if (!expectsPureAck(spec) || got.flags !== (SYN | ACK) || spec.seq.kind === 'any') return false;
  return flow.toScript(got.seq) === flow.iss && acknowledgmentAgrees(spec, got);
}
