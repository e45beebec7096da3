// Makes the packets of the script's end: segments with encoded options, and ICMP errors that quote the subject's segments.
import type { IpAddress } from '../wire/address.js';
import { pseudoHeader } from '../wire/checksum.js';
import { IcmpType, TimeExceededCode, UnreachableCode, writeIcmpError } from '../wire/icmp.js';
import {
  Icmpv6ParameterCode,
  Icmpv6Type,
  Icmpv6UnreachableCode,
  icmpv6ErrorLength,
  writeIcmpv6Error,
} from '../wire/icmpv6.js';
import { IPV4_HEADER_BYTES, writeIpv4Header } from '../wire/ipv4.js';
import { IPV6_HEADER_BYTES, writeIpv6Header } from '../wire/ipv6.js';
import { buildTcpPacket } from '../wire/packet.js';
import { IpProtocol } from '../wire/protocol.js';
import { ACK, SYN } from '../wire/segment.js';
import {
  appendFastOpen,
  appendMss,
  appendNop,
  appendSack,
  appendSackPermitted,
  appendTimestamps,
  appendWindowScale,
  padOptions,
} from '../wire/tcp-options.js';
import type { Flow } from './flow.js';
import { Unsupported } from './outcome.js';
import { patternBytes } from './pattern.js';
import type { IcmpPacket, IpInfo, OptionSpec, TcpPacket } from './script.js';

/** The two ends. */
export interface Ends {
  /** The subject's address. */
  readonly local: IpAddress;
  /** The script's address. */
  readonly remote: IpAddress;
}

const MAX_OPTION_BYTES = 40;
const DEFAULT_TTL = 64;

/**
 * The segment that the script sends.
 * @param cookie Fast Open cookie that the subject gave last, or null
 */
export function buildSegment(spec: TcpPacket, flow: Flow, ends: Ends, cookie: Uint8Array | null): Uint8Array {
  const seq = spec.seq.kind === 'any' ? 0 : spec.seq.value;
  const ack =
    spec.ack === null ? 0 : spec.flags & ACK || spec.ack.kind === 'absolute' ? flow.toWire(spec.ack) : 0;
  const first = seq + (spec.flags & SYN ? 1 : 0);
  return buildTcpPacket({
    source: ends.remote,
    destination: ends.local,
    sourcePort: flow.remotePort,
    destinationPort: flow.localPort,
    seq: seq | 0,
    ack: ack | 0,
    flags: spec.flags,
    wnd: spec.win ?? 0,
    urgentPointer: spec.urg,
    options: encodeOptions(spec.options === 'any' ? [] : spec.options, flow, cookie),
    payload: patternBytes((first - (flow.irs ?? 0) - 1) | 0, spec.length),
    ...ipFields(spec.ip),
  });
}

function ipFields(ip: IpInfo): { ttl: number; trafficClass: number; flowLabel: number } {
  const ecn = typeof ip.ecn === 'number' ? ip.ecn : 0;
  return {
    ttl: ip.ttl ?? DEFAULT_TTL,
    trafficClass: ip.tos ?? ecn,
    flowLabel: ip.flowLabel ?? 0,
  };
}

function encodeOptions(specs: readonly OptionSpec[], flow: Flow, cookie: Uint8Array | null): Uint8Array {
  const bytes = new Uint8Array(MAX_OPTION_BYTES);
  let at = 0;
  for (const option of specs) at = encodeOption(option, flow, cookie, bytes, at);
  return bytes.slice(0, padOptions(bytes, at));
}

function encodeOption(
  option: OptionSpec,
  flow: Flow,
  cookie: Uint8Array | null,
  bytes: Uint8Array,
  at: number,
): number {
  switch (option.name) {
    case 'nop':
      return appendNop(bytes, at);
    case 'eol':
      return at + 1;
    case 'sackOK':
      return appendSackPermitted(bytes, at);
    case 'mss':
      return appendMss(bytes, at, option.value);
    case 'wscale':
      return appendWindowScale(bytes, at, option.value);
    case 'TS':
      return appendTimestamps(bytes, at, (option.val ?? 0) | 0, flow.echoOf(option.ecr) | 0);
    case 'sack': {
      const edges = option.blocks.flat().map((value) => flow.toWire({ kind: 'relative', value }) | 0);
      return appendSack(bytes, at, Int32Array.from(edges), option.blocks.length);
    }
    case 'FO':
      return appendFastOpen(bytes, at, cookieOf(option.cookie, cookie));
    case 'other':
      throw new Unsupported(`the option "${option.text}" is not supported`);
  }
}

function cookieOf(written: string | null, given: Uint8Array | null): Uint8Array | null {
  if (written !== null) return written === '' ? null : Buffer.from(written, 'hex');
  if (given === null) throw new Unsupported('the subject has given no Fast Open cookie yet');
  return given;
}

const V4_CODES: Readonly<Record<string, number>> = {
  net_unreachable: UnreachableCode.NET,
  host_unreachable: UnreachableCode.HOST,
  protocol_unreachable: UnreachableCode.PROTOCOL,
  port_unreachable: UnreachableCode.PORT,
  frag_needed: UnreachableCode.FRAGMENTATION_NEEDED,
  source_route_failed: UnreachableCode.SOURCE_ROUTE_FAILED,
  net_unknown: UnreachableCode.NET_UNKNOWN,
  host_unknown: UnreachableCode.HOST_UNKNOWN,
  source_host_isolated: UnreachableCode.HOST_ISOLATED,
  net_prohibited: UnreachableCode.NET_PROHIBITED,
  host_prohibited: UnreachableCode.HOST_PROHIBITED,
  net_unreachable_for_tos: UnreachableCode.NET_TOS,
  host_unreachable_for_tos: UnreachableCode.HOST_TOS,
  communication_prohibited: UnreachableCode.PROHIBITED,
  packet_filtered: UnreachableCode.PROHIBITED,
  host_precedence_violation: UnreachableCode.PRECEDENCE_VIOLATION,
  precedence_cutoff: UnreachableCode.PRECEDENCE_CUTOFF,
};

const V6_CODES: Readonly<Record<string, number>> = {
  no_route: Icmpv6UnreachableCode.NO_ROUTE,
  net_unreachable: Icmpv6UnreachableCode.NO_ROUTE,
  communication_prohibited: Icmpv6UnreachableCode.PROHIBITED,
  beyond_scope: Icmpv6UnreachableCode.BEYOND_SCOPE,
  address_unreachable: Icmpv6UnreachableCode.ADDRESS,
  host_unreachable: Icmpv6UnreachableCode.ADDRESS,
  port_unreachable: Icmpv6UnreachableCode.PORT,
  source_address_failed_policy: Icmpv6UnreachableCode.POLICY,
  reject_route: Icmpv6UnreachableCode.REJECT_ROUTE,
};

const EXCEEDED_CODES: Readonly<Record<string, number>> = {
  ttl_exceeded: TimeExceededCode.TRANSIT,
  exceeded_in_transit: TimeExceededCode.TRANSIT,
  hop_limit_exceeded: TimeExceededCode.TRANSIT,
  reassembly_time_exceeded: TimeExceededCode.REASSEMBLY,
};

const V6_PARAMETER_CODES: Readonly<Record<string, number>> = {
  erroneous_header_field: Icmpv6ParameterCode.HEADER_FIELD,
  unrecognized_next_header: Icmpv6ParameterCode.NEXT_HEADER,
  unrecognized_ipv6_option: Icmpv6ParameterCode.OPTION,
};

/** Types by name, with the names of their codes. */
const V4_TYPES: Readonly<Record<string, readonly [number, Readonly<Record<string, number>>]>> = {
  unreachable: [IcmpType.DESTINATION_UNREACHABLE, V4_CODES],
  source_quench: [IcmpType.SOURCE_QUENCH, {}],
  redirect: [IcmpType.REDIRECT, {}],
  time_exceeded: [IcmpType.TIME_EXCEEDED, EXCEEDED_CODES],
  parameter_problem: [IcmpType.PARAMETER_PROBLEM, {}],
};
const V6_TYPES: typeof V4_TYPES = {
  unreachable: [Icmpv6Type.DESTINATION_UNREACHABLE, V6_CODES],
  packet_too_big: [Icmpv6Type.PACKET_TOO_BIG, {}],
  time_exceeded: [Icmpv6Type.TIME_EXCEEDED, EXCEEDED_CODES],
  parameter_problem: [Icmpv6Type.PARAMETER_PROBLEM, V6_PARAMETER_CODES],
};

/** Type and code of an ICMP message. @throws Unsupported for names that are in no table */
export function icmpNumbers(spec: IcmpPacket, family: 4 | 6): { type: number; code: number } {
  const known = (family === 4 ? V4_TYPES : V6_TYPES)[spec.type];
  if (known === undefined)
    throw new Unsupported(`ICMP of type "${spec.type}" is not supported over IPv${family}`);
  const [type, codes] = known;
  if (spec.code === null) return { type, code: 0 };
  const code = /^\d+$/.test(spec.code) ? Number(spec.code) : codes[spec.code];
  if (code === undefined)
    throw new Unsupported(`ICMP ${spec.type} has no code "${spec.code}" over IPv${family}`);
  return { type, code };
}

/** The ICMP error that the script sends: it quotes a segment of the subject. */
export function buildIcmp(spec: IcmpPacket, flow: Flow, ends: Ends): Uint8Array {
  const { type, code } = icmpNumbers(spec, ends.local.family);
  const quoted = buildTcpPacket({
    source: ends.local,
    destination: ends.remote,
    sourcePort: flow.localPort,
    destinationPort: flow.remotePort,
    seq: flow.toWire(spec.quote.seq) | 0,
    flags: ACK,
    payload: new Uint8Array(spec.quote.length),
  });
  const { ttl, trafficClass, flowLabel } = ipFields(spec.ip);
  const detail = spec.mtu ?? 0;
  if (ends.local.family === 4) return wrapIcmp4(type, code, detail, quoted, ends, ttl, trafficClass);
  return wrapIcmp6(type, code, detail, quoted, ends, ttl, trafficClass, flowLabel);
}

function wrapIcmp4(
  type: number,
  code: number,
  detail: number,
  quoted: Uint8Array,
  { remote, local }: Ends,
  ttl: number,
  trafficClass: number,
): Uint8Array {
  const bytes = new Uint8Array(IPV4_HEADER_BYTES + 576);
  const view = new DataView(bytes.buffer);
  const length = writeIcmpError(type, code, detail, quoted, 0, quoted.length, bytes, view, IPV4_HEADER_BYTES);
  const total = IPV4_HEADER_BYTES + length;
  writeIpv4Header(bytes, view, 0, total, IpProtocol.ICMP, remote.w3, local.w3, ttl, trafficClass, 0, true);
  return bytes.slice(0, total);
}

function wrapIcmp6(
  type: number,
  code: number,
  detail: number,
  quoted: Uint8Array,
  { remote, local }: Ends,
  ttl: number,
  trafficClass: number,
  flowLabel: number,
): Uint8Array {
  const bytes = new Uint8Array(IPV6_HEADER_BYTES + 1280);
  const view = new DataView(bytes.buffer);
  const length = icmpv6ErrorLength(quoted.length);
  const sum = pseudoHeader(remote, local, IpProtocol.ICMPV6, length);
  writeIcmpv6Error(sum, type, code, detail, quoted, 0, quoted.length, bytes, view, IPV6_HEADER_BYTES);
  const protocol = IpProtocol.ICMPV6;
  writeIpv6Header(bytes, view, 0, length, protocol, remote, local, ttl, trafficClass, flowLabel);
  return bytes.slice(0, IPV6_HEADER_BYTES + length);
}
