// Bytes to numbers and back: parse, build, checksum.
import { IpAddress } from '../../../src/wire/address.js';
import { sumRange } from '../../../src/wire/checksum.js';
import { Ipv4View, parseIpv4, writeIpv4Header } from '../../../src/wire/ipv4.js';
import { buildTcpPacket } from '../../../src/wire/packet.js';
import { IpProtocol } from '../../../src/wire/protocol.js';
import { ACK, SegmentView } from '../../../src/wire/segment.js';
import { parseTcp, writeTcpHeader } from '../../../src/wire/tcp.js';
import { appendSack, appendTimestamps, padOptions } from '../../../src/wire/tcp-options.js';
import type { Work } from './suite.js';

const OURS = IpAddress.parse('10.9.0.2')!;
const PEER = IpAddress.parse('10.9.0.1')!;
const SEGMENT_BYTES = 1448;

/** All of it. */
export function wireWork(): Work[] {
  return [
    parse('data, timestamps', withTimestamps(), SEGMENT_BYTES),
    parse('ACK, timestamps, SACK', withSack(), 0),
    build('data, timestamps', withTimestamps()),
    ...[20, 64, 1460, 65_535].map(checksum),
  ];
}

function withTimestamps(): Uint8Array {
  const options = new Uint8Array(40);
  return options.subarray(0, padOptions(options, appendTimestamps(options, 0, 1, 2)));
}

function withSack(): Uint8Array {
  const options = new Uint8Array(40);
  const edges = Int32Array.of(2000, 3000, 4000, 5000);
  const end = appendSack(options, appendTimestamps(options, 0, 1, 2), edges, 2);
  return options.subarray(0, padOptions(options, end));
}

function parse(name: string, options: Uint8Array, payloadBytes: number): Work {
  const ends = { source: PEER, sourcePort: 40_000, destination: OURS, destinationPort: 7 };
  const payload = new Uint8Array(payloadBytes);
  const packet = buildTcpPacket({ ...ends, flags: ACK, options, payload });
  const view = new DataView(packet.buffer);
  const ip = new Ipv4View();
  const segment = new SegmentView();
  const run = () => {
    parseIpv4(packet, view, 0, packet.length, ip);
    return parseTcp(packet, view, ip.payloadOffset, ip.payloadLength, segment);
  };
  return { group: 'parse', name, run };
}

function build(name: string, options: Uint8Array): Work {
  const bytes = new Uint8Array(100);
  const view = new DataView(bytes.buffer);
  const source = {
    seq: 0,
    ack: 0,
    flags: ACK,
    wnd: 0,
    urgentPointer: 0,
    options,
    optionsLength: options.length,
  };
  const run = () => {
    writeIpv4Header(bytes, view, 0, 1500, IpProtocol.TCP, OURS.w3, PEER.w3, 64, 0, 0, true);
    source.seq = (source.seq + SEGMENT_BYTES) | 0;
    return writeTcpHeader(bytes, view, 20, 7, 40_000, source);
  };
  return { group: 'build', name, run };
}

function checksum(length: number): Work {
  const bytes = new Uint8Array(length).map((_, i) => i * 7);
  return { group: 'checksum', name: `${length} B`, run: () => sumRange(bytes, 0, length) };
}
