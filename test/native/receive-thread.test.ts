// The kernel's thread that takes in what is written while that is much: when it works, and that nobody sees a difference.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type DeviceLink, openDevice } from '../../src/link/tun.js';
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
const HEADER_BYTES = 40;
const TRANSPORT_OFFSET = 20;
const flow = {
  source: ip('10.1.0.2'),
  destination: ip('10.2.0.2'),
  sourcePort: 1000,
  destinationPort: 2000,
  flags: ACK,
};

/** Segments that leave as one: `number` tells which of many. */
class Burst {
  private readonly payload = pattern(SEGMENTS * SEGMENT_BYTES, 1);

  constructor(private readonly number: number) {}

  private get seq(): number {
    return this.number * SEGMENTS * SEGMENT_BYTES;
  }

  sendOn(link: DeviceLink): void {
    const whole = buildTcpPacket({
      ...flow,
      seq: this.seq,
      payload: this.payload,
      id: this.number * SEGMENTS,
    });
    const header = whole.slice(0, HEADER_BYTES);
    const sum = pseudoHeader(flow.source, flow.destination, IpProtocol.TCP, whole.length - TRANSPORT_OFFSET);
    writeTcpPseudoSum(sum, new DataView(header.buffer), TRANSPORT_OFFSET);
    const pieces = new PayloadPieces();
    pieces.add(this.payload, 0, this.payload.length);
    const work = { family: 4, transportOffset: TRANSPORT_OFFSET, segmentBytes: SEGMENT_BYTES } as const;
    assert.ok(link.send(link.packetIds.next(), header, 0, HEADER_BYTES, pieces, work));
    link.flush();
  }

  /** Its packets behind a router. */
  get packets(): Uint8Array[] {
    return Array.from({ length: SEGMENTS }, (_, i) => {
      const payload = this.payload.subarray(i * SEGMENT_BYTES, (i + 1) * SEGMENT_BYTES);
      const id = this.number * SEGMENTS + i;
      return buildTcpPacket({ ...flow, seq: this.seq + i * SEGMENT_BYTES, payload, id, ttl: 63 }).slice();
    });
  }
}

describe('the thread of the kernel', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  const got = new RecordingReceiver();
  let far: DeviceLink;

  before(async () => {
    far = await openFarDevice(namespace, got);
  });
  after(async () => {
    await far.close();
    namespace.remove();
  });

  const isAtWork = (name: string) => namespace.run('cat', `/sys/class/net/${name}/threaded`).trim() === '1';

  async function opened(name: string): Promise<DeviceLink> {
    return openDevice({ netns: namespace.name, offload: 'software', name, hostAddress: '10.1.0.1/24' });
  }

  /** Sends much, in vain, until the thread works or so many milliseconds have passed. */
  async function exert(link: DeviceLink, name: string, forMs: number): Promise<boolean> {
    const end = performance.now() + forMs;
    let bursts = 0;
    while (performance.now() < end) {
      new Burst(bursts++ % 8).sendOn(link);
      await new Promise(setImmediate);
      if (bursts % 200 === 0 && isAtWork(name)) return true;
    }
    return isAtWork(name);
  }

  /** Only what was sent since the last call: packets of IPv4 to the other device's end. */
  async function arrived(count: number): Promise<Uint8Array[]> {
    await until(`${count} packets`, () => got.packets.length >= count);
    return got.packets.splice(0);
  }

  async function discard(): Promise<void> {
    for (let before = -1; before !== got.packets.length; ) {
      before = got.packets.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    got.packets.length = 0;
  }

  it('works while much is sent, and changes no octet and no order', async (t) => {
    const link = await opened('near0');
    link.start({ receive() {}, writable() {}, failed() {} });
    assert.equal(isAtWork('near0'), false);
    if (!(await exert(link, 'near0', 10_000))) {
      t.skip('this kernel has none, or does not let us have it');
      await link.close();
      return;
    }
    await discard();
    const bursts = Array.from({ length: 30 }, (_, i) => new Burst(i));
    for (const burst of bursts) burst.sendOn(link);
    assert.deepEqual(
      await arrived(bursts.length * SEGMENTS),
      bursts.flatMap((burst) => burst.packets),
    );
    // A little now and then is little.
    const small = buildTcpPacket(flow).slice();
    await until('it rests', () => {
      link.send(link.packetIds.next(), small, 0, small.length, null);
      link.flush();
      return !isAtWork('near0');
    });
    await discard();
    await link.close();
  });

  it('has taken in what was written when the device goes', async () => {
    const link = await opened('near1');
    link.start({ receive() {}, writable() {}, failed() {} });
    await exert(link, 'near1', 10_000);
    await discard();
    const bursts = Array.from({ length: 30 }, (_, i) => new Burst(i));
    for (const burst of bursts) burst.sendOn(link);
    await link.close();
    assert.equal((await arrived(bursts.length * SEGMENTS)).length, bursts.length * SEGMENTS);
  });

  it('is not asked for on a device that was there before', async () => {
    namespace.ip('tuntap', 'add', 'dev', 'keep0', 'mode', 'tun');
    namespace.ip('address', 'add', '10.1.0.1/24', 'dev', 'keep0');
    namespace.ip('link', 'set', 'keep0', 'up');
    const link = await opened('keep0');
    assert.equal(link.persistent, true);
    link.start({ receive() {}, writable() {}, failed() {} });
    assert.equal(await exert(link, 'keep0', 300), false);
    await discard();
    new Burst(0).sendOn(link);
    assert.deepEqual(await arrived(SEGMENTS), new Burst(0).packets);
    await link.close();
    namespace.ip('tuntap', 'del', 'dev', 'keep0', 'mode', 'tun');
  });
});
