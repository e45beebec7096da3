// Packets written the way scripts write them: what was expected and what came, for reports.
import { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from '../wire/segment.js';
import type { TcpOption } from '../wire/tcp-options-decode.js';
import type { Flow } from './flow.js';
import type { Observed } from './observed.js';
import type { Action, IcmpPacket, IpInfo, OptionSpec, SequenceNumber, TcpPacket } from './script.js';

const LETTERS: readonly (readonly [number, string])[] = [
  [SYN, 'S'],
  [FIN, 'F'],
  [RST, 'R'],
  [PSH, 'P'],
  [URG, 'U'],
  [ECE, 'E'],
  [CWR, 'W'],
  [ACK, '.'],
];
const ECN_NAMES = ['noecn', 'ect1', 'ect0', 'ce'] as const;

/** `S.`, `P.`, `-`. */
export function flagText(flags: number): string {
  const letters = LETTERS.filter(([bit]) => flags & bit).map(([, letter]) => letter);
  return letters.length === 0 ? '-' : letters.join('');
}

/** A packet, call, command or snippet as a script would say it. */
export function actionText(action: Action): string {
  switch (action.kind) {
    case 'tcp':
      return segmentText(action);
    case 'icmp':
      return icmpText(action);
    case 'call':
      return action.text;
    case 'command':
      return `\`${action.text}\``;
    case 'code':
      return `%{ ${action.text} }%`;
    case 'other':
      return action.direction === 'in' ? '< …' : '> …';
  }
}

function segmentText(spec: TcpPacket): string {
  const { seq, length } = spec;
  const parts = [spec.direction === 'in' ? '<' : '>', ...ipText(spec.ip)];
  if (spec.ports !== null) parts.push(`${spec.ports.source} > ${spec.ports.destination}`);
  parts.push(flagText(spec.flags));
  parts.push(
    seq.kind === 'any' ? `...(${length})` : `${numberText(seq)}:${(seq.value + length) >>> 0}(${length})`,
  );
  if (spec.ack !== null) parts.push(`ack ${numberText(spec.ack)}`);
  if (spec.win !== null) parts.push(`win ${spec.win}`);
  if (spec.urg !== 0) parts.push(`urg ${spec.urg}`);
  if (spec.options === 'any') parts.push('<...>');
  else if (spec.options.length > 0) parts.push(`<${spec.options.map(optionText).join(',')}>`);
  return parts.join(' ');
}

function numberText(number: SequenceNumber): string {
  if (number.kind === 'any') return '...';
  return number.kind === 'absolute' ? `${number.value}!` : `${number.value}`;
}

function ipText(ip: IpInfo): string[] {
  const parts: string[] = [];
  if (ip.ecn !== null) parts.push(typeof ip.ecn === 'number' ? ECN_NAMES[ip.ecn]! : ip.ecn);
  if (ip.tos !== null) parts.push(`tos 0x${ip.tos.toString(16)}`);
  if (ip.ttl !== null) parts.push(`ttl ${ip.ttl}`);
  if (ip.flowLabel !== null) parts.push(`flowlabel 0x${ip.flowLabel.toString(16)}`);
  return parts.length === 0 ? [] : [`[${parts.join(', ')}]`];
}

function optionText(option: OptionSpec): string {
  switch (option.name) {
    case 'mss':
    case 'wscale':
      return `${option.name} ${option.value}`;
    case 'TS':
      return `TS val ${option.val ?? '...'} ecr ${option.ecr ?? '...'}`;
    case 'sack':
      return `sack ${option.blocks.map(([left, right]) => `${left}:${right}`).join(' ')}`;
    case 'FO':
      return `FO ${option.cookie ?? '...'}`.trim();
    case 'other':
      return option.text;
    default:
      return option.name;
  }
}

function icmpText(spec: IcmpPacket): string {
  const { seq, length } = spec.quote;
  const parts = [spec.direction === 'in' ? '<' : '>', 'icmp', spec.type];
  if (spec.code !== null) parts.push(spec.code);
  if (spec.mtu !== null) parts.push(`mtu ${spec.mtu}`);
  const end = seq.kind === 'any' ? '...' : `${numberText(seq)}:${(seq.value + length) >>> 0}`;
  parts.push(`[${end}(${length})]`);
  return parts.join(' ');
}

/**
 * A packet of the subject, with the numbers of the script.
 * @param like the packet expected in its place: says which optional parts to show
 */
export function observedText(segment: Observed, flow: Flow, like: TcpPacket | null): string {
  const seq = like?.seq.kind === 'absolute' ? segment.seq : flow.toScript(segment.seq);
  const length = segment.payload.length;
  const parts = ['>'];
  if (like !== null) parts.push(...observedIpText(segment, like.ip));
  if (like !== null && like.ports !== null) parts.push(`${segment.localPort} > ${segment.remotePort}`);
  parts.push(flagText(segment.flags), `${seq}:${(seq + length) >>> 0}(${length})`);
  if (segment.flags & ACK || like?.ack) parts.push(`ack ${segment.ack}`);
  if (like === null || like.win !== null) parts.push(`win ${segment.win}`);
  if (segment.urg !== 0) parts.push(`urg ${segment.urg}`);
  if (segment.options.length > 0) parts.push(`<${segment.options.map(observedOptionText).join(',')}>`);
  return parts.join(' ');
}

function observedIpText(segment: Observed, like: IpInfo): string[] {
  return ipText({
    ecn: like.ecn === null ? null : segment.ecn,
    tos: like.tos === null ? null : segment.tos,
    ttl: like.ttl === null ? null : segment.ttl,
    flowLabel: like.flowLabel === null ? null : segment.flowLabel,
  });
}

/** An option as a script would write it. */
export function observedOptionText(option: TcpOption): string {
  switch (option.name) {
    case 'end':
      return 'eol';
    case 'sack-permitted':
      return 'sackOK';
    case 'mss':
      return `mss ${option.mss}`;
    case 'window-scale':
      return `wscale ${option.shift}`;
    case 'timestamps':
      return `TS val ${option.tsVal} ecr ${option.tsEcr}`;
    case 'sack':
      return `sack ${option.blocks.map(([left, right]) => `${left}:${right}`).join(' ')}`;
    case 'fast-open':
      return `FO ${Buffer.from(option.cookie).toString('hex')}`.trim();
    case 'nop':
      return 'nop';
    default:
      return `kind ${option.kind}`;
  }
}
