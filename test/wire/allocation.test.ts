// The packet path makes no garbage: many packets, and the heap stays as it was.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ACK,
  appendNop,
  appendTimestamps,
  buildTcpPacket,
  IpAddress,
  Ipv4View,
  Ipv6View,
  PayloadPieces,
  parseIpv4,
  parseIpv6,
  parseTcp,
  pseudoHeader,
  pseudoHeader4,
  pseudoHeader6,
  SegmentView,
  tcpChecksumOk,
  writeIpv4Header,
  writeTcpChecksum,
  writeTcpHeader,
} from '../../src/wire/index.js';
import { bytesPerCall, CALLS, MAX_BYTES_PER_PACKET } from './bytes-per-call.js';

const options = new Uint8Array(40);
const optionsLength = appendTimestamps(options, appendNop(options, appendNop(options, 0)), 1, -2);
const slab = new Uint8Array(65_536);
const view = new DataView(slab.buffer);
const [a4, b4] = [IpAddress.parse('10.9.0.1')!, IpAddress.parse('200.9.0.2')!];
const [a6, b6] = [IpAddress.parse('fd00:9::1')!, IpAddress.parse('fd00:9::2')!];
const common = { sourcePort: 1, destinationPort: 2, seq: -1, ack: 0x7fffffff, flags: ACK };
const tail = { options: options.slice(0, optionsLength), payload: new Uint8Array(1400).fill(0xab) };
const packet4 = buildTcpPacket({ source: a4, destination: b4, ...common, ...tail });
const packet6 = buildTcpPacket({ source: a6, destination: b6, ...common, ...tail });
slab.set(packet4, 1001);
slab.set(packet6, 5001);

test('reading IPv4 and TCP with checksums allocates nothing', () => {
  const ip = new Ipv4View();
  const s = new SegmentView();
  let good = 0;
  const bytes = bytesPerCall(() => {
    parseIpv4(slab, view, 1001, packet4.length, ip);
    parseTcp(slab, view, ip.payloadOffset, ip.payloadLength, s);
    const pseudo = pseudoHeader4(ip.source, ip.destination, ip.protocol, ip.payloadLength);
    if (tcpChecksumOk(pseudo, slab, ip.payloadOffset, ip.payloadLength)) good++;
  });
  assert.equal(good, CALLS);
  assert.ok(bytes < MAX_BYTES_PER_PACKET, `${bytes} bytes a packet`);
});

test('reading IPv6 and TCP with checksums allocates nothing', () => {
  const ip = new Ipv6View();
  const s = new SegmentView();
  let good = 0;
  const bytes = bytesPerCall(() => {
    parseIpv6(slab, view, 5001, packet6.length, ip);
    const { payloadOffset, payloadLength } = ip;
    parseTcp(slab, view, payloadOffset, payloadLength, s);
    const pseudo = pseudoHeader6(
      ip.source0,
      ip.source1,
      ip.source2,
      ip.source3,
      ip.destination0,
      ip.destination1,
      ip.destination2,
      ip.destination3,
      ip.protocol,
      payloadLength,
    );
    if (tcpChecksumOk(pseudo, slab, payloadOffset, payloadLength)) good++;
  });
  assert.equal(good, CALLS);
  assert.ok(bytes < MAX_BYTES_PER_PACKET, `${bytes} bytes a packet`);
});

test('writing IPv4 and TCP with checksums over pieces allocates nothing', () => {
  const payload = new PayloadPieces();
  payload.add(slab, 8000, 701);
  payload.add(slab, 9001, 699);
  const source = { seq: -1, ack: 1, flags: ACK, wnd: 9, urgentPointer: 0, options, optionsLength };
  const bytes = bytesPerCall(() => {
    writeIpv4Header(slab, view, 0, packet4.length, 6, a4.w3, b4.w3, 64, 0, 0, true);
    const headerLength = writeTcpHeader(slab, view, 20, 1, 2, source);
    const pseudo = pseudoHeader(a4, b4, 6, headerLength + payload.total);
    writeTcpChecksum(pseudo, slab, view, 20, headerLength, payload);
  });
  assert.ok(bytes < MAX_BYTES_PER_PACKET, `${bytes} bytes a packet`);
});
