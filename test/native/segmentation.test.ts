// What the addon does in place of a device without offload: cut, and complete checksums. The kernel forwards what one device
// was given to another and changes the time to live alone, so that every packet can be seen as it was written.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { type DeviceLink, openDevice } from '../../src/link/tun.js';
import {
  CONTROL_BYTES,
  CONTROL_DROPPED,
  CONTROL_ERROR,
  CONTROL_WORDS,
  CONTROL_WRITTEN,
  IFF_NO_PI,
  IFF_TUN,
  type NativePort,
  PACKET_ROOM,
  VNET_HEADER_BYTES,
} from '../../src/native/binding.js';
import { loadBinding } from '../../src/native/load.js';
import { TransmitQueue } from '../../src/native/transmit-queue.js';
import type { DeviceWork } from '../../src/native/vnet-header.js';
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
const TTL = 64;
/** Where the note stands of how many segments have left. */
const AT_DONE = 10;
const FIRST_SEQ = 0xffff_f000;
const MTU = 4000;
const LONGEST_SEGMENT = MTU - 100;

interface Large {
  readonly family: 4 | 6;
  readonly flags: number;
  readonly options: number;
  readonly segmentBytes: number;
  /** Lengths of the pieces of its payload. */
  readonly pieces: readonly number[];
  /** Of its payload: what makes every sum carry. */
  readonly isAllOnes?: boolean;
}

/** What the second device holds until it is read is more. */
const MOST_SEGMENTS = 5000;
const segmentsOf = ({ pieces, segmentBytes }: Large) =>
  Math.ceil(pieces.reduce((sum, bytes) => sum + bytes, 0) / segmentBytes);

const everyLarge: fc.Arbitrary<Large> = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  flags: fc.constantFrom(ACK, ACK | PSH, ACK | PSH | FIN, ACK | CWR | ECE, ACK | CWR | PSH),
  options: fc.constantFrom(0, 12, 40),
  // Short ones are copied, long ones are not.
  segmentBytes: fc.oneof(fc.integer({ min: 1, max: 1400 }), fc.integer({ min: 2000, max: LONGEST_SEGMENT })),
  pieces: fc.array(fc.integer({ min: 1, max: 2500 }), { minLength: 1, maxLength: 8 }),
  isAllOnes: fc.boolean(),
});
const larges = everyLarge.filter((large) => segmentsOf(large) <= MOST_SEGMENTS);

function source({ family, options }: Large) {
  const [source, destination] = family === 4 ? ['10.1.0.2', '10.2.0.2'] : ['fd00:1::2', 'fd00:2::2'];
  return {
    source: ip(source!),
    destination: ip(destination!),
    sourcePort: 1000,
    destinationPort: 2000,
    ack: 77,
    options: pattern(options, 3).fill(1),
  };
}

/** The segments that it is to become, as they come out of the second device. */
function expected(large: Large, payload: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += large.segmentBytes) {
    const isLast = at + large.segmentBytes >= payload.length;
    let { flags } = large;
    if (at > 0) flags &= ~CWR;
    if (!isLast) flags &= ~(PSH | FIN);
    const part = payload.subarray(at, at + large.segmentBytes);
    const id = (0xfffe + packets.length) & 0xffff;
    packets.push(
      buildTcpPacket({ ...source(large), flags, seq: FIRST_SEQ + at, payload: part, ttl: TTL - 1, id }),
    );
  }
  return packets;
}

/** Its headers, with the sum of the pseudo header in place of the checksum; its payload; what is to be done to it. */
function make(large: Large) {
  const payload = new PayloadPieces();
  for (const [i, length] of large.pieces.entries()) {
    const bytes = pattern(length + 3, i);
    payload.add(large.isAllOnes ? bytes.fill(0xff) : bytes, i % 3, length);
  }
  const flat = new Uint8Array(payload.total);
  payload.copyTo(flat, 0);
  const { source: from, destination, ...rest } = source(large);
  const whole = buildTcpPacket({
    ...{ source: from, destination, ...rest },
    flags: large.flags,
    seq: FIRST_SEQ,
    payload: flat,
    ttl: TTL,
    id: 0xfffe,
  });
  const header = whole.slice(0, whole.length - flat.length);
  const transportOffset = large.family === 4 ? 20 : 40;
  const tcpBytes = whole.length - transportOffset;
  const sum = pseudoHeader(from, destination, IpProtocol.TCP, tcpBytes);
  writeTcpPseudoSum(sum, new DataView(header.buffer), transportOffset);
  const work: DeviceWork = { family: large.family, transportOffset, segmentBytes: large.segmentBytes };
  return { header, payload, flat, work };
}

describe('segmentation by the addon', { skip }, () => {
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
      mtu: MTU,
      sendBufferBytes: 0,
      disableIpv6: false,
      offload: false,
      software: true,
      spinUs: 0,
      slab: new Uint8Array(PACKET_ROOM),
      table: new Int32Array(3),
      arena: queue.arena,
      descriptors: queue.descriptors,
      control,
      onEvent() {},
    });
    assert.equal(port.software, true);
    queue.useVnetHeaders();
    for (const address of ['10.1.0.1/24', 'fd00:1::1/64']) {
      namespace.ip('address', 'add', address, 'dev', 'near0', ...(address.includes(':') ? ['nodad'] : []));
    }
    namespace.ip('link', 'set', 'near0', 'up');
    far = await openDevice({
      netns: namespace.name,
      offload: false,
      name: 'far0',
      mtu: MTU,
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

  /** What has come out of the second device since it was asked last, `count` packets at least. */
  async function arrived(count: number): Promise<Uint8Array[]> {
    await until(`${count} packets`, () => got.packets.filter(isTcp).length >= count);
    return got.packets.splice(0).filter(isTcp);
  }

  function flush(): void {
    assert.equal(port.flush(queue.packets, queue.buffers), queue.packets);
    assert.equal(control[CONTROL_ERROR], 0);
  }

  it('makes of one what many would have been, octet by octet, also where it was kept', async () => {
    await fc.assert(
      fc.asyncProperty(larges, fc.boolean(), async (large, isKept) => {
        const { header, payload, flat, work } = make(large);
        assert.ok(queue.push(header, 0, header.length, payload, work));
        if (isKept) queue.keepAfter(0);
        flush();
        queue.clear();
        const packets = expected(large, flat);
        assert.equal(control[CONTROL_WRITTEN], packets.length);
        assert.equal(control[CONTROL_DROPPED], 0);
        assert.equal(
          control[CONTROL_BYTES],
          packets.reduce((sum, packet) => sum + packet.length, 0),
        );
        assert.deepEqual(await arrived(packets.length), packets);
      }),
      { numRuns: 100 },
    );
  });

  it('completes the checksum of what is not to be cut, and leaves alone what is complete', async () => {
    for (const pieces of [[], [1], [700, 301]]) {
      const large = { family: 4, flags: ACK | PSH, options: 12, segmentBytes: 1400, pieces } as const;
      const { header, payload, flat, work } = make(large);
      assert.ok(queue.push(header, 0, header.length, payload, { ...work, segmentBytes: 0 }));
      const complete = buildTcpPacket({ ...source(large), flags: ACK, seq: 5, payload: flat, ttl: TTL });
      assert.ok(queue.push(complete, 0, complete.length, null));
      flush();
      queue.clear();
      const whole = { ...source(large), payload: flat, ttl: TTL - 1 };
      assert.deepEqual(await arrived(2), [
        buildTcpPacket({ ...whole, flags: ACK | PSH, seq: FIRST_SEQ, id: 0xfffe }),
        buildTcpPacket({ ...whole, flags: ACK, seq: 5 }),
      ]);
    }
  });

  it('goes on behind the segments that have left, and notes how many', async () => {
    const large: Large = { family: 4, flags: ACK | PSH, options: 0, segmentBytes: 100, pieces: [250, 201] };
    const { header, payload, flat, work } = make(large);
    const done = new DataView(queue.arena.buffer, AT_DONE, 2);
    const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
    for (let left = 0; left < 5; left++) {
      assert.ok(queue.push(header, 0, header.length, payload, work));
      assert.equal(done.getUint16(0), 0, 'a new packet has none');
      done.setUint16(0, left, littleEndian);
      flush();
      assert.equal(done.getUint16(0, littleEndian), 5);
      queue.clear();
      assert.deepEqual(await arrived(5 - left), expected(large, flat).slice(left));
    }
  });

  it('drops what makes no sense, and sends what stands behind it', async () => {
    const large: Large = { family: 4, flags: ACK, options: 0, segmentBytes: 100, pieces: [250] };
    const { header, payload, flat, work } = make(large);
    const view = new DataView(queue.arena.buffer);
    /** Places in the virtio-net header, and what is put there. */
    const senseless = [
      [2, 0xffff],
      [2, 30],
      [4, 0],
      [6, 10],
      [6, 200],
      [8, 6],
    ] as const;
    for (const [at, value] of senseless) {
      assert.ok(queue.push(header, 0, header.length, payload, work));
      view.setUint16(at, value, true);
      assert.ok(queue.push(header, 0, header.length, payload, work));
      flush();
      queue.clear();
      assert.deepEqual([control[CONTROL_DROPPED], control[CONTROL_WRITTEN]], [1, 3], `${value} at ${at}`);
      assert.deepEqual(await arrived(3), expected(large, flat));
    }
    const short = new Uint8Array(0);
    assert.ok(queue.push(short, 0, 0, null));
    queue.descriptors[1] = VNET_HEADER_BYTES - 1;
    flush();
    queue.clear();
    assert.equal(control[CONTROL_DROPPED], 1);
  });

  it('drops, of what the device refuses, every segment', () => {
    namespace.ip('link', 'set', 'near0', 'down');
    const { header, payload, work } = make({
      ...{ family: 6, flags: ACK, options: 0 },
      ...{ segmentBytes: 100, pieces: [250] },
    });
    assert.ok(queue.push(header, 0, header.length, payload, work));
    flush();
    queue.clear();
    assert.deepEqual([control[CONTROL_DROPPED], control[CONTROL_WRITTEN]], [3, 0]);
  });
});
