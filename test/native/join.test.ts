// What the addon joins of the segments that it reads, beside a model in terms of segments and not of octets. The kernel forwards
// what one device was given to another and changes the time to live alone.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { type DeviceLink, openDevice } from '../../src/link/tun.js';
import { type PacketBatch, PacketHint } from '../../src/stack/link.js';
import type { IpAddress } from '../../src/wire/address.js';
import { pseudoHeader } from '../../src/wire/checksum.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { IpProtocol } from '../../src/wire/protocol.js';
import { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from '../../src/wire/segment.js';
import { writeTcpPseudoSum } from '../../src/wire/tcp.js';
import { ip } from '../stack/test-link.js';
import { pattern } from './packets.js';
import { TestNamespace, until, whyNoDevices } from './test-namespace.js';

const skip = whyNoDevices();
const FIRST_SEQ = 0xffff_fa00;
const TTL = 64;
/** Of a batch that was cut short by the time at which it was read, how often all is sent again. */
const ATTEMPTS = 100;

/** A segment, but for what follows from the one before it. */
interface Segment {
  readonly family: 4 | 6;
  /** Where one of IPv4 goes. */
  readonly to: string;
  readonly port: number;
  readonly flags: number;
  readonly bytes: number;
  readonly ack: number;
  readonly wnd: number;
  readonly stamp: number;
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly ttl: number;
  readonly urgentPointer: number;
  /** Octets that are missing between the one before and this one. */
  readonly gap: number;
  readonly isDamaged: boolean;
}

const USUAL: Segment = {
  family: 4,
  to: '10.2.0.2',
  port: 2000,
  flags: ACK,
  bytes: 1000,
  ack: 77,
  wnd: 500,
  stamp: 1,
  trafficClass: 0,
  flowLabel: 0,
  ttl: TTL,
  urgentPointer: 0,
  gap: 0,
  isDamaged: false,
};

/** What keeps a segment apart from the one before it. */
const DIFFERENCES: readonly Partial<Segment>[] = [
  { port: 2001 },
  { to: '10.2.0.3' },
  { flags: ACK | FIN },
  { flags: ACK | URG, urgentPointer: 5 },
  { flags: ACK | CWR },
  { flags: ACK | ECE },
  { flags: ACK | RST },
  { flags: ACK | SYN },
  { flags: PSH },
  { ack: 78 },
  { wnd: 501 },
  { stamp: 0 },
  { trafficClass: 3 },
  { ttl: TTL - 1 },
  { urgentPointer: 9 },
  { gap: 1 },
  { gap: -1 },
  { bytes: 0 },
  { isDamaged: true },
  { family: 6 },
];

const usualOr = <T>(usual: T, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

const segments: fc.Arbitrary<Segment> = fc.record({
  family: usualOr<4 | 6>(4, fc.constant(6)),
  to: usualOr('10.2.0.2', fc.constant('10.2.0.3')),
  port: usualOr(2000, fc.constant(2001)),
  flags: usualOr(ACK, fc.constantFrom(ACK | PSH, ACK | FIN, ACK | CWR)),
  bytes: usualOr(1000, fc.constantFrom(0, 1, 999, 1001)),
  ack: usualOr(77, fc.constant(78)),
  wnd: usualOr(500, fc.constant(501)),
  stamp: usualOr(1, fc.constantFrom(0, 2)),
  trafficClass: usualOr(0, fc.constant(2)),
  flowLabel: usualOr(0, fc.constant(9)),
  ttl: usualOr(TTL, fc.constant(TTL - 1)),
  urgentPointer: usualOr(0, fc.constant(1)),
  gap: usualOr(0, fc.constantFrom(1, -1)),
  isDamaged: usualOr(false, fc.constant(true)),
});

/** A packet as it is to arrive: its segments and where their payload begins. */
interface Packet {
  readonly head: Segment;
  readonly number: number;
  readonly seq: number;
  readonly payload: Uint8Array;
  readonly flags: number;
  /** 0 for one that is alone. */
  readonly segmentBytes: number;
  /** Segments in it. */
  readonly parts: number;
}

/** One packet for each segment. */
function apart(list: readonly Segment[]): Packet[] {
  let seq = FIRST_SEQ;
  return list.map((head, number) => {
    seq += head.gap;
    const packet = {
      head,
      number,
      seq,
      payload: pattern(head.bytes, number),
      flags: head.flags,
      segmentBytes: 0,
      parts: 1,
    };
    seq += head.bytes;
    return packet;
  });
}

const FREE: readonly (keyof Segment)[] = ['flags', 'bytes', 'gap', 'isDamaged', 'stamp'];

function mayJoin(packet: Packet, next: Packet): boolean {
  const fields = (Object.keys(USUAL) as (keyof Segment)[]).filter((name) => !FREE.includes(name));
  const isV4 = packet.head.family === 4;
  const unused = isV4 ? 'flowLabel' : 'to';
  const alike = fields.every((name) => name === unused || packet.head[name] === next.head[name]);
  return (
    alike &&
    next.head.stamp >= packet.head.stamp &&
    !packet.head.isDamaged &&
    !next.head.isDamaged &&
    [packet, next].every(({ flags, payload }) => (flags | PSH) === (ACK | PSH) && payload.length > 0) &&
    packet.seq + packet.payload.length === next.seq &&
    packet.payload.length + next.payload.length + (isV4 ? 20 : 40) + 32 <= 65_535
  );
}

function joined(packets: readonly Packet[]): Packet[] {
  const result: Packet[] = [];
  for (const next of packets) {
    const last = result.at(-1);
    if (last === undefined || !mayJoin(last, next)) {
      result.push(next);
      continue;
    }
    const payload = new Uint8Array([...last.payload, ...next.payload]);
    const sizes = [last, next].map((each) => each.segmentBytes || each.payload.length);
    const segmentBytes = Math.max(...sizes);
    const flags = last.flags | next.flags;
    result[result.length - 1] = { ...last, payload, flags, segmentBytes, parts: last.parts + next.parts };
  }
  return result;
}

function endsOf({ family, to }: Segment): [IpAddress, IpAddress] {
  return family === 4 ? [ip('10.1.0.2'), ip(to)] : [ip('fd00:1::2'), ip('fd00:2::2')];
}

function bytesOf({ head, number, seq, payload, flags }: Packet, hops: number): Uint8Array {
  const [source, destination] = endsOf(head);
  const options = new Uint8Array([1, 1, 8, 10, 0, 0, 0, head.stamp, 0, 0, 0, 5]);
  const bytes = buildTcpPacket({
    source,
    destination,
    sourcePort: 1000,
    destinationPort: head.port,
    seq: seq >>> 0,
    ack: head.ack,
    wnd: head.wnd,
    flags,
    urgentPointer: head.urgentPointer,
    options,
    payload,
    ttl: head.ttl - hops,
    trafficClass: head.trafficClass,
    flowLabel: head.flowLabel,
    id: number,
  });
  if (head.isDamaged) bytes[(head.family === 4 ? 20 : 40) + 17]! ^= 1;
  return bytes;
}

/** As it arrives. */
interface Arrived {
  readonly bytes: Uint8Array;
  readonly segmentBytes: number;
  readonly parts: number;
  readonly isVerified: boolean;
  readonly isUnfinished: boolean;
}

function arrival(packet: Packet): Arrived {
  const { segmentBytes, parts, head } = packet;
  const bytes = bytesOf(packet, 1);
  const isUnfinished = segmentBytes > 0;
  if (isUnfinished) {
    const at = head.family === 4 ? 20 : 40;
    const [source, destination] = endsOf(head);
    const sum = pseudoHeader(source, destination, IpProtocol.TCP, bytes.length - at);
    writeTcpPseudoSum(sum, new DataView(bytes.buffer), at);
  }
  return { bytes, segmentBytes, parts, isVerified: !head.isDamaged, isUnfinished };
}

const payloadBytes = (bytes: Uint8Array) => bytes.length - (bytes[0]! >>> 4 === 4 ? 20 : 40) - 32;

function partsOf(bytes: Uint8Array, hint: number): number {
  const segmentBytes = hint & PacketHint.SEGMENT_BYTES;
  const extra = (hint >>> PacketHint.EXTRA_SHIFT) & PacketHint.EXTRA_SEGMENTS;
  return (segmentBytes === 0 ? 1 : Math.ceil(payloadBytes(bytes) / segmentBytes)) + extra;
}

describe('joining of received segments by the addon', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  let near: DeviceLink;
  let far: DeviceLink;
  let declined: DeviceLink;
  let batches: Arrived[][] = [];

  before(async () => {
    const netns = namespace.name;
    near = await openDevice({
      netns,
      offload: false,
      name: 'near0',
      hostAddress: ['10.1.0.1/24', 'fd00:1::1/64'],
    });
    far = await openDevice({
      netns,
      offload: 'software',
      name: 'far0',
      hostAddress: ['10.2.0.1/24', 'fd00:2::1/64'],
    });
    const forward = 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding';
    namespace.run('sh', '-c', forward);
    near.start({ receive() {}, writable() {}, failed() {} });
    far.start({ receive: (batch) => void batches.push(read(batch)), writable() {}, failed() {} });
    far.pause();
    declined = await openDevice({ netns, offload: 'software', name: 'wire0', hostAddress: '10.3.0.1/24' });
    declined.declineOffload!();
    declined.start({ receive: (batch) => void batches.push(read(batch)), writable() {}, failed() {} });
    declined.pause();
  });
  after(async () => {
    await Promise.all([near.close(), far.close(), declined.close()]);
    namespace.remove();
  });

  function read(batch: PacketBatch): Arrived[] {
    const list: Arrived[] = [];
    for (let i = 0; i < batch.count; i++) {
      const bytes = batch.bytes.slice(batch.offsets[i]!, batch.offsets[i]! + batch.lengths[i]!);
      const isTcp = (bytes[0]! >>> 4 === 4 ? bytes[9] : bytes[6]) === 6;
      if (!isTcp) continue;
      const segmentBytes = batch.hints![i]! & PacketHint.SEGMENT_BYTES;
      const isVerified = (batch.hints![i]! & PacketHint.VERIFIED) !== 0;
      const isUnfinished = (batch.hints![i]! & PacketHint.UNFINISHED) !== 0;
      list.push({ bytes, segmentBytes, parts: partsOf(bytes, batch.hints![i]!), isVerified, isUnfinished });
    }
    return list;
  }

  const count = (list: readonly Arrived[]) => list.reduce((sum, { parts }) => sum + parts, 0);

  /** What becomes of them when they are read in one batch. */
  async function cross(packets: readonly Packet[], device = far): Promise<Arrived[]> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      batches = [];
      for (const packet of packets) {
        const bytes = bytesOf(packet, 0);
        near.send(near.packetIds.next(), bytes, 0, bytes.length, null);
      }
      near.flush();
      await until('all have crossed', () => {
        device.pull();
        return count(batches.flat()) >= packets.length;
      });
      batches = batches.filter((batch) => batch.length > 0);
      if (batches.length === 1) return batches[0]!;
    }
    throw new Error(`in ${ATTEMPTS} attempts never in one batch`);
  }

  for (const family of [4, 6] as const) {
    it(`IPv${family}: joins what follows one another shorter, longer and pushed segments among it, across the wrap of numbers`, async () => {
      const usual = { ...USUAL, family };
      const list = [
        usual,
        usual,
        usual,
        { ...usual, bytes: 300 },
        usual,
        usual,
        { ...usual, flags: ACK | PSH },
        usual,
        { ...usual, bytes: 1001 },
        usual,
      ];
      const packets = apart(list);
      const got = await cross(packets);
      assert.deepEqual(
        got.map(({ bytes }) => payloadBytes(bytes)),
        [9301],
      );
      assert.deepEqual(got, joined(packets).map(arrival));
    });

    for (const difference of DIFFERENCES.filter(
      (each) => each.family !== family && (family === 4 || each.to === undefined),
    )) {
      it(`IPv${family}: leaves apart where ${Object.keys(difference).join(' and ')} differ: ${Object.values(difference)}`, async () => {
        const usual = { ...USUAL, family };
        const packets = apart([usual, { ...usual, ...difference }]);
        const got = await cross(packets);
        assert.equal(got.length, 2);
        assert.deepEqual(got, packets.map(arrival));
      });
    }
  }

  it('IPv6: leaves apart where flow labels differ', async () => {
    const usual: Segment = { ...USUAL, family: 6 };
    const packets = apart([usual, { ...usual, flowLabel: 1 }]);
    assert.deepEqual(await cross(packets), packets.map(arrival));
  });

  it('joins no more than one IP packet may hold', async () => {
    const packets = apart(Array.from({ length: 140 }, () => USUAL));
    const got = await cross(packets);
    assert.deepEqual(
      got.map(({ bytes }) => payloadBytes(bytes)),
      [65_000, 65_000, 10_000],
    );
    assert.deepEqual(got, joined(packets).map(arrival));
  });

  it('does with any segments what the model does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(segments, { minLength: 2, maxLength: 24 }), async (list) => {
        const packets = apart(list);
        assert.deepEqual(await cross(packets), joined(packets).map(arrival));
      }),
      { numRuns: 80 },
    );
  });

  describe('for who takes packets longer than IP can tell', () => {
    let source: DeviceLink;
    let sink: DeviceLink;
    let arrived: { payload: Uint8Array; hint: number }[][] = [];
    /** Of each packet its ACK number, its window, and how many it stands for. */
    let heads: [ack: number, wnd: number, parts: number][][] = [];

    before(async () => {
      const netns = namespace.name;
      source = await openDevice({ netns, name: 'source0', hostAddress: '10.4.0.1/24' });
      sink = await openDevice({ netns, name: 'sink0', hostAddress: '10.5.0.1/24' });
      source.start({ receive() {}, writable() {}, failed() {} });
      sink.start({
        takesLong: true,
        receive: (batch) => {
          arrived.push(payloadsOf(batch));
          heads.push(headsOf(batch));
        },
        writable() {},
        failed() {},
      });
      sink.pause();
    });
    after(() => Promise.all([source.close(), sink.close()]));

    function payloadsOf(batch: PacketBatch): { payload: Uint8Array; hint: number }[] {
      const list = [];
      for (let i = 0; i < batch.count; i++) {
        const bytes = batch.bytes.slice(batch.offsets[i]!, batch.offsets[i]! + batch.lengths[i]!);
        if (bytes[0]! >>> 4 === 4 && bytes[9] === 6)
          list.push({ payload: bytes.subarray(52), hint: batch.hints![i]! });
      }
      return list;
    }

    function headsOf(batch: PacketBatch): [ack: number, wnd: number, parts: number][] {
      const list: [number, number, number][] = [];
      for (let i = 0; i < batch.count; i++) {
        const at = batch.offsets[i]!;
        if (batch.bytes[at]! >>> 4 !== 4 || batch.bytes[at + 9] !== 6) continue;
        const parts = partsOf(batch.bytes.subarray(at, at + batch.lengths[i]!), batch.hints![i]!);
        list.push([batch.view.getUint32(at + 28), batch.view.getUint16(at + 34), parts]);
      }
      return list;
    }

    /** Sends segments joined by the sender, and gives back what comes of them in one batch. */
    async function crossJoined(sizes: readonly number[], ports: readonly number[] = []) {
      const seqs = new Map<number, number>();
      const packets = sizes.map((bytes, number) => {
        const port = ports[number] ?? 2000;
        const seq = seqs.get(port) ?? FIRST_SEQ;
        seqs.set(port, seq + bytes);
        return { ...USUAL, port, seq, payload: pattern(bytes, number), number };
      });
      const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        arrived = [];
        for (const packet of packets) sendJoined(packet);
        source.flush();
        await until('all have crossed', () => {
          sink.pull();
          return arrived.flat().reduce((sum, { payload }) => sum + payload.length, 0) >= total;
        });
        arrived = arrived.filter((batch) => batch.length > 0);
        if (arrived.length === 1) return { got: arrived[0]!, sent: packets.map(({ payload }) => payload) };
      }
      throw new Error(`in ${ATTEMPTS} attempts never in one batch`);
    }

    function sendJoined({
      port,
      seq,
      payload,
      number,
    }: {
      port: number;
      seq: number;
      payload: Uint8Array;
      number: number;
    }) {
      const [from, to] = [ip('10.4.0.2'), ip('10.5.0.2')];
      const ends = { source: from, destination: to, sourcePort: 1000, destinationPort: port };
      const options = new Uint8Array([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 5]);
      const fields = { seq: seq >>> 0, ack: 77, wnd: 500, flags: ACK, options, ttl: TTL, id: number };
      const bytes = buildTcpPacket({ ...ends, ...fields, payload });
      const sum = pseudoHeader(from, to, IpProtocol.TCP, bytes.length - 20);
      writeTcpPseudoSum(sum, new DataView(bytes.buffer), 20);
      const segmentBytes = payload.length > 1000 ? 1000 : 0;
      source.send(source.packetIds.next(), bytes, 0, bytes.length, null, {
        family: 4,
        transportOffset: 20,
        segmentBytes,
      });
    }

    const joinedPayload = (sent: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(sent));

    it('joins large packets, their remainders among them, to one of all their octets and segments', async () => {
      const sizes = [60_000, 60_000, 700, 60_000, 30_500];
      // By then it is expected that they go on.
      for (let i = 0; i < 6; i++) await crossJoined(sizes);
      const { got, sent } = await crossJoined(sizes);
      assert.equal(got.length, 1);
      const [{ payload, hint }] = got as [{ payload: Uint8Array; hint: number }];
      assert.deepEqual(payload, joinedPayload(sent));
      assert.ok((hint & PacketHint.LONG) !== 0 && (hint & PacketHint.VERIFIED) !== 0);
      assert.equal(hint & PacketHint.SEGMENT_BYTES, 1000);
      const extra = (hint >>> PacketHint.EXTRA_SHIFT) & PacketHint.EXTRA_SEGMENTS;
      assert.equal(Math.ceil(payload.length / 1000) + extra, 60 + 60 + 1 + 60 + 31);
    });

    interface Ack {
      readonly ack: number;
      readonly wnd?: number;
      readonly seq?: number;
      readonly flags?: number;
      readonly port?: number;
      readonly stamp?: number;
      readonly options?: Uint8Array;
      readonly payload?: Uint8Array;
    }

    /** The numbers of those that arrive in one batch, and of how many each tells. */
    async function crossAcks(acks: readonly Ack[]): Promise<[ack: number, wnd: number, parts: number][]> {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        heads = [];
        for (const { seq = 5, flags = ACK, port = 2000, stamp = 1, wnd = 500, ...rest } of acks) {
          const ends = {
            source: ip('10.4.0.2'),
            destination: ip('10.5.0.2'),
            sourcePort: 1000,
            destinationPort: port,
          };
          const options = new Uint8Array([1, 1, 8, 10, 0, 0, 0, stamp, 0, 0, 0, 5]);
          const bytes = buildTcpPacket({ ...ends, options, seq, flags, wnd, ttl: TTL, ...rest });
          source.send(source.packetIds.next(), bytes, 0, bytes.length, null);
        }
        source.flush();
        await until('all have crossed', () => {
          sink.pull();
          return heads.flat().reduce((sum, [, , parts]) => sum + parts, 0) >= acks.length;
        });
        const full = heads.filter((batch) => batch.length > 0);
        if (full.length === 1) return full[0]!;
      }
      throw new Error(`in ${ATTEMPTS} attempts never in one batch`);
    }

    it('leaves out acknowledgments between the first two and the last of those that each acknowledge more', async () => {
      const got = await crossAcks([10, 20, 30, 40, 50].map((ack) => ({ ack, wnd: 500 + ack })));
      assert.deepEqual(got, [
        [10, 510, 1],
        [20, 520, 1],
        [50, 550, 3],
      ]);
    });

    it('does so across the wrap of numbers, and in each row of several connections', async () => {
      const row = [0xffff_fff0, 0xffff_fff8, 0, 8].map((ack) => ({ ack }));
      const got = await crossAcks([...row, ...row.map((each) => ({ ...each, port: 2001 }))]);
      const expected = [
        [0xffff_fff0, 500, 1],
        [0xffff_fff8, 500, 1],
        [8, 500, 2],
      ];
      assert.deepEqual(got, [...expected, ...expected]);
    });

    it('keeps every duplicate, and what it stands beside', async () => {
      const acks = [10, 20, 20, 20, 30, 40, 50, 60];
      const got = await crossAcks(acks.map((ack) => ({ ack })));
      assert.deepEqual(
        got.map(([ack, , parts]) => [ack, parts]),
        [
          [10, 1],
          [20, 1],
          [20, 1],
          [20, 1],
          [30, 1],
          [60, 3],
        ],
      );
    });

    const SACK = new Uint8Array([1, 1, 5, 10, 0, 0, 0, 90, 0, 0, 0, 99]);
    for (const [name, change] of [
      ['SACK blocks', { options: SACK }],
      ['another sequence number', { seq: 6 }],
      ['an echo of a mark', { flags: ACK | ECE }],
      ['a FIN', { flags: ACK | FIN }],
      ['data', { payload: new Uint8Array(9) }],
      ['an older timestamp', { stamp: 0 }],
      ['a smaller number', { ack: 15 }],
    ] as const) {
      it(`keeps an acknowledgment with ${name}, and what it stands beside`, async () => {
        const got = await crossAcks([
          { ack: 10 },
          { ack: 20 },
          { ack: 25 },
          { ack: 30, ...change },
          { ack: 40 },
        ]);
        const numbers = got.map(([ack, , parts]) => [ack, parts]);
        const third = 'ack' in change ? change.ack : 30;
        assert.deepEqual(
          numbers,
          [10, 20, 25, third, 40].map((ack) => [ack, 1]),
        );
      });
    }

    it('leaves those of several connections whole, wherever they were read to', async () => {
      const sizes = [20_000, 20_000, 20_000, 15_000, 300, 15_000, 2000, 20_000, 1];
      const ports = [2000, 2000, 2000, 2001, 2001, 2000, 2000, 2001, 2001];
      for (let i = 0; i < 3; i++) await crossJoined(sizes, ports);
      const { got, sent } = await crossJoined(sizes, ports);
      assert.deepEqual(joinedPayload(got.map(({ payload }) => payload)), joinedPayload(sent));
      assert.ok(got.length >= 4 && got.length < sizes.length, `${got.length} packets`);
    });
  });

  it('joins nothing where offload was declined', async () => {
    const packets = apart(Array.from({ length: 5 }, () => ({ ...USUAL, to: '10.3.0.2' })));
    assert.deepEqual(await cross(packets, declined), packets.map(arrival));
  });
});
