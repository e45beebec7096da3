// The thread that writes while much is sent: when it works, and that nobody sees a difference.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type DeviceLink, openDevice } from '../../src/link/tun.js';
import { tunQueues } from '../../src/link/tun-queues.js';
import { pseudoHeader } from '../../src/wire/checksum.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { PayloadPieces } from '../../src/wire/payload.js';
import { IpProtocol } from '../../src/wire/protocol.js';
import { ACK } from '../../src/wire/segment.js';
import { writeTcpPseudoSum } from '../../src/wire/tcp.js';
import { ip } from '../stack/test-link.js';
import { openFarDevice } from './far-device.js';
import { pattern } from './packets.js';
import { RecordingReceiver } from './recording-receiver.js';
import { TestNamespace, until, whyNoDevices } from './test-namespace.js';

const skip = whyNoDevices();
const SEGMENT_BYTES = 1400;
const SEGMENTS = 40;
const BURST_BYTES = SEGMENTS * SEGMENT_BYTES;
const HEADER_BYTES = 40;
const TRANSPORT_OFFSET = 20;
const SMALL_BYTES = 100;
/** Fewer packets than the far device holds until it is read. */
const BURSTS = 8;
const ROUNDS = 12;
const REACHED = ip('10.2.0.2');
/** Nobody is there: the kernel drops what is sent to it without a word. */
const LOST = ip('10.9.0.2');
const flow = { source: ip('10.1.0.2'), sourcePort: 1000, destinationPort: 2000, flags: ACK };

/** Segments that leave as one. */
function sendBurst(link: DeviceLink, payload: Uint8Array, seq: number, destination = REACHED): void {
  const bytes = payload.subarray(0, BURST_BYTES);
  const whole = buildTcpPacket({ ...flow, destination, seq, payload: bytes });
  const header = whole.slice(0, HEADER_BYTES);
  const sum = pseudoHeader(flow.source, destination, IpProtocol.TCP, whole.length - TRANSPORT_OFFSET);
  writeTcpPseudoSum(sum, new DataView(header.buffer), TRANSPORT_OFFSET);
  const pieces = new PayloadPieces();
  pieces.add(payload, 0, BURST_BYTES);
  const work = { family: 4, transportOffset: TRANSPORT_OFFSET, segmentBytes: SEGMENT_BYTES } as const;
  assert.ok(link.send(link.packetIds.next(), header, 0, HEADER_BYTES, pieces, work));
}

function sendSmall(link: DeviceLink, payload: Uint8Array, seq: number): void {
  const packet = buildTcpPacket({ ...flow, destination: REACHED, seq, payload }).slice();
  assert.ok(link.send(link.packetIds.next(), packet, 0, packet.length, null));
}

function threads(): number {
  return readdirSync('/proc/self/task').filter((id) => nameOf(id) === 'synwave-write').length;
}

/** A thread may end while it is looked at. */
function nameOf(id: string): string {
  try {
    return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

describe('the thread that writes', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  const got = new RecordingReceiver();
  let far: DeviceLink;

  before(async () => {
    far = await openFarDevice(namespace, got);
    namespace.ip('route', 'add', 'blackhole', '10.9.0.0/16');
  });
  after(async () => {
    await far.close();
    namespace.remove();
  });

  async function opened(name: string): Promise<DeviceLink> {
    const link = await openDevice({ netns: namespace.name, name, hostAddress: '10.1.0.1/24' });
    link.start({ receive() {}, writable() {}, failed() {} });
    return link;
  }

  /** Sends much, in vain, until the thread is at work; whoever goes on in the same task finds it so. */
  function exert(link: DeviceLink, bursts = 20_000): boolean {
    const block = link.blocks!.take(BURST_BYTES) ?? new Uint8Array(BURST_BYTES);
    while (!link.blocks!.isFaster && bursts-- > 0) {
      sendBurst(link, block, 0, LOST);
      link.flush();
    }
    link.blocks!.give(block);
    return link.blocks!.isFaster;
  }

  /** A link whose thread is at work, or null where there is none. */
  async function exerted(t: TestContext, name: string): Promise<DeviceLink | null> {
    const link = await opened(name);
    if (exert(link)) return link;
    t.skip('there is one processor, or the device is slow');
    await link.close();
    return null;
  }

  /** The payload that has come, by the numbers of its segments, in the order in which it came. */
  async function arrived(packets: number): Promise<{ seqs: number[]; payload: Buffer }> {
    await until(`${packets} packets`, () => got.packets.length >= packets);
    const came = got.packets.splice(0);
    const seqs = came.map((packet) => Buffer.from(packet).readUInt32BE(TRANSPORT_OFFSET + 4));
    return { seqs, payload: Buffer.concat(came.map((packet) => packet.subarray(HEADER_BYTES))) };
  }

  it('works while much is sent, and changes no octet and no order', async (t) => {
    const resting = await opened('near0');
    assert.equal(exert(resting, 20), false, 'a megabyte is not much');
    assert.equal(threads(), 0);
    await resting.close();
    const link = await exerted(t, 'near0');
    if (link === null) return;
    assert.equal(threads(), 1);
    for (let round = 0; round < ROUNDS; round++) {
      assert.ok(exert(link));
      const sent: Uint8Array[] = [];
      const seqs: number[] = [];
      let seq = round;
      for (let i = 0; i < BURSTS; i++) {
        const bytes = pattern(BURST_BYTES, round * BURSTS + i);
        // Every third lies in memory that is not the link's; small packets go between.
        const payload = i % 3 === 2 ? bytes : link.blocks!.take(BURST_BYTES)!;
        if (payload !== bytes) payload.set(bytes);
        sendBurst(link, payload, seq);
        if (i % 2 === 0) link.flush();
        // What is not the link's may change as soon as it was flushed.
        if (payload === bytes) {
          link.flush();
          sent.push(Buffer.from(bytes));
          payload.fill(0);
        }
        for (let k = 0; k < SEGMENTS; k++) seqs.push(seq + k * SEGMENT_BYTES);
        seq += BURST_BYTES;
        const small = pattern(SMALL_BYTES, i);
        sendSmall(link, small, seq);
        seqs.push(seq);
        seq += SMALL_BYTES;
        if (payload !== bytes) {
          sent.push(bytes);
          link.flush();
          // The next one must not be written over it.
          link.blocks!.give(payload);
        }
        sent.push(Buffer.from(small));
      }
      link.flush();
      const came = await arrived(BURSTS * (SEGMENTS + 1));
      assert.deepEqual(came.seqs, seqs);
      assert.ok(came.payload.equals(Buffer.concat(sent)));
    }
    await link.close();
    assert.equal(threads(), 0);
  });

  it('counts every packet and every byte, as without it', async (t) => {
    const link = await exerted(t, 'near1');
    if (link === null) return;
    const { packetsOut, bytesOut } = link.stats;
    const block = link.blocks!.take(BURST_BYTES)!;
    for (let i = 0; i < BURSTS; i++) sendBurst(link, block, i * BURST_BYTES);
    link.flush();
    await arrived(BURSTS * SEGMENTS);
    assert.equal(link.stats.packetsOut - packetsOut, BURSTS);
    assert.equal(link.stats.bytesOut - bytesOut, BURSTS * (BURST_BYTES + HEADER_BYTES));
    assert.equal(link.stats.dropped, 0);
    await link.close();
  });

  it('has written what was sent when the device goes', async (t) => {
    for (let round = 0; round < ROUNDS; round++) {
      const link = await exerted(t, 'near2');
      if (link === null) return;
      const block = link.blocks!.take(BURST_BYTES)!;
      for (let i = 0; i < BURSTS; i++) sendBurst(link, block, i * BURST_BYTES);
      link.flush();
      await link.close();
      assert.equal((await arrived(BURSTS * SEGMENTS)).payload.length, BURSTS * BURST_BYTES);
      assert.equal(threads(), 0);
    }
  });

  it('gives way when little is sent', async (t) => {
    const link = await exerted(t, 'near3');
    if (link === null) return;
    await until('it rests', () => {
      sendSmall(link, pattern(SMALL_BYTES, 1), 0);
      link.flush();
      return !link.blocks!.isFaster;
    });
    await link.close();
    got.packets.length = 0;
  });

  it('is not given what goes to one of several queues', async () => {
    const device = await tunQueues({ netns: namespace.name, name: 'near4', hostAddress: '10.1.0.1/24' });
    const link = await openDevice(device.queue);
    link.start({ receive() {}, writable() {}, failed() {} });
    assert.equal(exert(link, 2000), false);
    assert.equal(threads(), 0);
    await link.close();
    await device.close();
  });
});
