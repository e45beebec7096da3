// Random and damaged packets through every parser: nothing throws, nothing outside of the packet is read or reported,
// and what is accepted is consistent.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  decodePacket,
  decodeTcpOptions,
  IcmpView,
  Icmpv6View,
  Ipv4View,
  Ipv6View,
  ParseError,
  parseIcmp,
  parseIcmpv6,
  parseIpv4,
  parseIpv6,
  parseTcp,
  refreshIpv4Checksum,
  SegmentView,
  sumRange,
} from '../../src/wire/index.js';
import { hex, type Placed, place, randomFrom } from '../wire/slab.js';

const SEED = Number(process.env.FUZZ_SEED ?? 20_240_601);
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 100_000);
const AFTER = 80;

const file = new URL('../../../test/golden/wire-packets.json', import.meta.url);
const golden = (JSON.parse(readFileSync(file, 'utf8')) as { packets: { hex: string }[] }).packets.map((p) =>
  hex(p.hex),
);

type Random = (n: number) => number;

/** A packet of noise, of noise with a believable start, or one of Linux with a few octets changed, cut or grown. */
function makePacket(random: Random): Uint8Array {
  const kind = random(4);
  if (kind === 0) return Uint8Array.from({ length: random(120) }, () => random(256));
  const packet = golden[random(golden.length)]!.slice(0, kind === 1 ? random(200) : 400);
  for (let n = random(6); n > 0 && packet.length > 0; n--) {
    packet[random(Math.min(packet.length, 100))] =
      random(3) === 0 ? [0, 1, 0x7f, 0xff][random(4)]! : random(256);
  }
  if (packet.length < 20) return packet;
  const view = new DataView(packet.buffer);
  const isV4 = packet[0]! >>> 4 === 4;
  if (random(2) === 0) view.setUint16(isV4 ? 2 : 4, packet.length - (isV4 ? 0 : 40));
  if (isV4 && (packet[0]! & 15) * 4 <= packet.length && random(8) > 0) refreshIpv4Checksum(packet, view, 0);
  return packet;
}

/** All parsers over one packet: their results with offsets counted from the packet. */
function parseAll({ bytes, view, offset, length }: Placed): unknown[] {
  const results: unknown[] = [];
  const inside = (at: number, size: number) => {
    assert.ok(at >= offset && size >= 0 && at + size <= offset + length, `${at}+${size} outside`);
  };
  const readTcp = (at: number, size: number) => {
    const s = new SegmentView();
    const error = parseTcp(bytes, view, at, size, s);
    results.push(error);
    if (error !== ParseError.NONE) return;
    inside(s.payloadOffset, s.payloadLength);
    assert.equal(s.payloadOffset + s.payloadLength, at + size);
    if (s.fastOpenLength >= 0) inside(s.fastOpenOffset, s.fastOpenLength);
    const { bytes: _slab, payloadOffset, fastOpenOffset, ...rest } = { ...s };
    results.push(rest, payloadOffset - at, s.fastOpenLength >= 0 ? fastOpenOffset - at : 0);
    const optionsLength = payloadOffset - at - 20;
    const options = decodeTcpOptions(bytes, at + 20, optionsLength);
    assert.ok(options.length <= optionsLength);
    results.push(options);
  };
  const readIcmp = (at: number, size: number) => {
    const icmp = new IcmpView();
    const error = parseIcmp(bytes, view, at, size, icmp);
    const icmpv6 = new Icmpv6View();
    // Whatever the sum is, this pseudo header makes it right, so that the quotes are read.
    const pseudo = 0xffff - sumRange(bytes, at, size);
    const error6 = parseIcmpv6(bytes, view, at, size, pseudo, icmpv6);
    results.push(error, error6);
    for (const message of [icmp, icmpv6]) {
      if (message.dataOffset !== 0) inside(message.dataOffset, message.dataLength);
      const { ipv6: _private, ...quote } = { ...message.quote } as Record<string, unknown>;
      results.push(message.type, message.code, message.dataLength, quote);
    }
  };

  const ip4 = new Ipv4View();
  const ip6 = new Ipv6View();
  const error4 = parseIpv4(bytes, view, offset, length, ip4);
  const error6 = parseIpv6(bytes, view, offset, length, ip6);
  results.push(error4, error6);
  for (const [error, ip] of [
    [error4, ip4],
    [error6, ip6],
  ] as const) {
    if (error !== ParseError.NONE) continue;
    inside(ip.payloadOffset, ip.payloadLength);
    results.push({ ...ip, payloadOffset: ip.payloadOffset - offset, protocolOffset: 0 });
    readTcp(ip.payloadOffset, ip.payloadLength);
    readIcmp(ip.payloadOffset, ip.payloadLength);
  }
  readTcp(offset, length);
  readIcmp(offset, length);
  return results;
}

describe('fuzz: wire', () => {
  test(`RFC9293 MUST-7: ${ROUNDS} hostile packets do not throw and are read only within their bounds`, () => {
    const random = randomFrom(SEED);
    let accepted = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const packet = makePacket(random);
      const where = `FUZZ_SEED=${SEED} round ${round}: ${Buffer.from(packet).toString('hex')}`;
      try {
        const alone = parseAll(place(packet));
        if (round % 4 === 0) {
          assert.deepEqual(parseAll(place(packet, 33, 0, AFTER)), alone, 'between zeros');
          assert.deepEqual(parseAll(place(packet, 64, 0xff, AFTER)), alone, 'between ones');
          const decoded = decodePacket(packet);
          assert.equal(typeof decoded === 'string', alone[0] !== 0 && alone[1] !== 0);
        }
        if (alone[0] === 0 || alone[1] === 0) accepted++;
      } catch (error) {
        throw new Error(where, { cause: error });
      }
    }
    assert.ok(accepted > ROUNDS / 10, `only ${accepted} packets got past the IP header`);
    assert.ok(accepted < ROUNDS, 'some must be refused');
  });
});
