// Frames as the package cap delivers them: one after the other into the same memory, without a pause while more are there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameIntake } from '../../src/link/frame-intake.js';
import { type LinkNotice, newLinkStats, type PacketBatch, PacketIds } from '../../src/stack/link.js';
import { IpAddress } from '../../src/wire/address.js';
import { EtherType } from '../../src/wire/ethernet.js';
import { buildTcpPacket, decodePacket } from '../../src/wire/packet.js';
import { ACK } from '../../src/wire/segment.js';
import { frame, OWN, PEER_MAC } from '../stack/ethernet/ethernet-bench.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

function segment(family: 4 | 6, payload = new Uint8Array(100).fill(7), flags: number = ACK): Uint8Array {
  const [source, destination] = family === 4 ? ['10.9.0.1', '10.9.0.2'] : ['fd00:9::1', 'fd00:9::2'];
  return buildTcpPacket({
    source: IpAddress.parse(source!)!,
    sourcePort: 5000,
    destination: IpAddress.parse(destination!)!,
    destinationPort: 80,
    flags,
    seq: 1,
    payload,
  });
}

function inFrame(packet: Uint8Array, vlan = 0): Uint8Array {
  const type = packet[0]! >>> 4 === 4 ? EtherType.IPV4 : EtherType.IPV6;
  return frame(OWN, PEER_MAC, type, packet, vlan);
}

/** As the sender's kernel leaves it to a card: the checksum is the sum of the pseudo header. */
function unfinished(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  const view = new DataView(copy.buffer);
  const isV4 = copy[0]! >>> 4 === 4;
  const tcp = isV4 ? 20 : 40;
  const [from, to] = isV4 ? [12, 20] : [8, 40];
  let sum = 6 + (copy.length - tcp);
  for (let at = from!; at < to!; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(tcp + 16, sum);
  return copy;
}

function bench(now?: () => number) {
  const incoming = Buffer.alloc(65_535);
  const stats = newLinkStats();
  const batches: Uint8Array[][] = [];
  const notices: LinkNotice[] = [];
  let overruns = 0;
  const intake = new FrameIntake(incoming, new PacketIds(), stats, () => overruns++, now);
  const copyOf = ({ bytes, offsets, lengths, count }: PacketBatch) =>
    Array.from({ length: count }, (_, i) => bytes.slice(offsets[i]!, offsets[i]! + lengths[i]!));
  intake.start(
    {
      receive: (batch) => void batches.push(copyOf(batch)),
      writable() {},
      failed() {},
      notice: (notice) => void notices.push(notice),
    },
    'eth0',
  );
  const take = (bytes: Uint8Array) => {
    incoming.set(bytes);
    intake.take(bytes.length, false);
  };
  return { intake, incoming, stats, batches, notices, take, overruns: () => overruns };
}

describe('frames that come in a run', () => {
  it('are copied, numbered and delivered together when the run ends', async () => {
    const { take, batches, stats, incoming } = bench();
    const sent = [inFrame(segment(4)), inFrame(segment(6)), inFrame(segment(4, Uint8Array.of(1)))];
    for (const bytes of sent) take(bytes);
    assert.equal(batches.length, 0);
    incoming.fill(0xee);
    await nextTurn();
    assert.deepEqual(batches, [sent.map((bytes) => Uint8Array.from(bytes))]);
    assert.equal(stats.packetsIn, 3);
    assert.equal(
      stats.bytesIn,
      sent.reduce((sum, bytes) => sum + bytes.length, 0),
    );
  });

  it('are delivered in the midst of it when a batch is full', async () => {
    const { take, batches, stats } = bench(() => 0);
    for (let i = 0; i < 600; i++) take(inFrame(segment(4)));
    assert.deepEqual(
      batches.map(({ length }) => length),
      [256, 256],
    );
    await nextTurn();
    assert.deepEqual(
      batches.map(({ length }) => length),
      [256, 256, 88],
    );
    assert.equal(stats.dropped, 0);
  });

  it('are held back when it lasts, and delivered in order once everybody had a turn', async () => {
    let now = 0;
    const { take, batches, stats } = bench(() => now);
    const numbered = (i: number) => inFrame(segment(4, Uint8Array.of(i >> 8, i & 255)));
    for (let i = 0; i < 300; i++) take(numbered(i));
    now = 60;
    for (let i = 300; i < 1500; i++) take(numbered(i));
    assert.equal(batches.length, 1, 'nothing more for now');
    await nextTurn();
    const order = batches.flat().map((bytes) => (bytes[54]! << 8) | bytes[55]!);
    assert.deepEqual(
      order,
      Array.from({ length: 1500 }, (_, i) => i),
    );
    assert.equal(stats.dropped, 0);
    // And afterwards all begins anew.
    take(numbered(7));
    await nextTurn();
    assert.equal(batches.at(-1)!.length, 1);
  });

  it('are dropped when more are held back than there is room, and what waits in the ring is given up at last', async () => {
    let now = 0;
    const { take, stats, overruns, batches } = bench(() => now);
    take(inFrame(segment(4)));
    now = 100;
    for (let i = 0; i < 10_000; i++) take(inFrame(segment(4)));
    assert.ok(stats.dropped > 5000);
    assert.equal(overruns(), 0);
    now = 400;
    take(inFrame(segment(4)));
    assert.equal(overruns(), 1);
    await nextTurn();
    const delivered = batches.reduce((sum, batch) => sum + batch.length, 0);
    assert.equal(delivered + stats.dropped, 10_002);
  });

  it('are dropped when libpcap cut them, and none is delivered after the end', async () => {
    const { intake, stats, batches, take, incoming } = bench();
    intake.take(incoming.length, false);
    intake.take(100, true);
    assert.equal(intake.cut, 2);
    assert.equal(stats.dropped, 2);
    take(inFrame(segment(4)));
    intake.stop();
    await nextTurn();
    assert.deepEqual(batches, []);
  });
});

describe('checksums that a sender left unfinished', () => {
  for (const family of [4, 6] as const) {
    for (const vlan of [0, 7]) {
      it(`are completed over IPv${family}${vlan === 0 ? '' : ' behind a tag'}, and it is told once`, async () => {
        const { take, batches, intake, notices } = bench();
        // Two octets make an odd end behind 20 octets of header, and 40,000 are what a kernel leaves to be cut.
        for (const size of [3, 1000, 40_000])
          take(inFrame(unfinished(segment(family, new Uint8Array(size).fill(9))), vlan));
        await nextTurn();
        for (const bytes of batches.flat()) {
          const packet = decodePacket(bytes, vlan === 0 ? 14 : 18);
          assert.ok(typeof packet !== 'string' && packet.tcp?.checksumOk);
        }
        assert.equal(intake.unfinished, 3);
        assert.equal(notices.length, 1);
        assert.match(notices[0]!.message, /ethtool -K IFACE tx off tso off gso off gro off/);
      });
    }
  }

  it('are told from wrong ones, which stay wrong', async () => {
    const { take, batches, intake } = bench();
    const damaged = segment(4);
    damaged[60]! ^= 1;
    take(inFrame(damaged));
    await nextTurn();
    assert.deepEqual(batches[0]![0]!.slice(14), damaged);
    assert.equal(intake.unfinished, 0);
  });

  it('are not looked for in what is no whole segment', async () => {
    const { take, batches } = bench();
    const packet = unfinished(segment(4));
    const changes: ((bytes: Uint8Array) => void)[] = [
      (bytes) => bytes.set([0x20, 0], 6), // a fragment
      (bytes) => bytes.set([0x46], 0), // options that are not there
      (bytes) => bytes.set([0xff, 0xff], 2), // a length past the end
      (bytes) => bytes.set([17], 9), // another protocol
      (bytes) => bytes.set([0x40], 0), // no header at all
    ];
    const frames = changes.map((change) => {
      const copy = packet.slice();
      change(copy);
      return inFrame(copy);
    });
    for (const bytes of frames) take(bytes);
    for (let length = 0; length < 60; length++) take(inFrame(packet).slice(0, length));
    await nextTurn();
    assert.deepEqual(
      batches[0]!.slice(0, frames.length),
      frames.map((bytes) => Uint8Array.from(bytes)),
    );
  });
});
