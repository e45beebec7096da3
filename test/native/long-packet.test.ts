// Packets that are longer than their IP header can tell, on a device for which the kernel cuts segments: handed over in parts or in
// one piece. The kernel forwards them to another device and cuts them, so that every segment can be seen.
import assert from 'node:assert/strict';
import { release } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { takesLongPackets } from '../../src/link/long-packets.js';
import { type DeviceLink, openDevice } from '../../src/link/tun.js';
import {
  CONTROL_DROPPED,
  CONTROL_ERROR,
  CONTROL_LONG,
  CONTROL_WORDS,
  CONTROL_WRITTEN,
  IFF_NO_PI,
  IFF_TUN,
  type NativePort,
  PACKET_ROOM,
} from '../../src/native/binding.js';
import { loadBinding } from '../../src/native/load.js';
import { TransmitQueue } from '../../src/native/transmit-queue.js';
import { pseudoHeader } from '../../src/wire/checksum.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { PayloadPieces } from '../../src/wire/payload.js';
import { IpProtocol } from '../../src/wire/protocol.js';
import { ACK, CWR, ECE, FIN, PSH } from '../../src/wire/segment.js';
import { writeTcpPseudoSum } from '../../src/wire/tcp.js';
import { ip } from '../stack/test-link.js';
import { pattern } from './packets.js';
import { RecordingReceiver } from './recording-receiver.js';
import { TestNamespace, until, whyNoDevices } from './test-namespace.js';

const skip = whyNoDevices();
const tooOld = takesLongPackets(release()) ? false : 'this kernel takes no longer packets than IP can tell';
const TTL = 64;
const FIRST_SEQ = 0xffff_f000;
const FIRST_ID = 0xfff0;
const AT_DONE = 10;
const SEGMENT_BYTES = 1400;
/** The kernel has no pieces of memory as large as that would take. */
const TOO_LONG = 6_000_000;

const ENDS = {
  4: { source: ip('10.1.0.2'), destination: ip('10.2.0.2') },
  6: { source: ip('fd00:1::2'), destination: ip('fd00:2::2') },
};

function packetOf(family: 4 | 6, flags: number, at: number, payload: Uint8Array, more = {}) {
  const ends = { ...ENDS[family], sourcePort: 1000, destinationPort: 2000, ack: 77 };
  const options = new Uint8Array(12).fill(1);
  const id = (FIRST_ID + Math.floor(at / SEGMENT_BYTES)) & 0xffff;
  return buildTcpPacket({ ...ends, flags, seq: FIRST_SEQ + at, payload, options, ttl: TTL, id, ...more });
}

/** The segments as they come out of the second device. */
function expected(family: 4 | 6, flags: number, payload: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += SEGMENT_BYTES) {
    const isLast = at + SEGMENT_BYTES >= payload.length;
    const own = (at > 0 ? flags & ~CWR : flags) & (isLast ? ~0 : ~(PSH | FIN));
    packets.push(packetOf(family, own, at, payload.subarray(at, at + SEGMENT_BYTES), { ttl: TTL - 1 }));
  }
  return packets;
}

describe('packets longer than IP can tell', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  const control = new Int32Array(CONTROL_WORDS);
  const queue = new TransmitQueue(control);
  const got = new RecordingReceiver();
  let port: NativePort;
  let far: DeviceLink;

  before(async () => {
    const { Port } = loadBinding();
    port = new Port({
      name: 'near0',
      netns: namespace.path,
      flags: IFF_TUN | IFF_NO_PI,
      mtu: 0,
      sendBufferBytes: 0,
      disableIpv6: false,
      offload: true,
      software: false,
      spinUs: 0,
      slab: new Uint8Array(PACKET_ROOM),
      table: new Int32Array(3),
      arena: queue.arena,
      descriptors: queue.descriptors,
      control,
      onEvent() {},
    });
    assert.equal(port.offload, true);
    queue.useVnetHeaders();
    for (const address of ['10.1.0.1/24', 'fd00:1::1/64']) {
      namespace.ip('address', 'add', address, 'dev', 'near0', ...(address.includes(':') ? ['nodad'] : []));
    }
    namespace.ip('link', 'set', 'near0', 'up');
    far = await openDevice({
      netns: namespace.name,
      offload: false,
      name: 'far0',
      hostAddress: ['10.2.0.1/24', 'fd00:2::1/64'],
    });
    const forward = 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding';
    namespace.run('sh', '-c', forward);
    far.start(got);
  });
  after(async () => {
    port.close();
    await far.close();
    namespace.remove();
  });

  const isTcp = (packet: Uint8Array) => (packet[0]! >>> 4 === 4 ? packet[9] : packet[6]) === IpProtocol.TCP;

  async function arrived(count: number): Promise<Uint8Array[]> {
    await until(`${count} packets`, () => got.packets.filter(isTcp).length >= count);
    return got.packets.splice(0).filter(isTcp);
  }

  /** Queues so many octets, in pieces. Returns them. */
  function push(family: 4 | 6, flags: number, bytes: number, piece = 30_000): Uint8Array {
    const flat = pattern(bytes, bytes);
    const payload = new PayloadPieces();
    for (let at = 0; at < bytes; at += piece) payload.add(flat, at, Math.min(piece, bytes - at));
    const header = packetOf(family, flags, 0, new Uint8Array(0)).slice();
    const transportOffset = family === 4 ? 20 : 40;
    const view = new DataView(header.buffer);
    view.setUint16(family === 4 ? 2 : 4, 0);
    if (family === 4) {
      view.setUint16(10, 0);
      let sum = 0;
      for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
      view.setUint16(10, ~((sum & 0xffff) + (sum >>> 16)));
    }
    const { source, destination } = ENDS[family];
    const tcpBytes = header.length - transportOffset + bytes;
    writeTcpPseudoSum(pseudoHeader(source, destination, IpProtocol.TCP, tcpBytes), view, transportOffset);
    const work = { family, transportOffset, segmentBytes: SEGMENT_BYTES };
    assert.ok(queue.push(header, 0, header.length, payload, work));
    return flat;
  }

  function flush(): number {
    assert.equal(port.flush(queue.packets, queue.buffers), queue.packets);
    assert.deepEqual([control[CONTROL_ERROR], control[CONTROL_DROPPED]], [0, 0]);
    queue.clear();
    return control[CONTROL_WRITTEN]!;
  }

  for (const family of [4, 6] as const) {
    for (const flags of [ACK, ACK | PSH | FIN, ACK | CWR | ECE | PSH]) {
      for (const [bytes, parts] of [
        [65_536, 2],
        [130_200, 3],
        [180 * SEGMENT_BYTES, 4],
        [261_740, 5],
        [47 * SEGMENT_BYTES, 2],
      ] as const) {
        it(`IPv${family}, flags ${flags}: ${bytes} octets leave as ${parts}, and are the segments that they were`, async () => {
          queue.useLongPackets([]);
          const payload = push(family, flags, bytes);
          if (bytes === 130_200) queue.keepAfter(0);
          assert.equal(flush(), parts);
          const segments = expected(family, flags, payload);
          assert.deepEqual(await arrived(segments.length), segments);
        });
      }
    }
  }

  it('go on behind the parts that have left, and note them', async () => {
    queue.useLongPackets([]);
    const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
    const done = new DataView(queue.arena.buffer, AT_DONE, 2);
    for (const left of [0, 45, 90, 135, 180]) {
      const payload = push(4, ACK, 180 * SEGMENT_BYTES);
      done.setUint16(0, left, littleEndian);
      assert.equal(flush(), 4 - left / 45);
      assert.equal(done.getUint16(0, littleEndian), 180);
      const segments = expected(4, ACK, payload).slice(left);
      if (segments.length > 0) assert.deepEqual(await arrived(segments.length), segments);
    }
  });

  it('leave in one piece to whom they may', { skip: tooOld }, async () => {
    queue.useLongPackets([ENDS[4].destination.w3]);
    for (const isKept of [false, true]) {
      const payload = push(4, ACK | CWR | PSH, 261_740);
      if (isKept) queue.keepAfter(0);
      assert.equal(flush(), 1);
      assert.equal(control[CONTROL_LONG], 1);
      const segments = expected(4, ACK | CWR | PSH, payload);
      assert.deepEqual(await arrived(segments.length), segments);
    }
  });

  it('leave in parts when the kernel has no memory for them in one piece', { skip: tooOld }, async () => {
    queue.useLongPackets([ENDS[4].destination.w3]);
    const payload = push(4, ACK, TOO_LONG, 1_000_000);
    assert.equal(flush(), Math.ceil(TOO_LONG / SEGMENT_BYTES / 46));
    assert.equal(control[CONTROL_LONG], 1, 'the next may find some');
    const segments = expected(4, ACK, payload);
    assert.deepEqual(await arrived(segments.length), segments);
  });

  it('are dropped when what is asked for makes no sense', () => {
    for (const [at, value] of [
      [2, 0xffff],
      [4, 0],
      [6, 10],
      [0, 1],
    ] as const) {
      push(4, ACK, 100_000);
      new DataView(queue.arena.buffer).setUint16(at, value, true);
      assert.equal(port.flush(queue.packets, queue.buffers), 1);
      assert.deepEqual([control[CONTROL_DROPPED], control[CONTROL_WRITTEN]], [1, 0], `${value} at ${at}`);
      queue.clear();
    }
  });
});
