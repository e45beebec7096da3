// Packets of the Linux kernel: our reading must equal that of tshark, and our writing must give back the same octets.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  buildTcpPacket,
  decodePacket,
  IcmpView,
  Icmpv6View,
  IpAddress,
  type Ipv4View,
  type Ipv6View,
  ParseError,
  parseIcmp,
  parseIcmpv6,
  parseTcp,
  pseudoHeader,
  SegmentView,
} from '../../src/wire/index.js';
import { hex, place } from './slab.js';

interface Golden {
  readonly name: string;
  readonly hex: string;
  /** tshark's fields; the values of an outer and a quoted packet are joined by commas. */
  readonly tshark: Record<string, string>;
}

const file = new URL('../../../test/golden/wire-packets.json', import.meta.url);
const { packets } = JSON.parse(readFileSync(file, 'utf8')) as { packets: Golden[] };

/** The numbers of a field, outermost first; none when the packet lacks it. */
function numbers(golden: Golden, field: string): number[] {
  return (golden.tshark[field] ?? '').split(',').filter(Boolean).map(Number);
}

function checkIpv4(golden: Golden, ip: Ipv4View): void {
  const first = (field: string) => numbers(golden, `ip.${field}`)[0];
  assert.equal(ip.ttl, first('ttl'));
  assert.equal(ip.id, first('id'));
  assert.equal(ip.totalLength, first('len'));
  assert.equal(ip.protocol, first('proto'));
  assert.equal(ip.dscp, first('dsfield.dscp'));
  assert.equal(ip.ecn, first('dsfield.ecn'));
  assert.equal(Number(ip.dontFragment), first('flags.df'));
  assert.equal(Number(ip.moreFragments), first('flags.mf'));
  assert.equal(ip.fragmentOffset / 8, first('frag_offset'));
}

function checkIpv6(golden: Golden, ip: Ipv6View): void {
  const first = (field: string) => numbers(golden, `ipv6.${field}`)[0];
  assert.equal(ip.hopLimit, first('hlim'));
  assert.equal(ip.totalLength - 40, first('plen'));
  assert.equal(ip.flowLabel, first('flow'));
  assert.equal((ip.dscp << 2) | ip.ecn, first('tclass'));
  if (first('fraghdr.offset') !== undefined) {
    assert.equal(ip.fragmentOffset / 8, first('fraghdr.offset'));
    assert.equal(Number(ip.moreFragments), first('fraghdr.more'));
    assert.equal(ip.fragmentId >>> 0, first('fraghdr.ident'));
  }
}

function checkSegment(golden: Golden, s: SegmentView): void {
  const first = (field: string) => numbers(golden, `tcp.${field}`)[0];
  assert.equal(s.sourcePort, first('srcport'));
  assert.equal(s.destinationPort, first('dstport'));
  assert.equal(s.seq >>> 0, first('seq'));
  assert.equal(s.ack >>> 0, first('ack'));
  assert.equal(s.flags, first('flags'));
  assert.equal(s.wnd, first('window_size_value'));
  assert.equal(s.urgentPointer, first('urgent_pointer'));
  assert.equal(s.payloadLength, first('len'));
  assert.equal(s.mss, first('options.mss_val') ?? -1);
  assert.equal(s.windowScale, first('options.wscale.shift') ?? -1);
  assert.equal(s.hasTimestamps, first('options.timestamp.tsval') !== undefined);
  assert.equal(s.tsVal >>> 0, first('options.timestamp.tsval') ?? 0);
  assert.equal(s.tsEcr >>> 0, first('options.timestamp.tsecr') ?? 0);
  assert.equal(s.sackPermitted, numbers(golden, 'tcp.option_kind').includes(4));
  const left = numbers(golden, 'tcp.options.sack_le');
  const right = numbers(golden, 'tcp.options.sack_re');
  assert.equal(s.sackCount, left.length);
  for (const [i, edge] of left.entries()) {
    assert.deepEqual([s.sackEdges[2 * i]! >>> 0, s.sackEdges[2 * i + 1]! >>> 0], [edge, right[i]]);
  }
}

function checkIcmp(golden: Golden, icmp: IcmpView | Icmpv6View, family: 4 | 6): void {
  const prefix = family === 4 ? 'icmp' : 'icmpv6';
  const first = (field: string) => numbers(golden, field)[0];
  assert.equal(icmp.type, first(`${prefix}.type`));
  assert.equal(icmp.code, first(`${prefix}.code`));
  assert.equal('mtu' in icmp ? icmp.mtu : icmp.nextHopMtu, first(`${prefix}.mtu`) ?? 0);
  assert.equal(icmp.identifier, first(family === 4 ? 'icmp.ident' : 'icmpv6.echo.identifier') ?? 0);
  assert.equal(icmp.sequence, first(family === 4 ? 'icmp.seq' : 'icmpv6.echo.sequence_number') ?? 0);
  const [, quotedSource] = (golden.tshark[family === 4 ? 'ip.src' : 'ipv6.src'] ?? '').split(',');
  const [, quotedDestination] = (golden.tshark[family === 4 ? 'ip.dst' : 'ipv6.dst'] ?? '').split(',');
  const { quote } = icmp;
  assert.equal(quote.present, quotedSource !== undefined);
  if (quotedSource === undefined || quotedDestination === undefined) return;
  const source = new IpAddress(quote.source0, quote.source1, quote.source2, quote.source3);
  assert.equal(`${source}`, quotedSource);
  const { destination0, destination1, destination2, destination3 } = quote;
  assert.equal(`${new IpAddress(destination0, destination1, destination2, destination3)}`, quotedDestination);
  assert.equal(quote.sourcePort, first('tcp.srcport') ?? first('udp.srcport'));
  assert.equal(quote.destinationPort, first('tcp.dstport') ?? first('udp.dstport'));
  assert.equal(quote.hasSeq ? quote.seq >>> 0 : undefined, first('tcp.seq'));
}

describe('packets of the Linux kernel', () => {
  test('the collection is complete', () => {
    assert.equal(packets.length, 33);
    assert.ok(packets.every((golden) => golden.hex.length > 0));
  });

  for (const golden of packets) {
    test(`${golden.name} is read as tshark reads it`, () => {
      const { bytes, view, offset, length } = place(hex(golden.hex), 13, 0xff, 50);
      const decoded = decodePacket(bytes, offset, length);
      assert.ok(typeof decoded !== 'string', `${decoded}`);
      const { ip, source, destination, tcp } = decoded;
      assert.equal(`${source}`, (golden.tshark['ip.src'] ?? golden.tshark['ipv6.src'])!.split(',')[0]);
      assert.equal(`${destination}`, (golden.tshark['ip.dst'] ?? golden.tshark['ipv6.dst'])!.split(',')[0]);
      if (ip.version === 4) checkIpv4(golden, ip.view);
      else checkIpv6(golden, ip.view);
      const { payloadOffset, payloadLength, protocol } = ip.view;
      if (ip.view.isFragment) return;
      if (protocol === 6) {
        assert.ok(tcp?.checksumOk);
        const s = new SegmentView();
        assert.equal(parseTcp(bytes, view, payloadOffset, payloadLength, s), ParseError.NONE);
        checkSegment(golden, s);
        const kinds = numbers(golden, 'tcp.option_kind');
        assert.deepEqual(
          tcp.options.map((option) => option.kind),
          kinds,
        );
      } else if (protocol === 1) {
        const icmp = new IcmpView();
        assert.equal(parseIcmp(bytes, view, payloadOffset, payloadLength, icmp), ParseError.NONE);
        checkIcmp(golden, icmp, 4);
      } else {
        assert.equal(protocol, 58);
        const icmp = new Icmpv6View();
        const pseudo = pseudoHeader(source, destination, 58, payloadLength);
        assert.equal(parseIcmpv6(bytes, view, payloadOffset, payloadLength, pseudo, icmp), ParseError.NONE);
        checkIcmp(golden, icmp, 6);
      }
    });
  }

  for (const golden of packets.filter(({ tshark }) => tshark['tcp.len'] !== undefined)) {
    test(`RFC9293 MUST-2: ${golden.name} is rebuilt octet by octet, checksums included`, () => {
      const bytes = hex(golden.hex);
      const decoded = decodePacket(bytes);
      assert.ok(typeof decoded !== 'string' && decoded.tcp !== undefined);
      const { ip, tcp } = decoded;
      const built = buildTcpPacket({
        source: decoded.source,
        sourcePort: tcp.header.sourcePort,
        destination: decoded.destination,
        destinationPort: tcp.header.destinationPort,
        seq: tcp.header.seq | 0,
        ack: tcp.header.ack | 0,
        flags: tcp.header.flags,
        wnd: tcp.header.window,
        urgentPointer: tcp.header.urgentPointer,
        options: bytes.slice(tcp.offset + 20, tcp.offset + tcp.headerLength),
        payload: bytes.slice(tcp.payloadOffset, tcp.payloadOffset + tcp.payloadLength),
        ttl: ip.version === 4 ? ip.view.ttl : ip.view.hopLimit,
        trafficClass: (ip.view.dscp << 2) | ip.view.ecn,
        ...(ip.version === 4 ? { id: ip.view.id } : { flowLabel: ip.view.flowLabel }),
      });
      assert.deepEqual(built, bytes);
    });
  }
});
