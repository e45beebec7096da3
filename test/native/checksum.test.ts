// What the addon says of the checksums of packets that it reads. The kernel forwards what one device was given to another,
// and looks at no TCP checksum on the way; so damage can be put before the addon's eyes.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type DeviceLink, openDevice } from '../../src/link/tun.js';
import { type PacketBatch, PacketHint } from '../../src/stack/link.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { ACK } from '../../src/wire/segment.js';
import { ip } from '../stack/test-link.js';
import { TestNamespace, until, whyNoDevices } from './test-namespace.js';

const skip = whyNoDevices();
const SIZES = [0, 1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 1411, 1412];
const LARGEST_HEADERS = 60;

/** Of a packet read: whether the addon vouches for it. */
interface Seen {
  readonly length: number;
  readonly isVerified: boolean;
}

describe('checksums of packets that are read', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  let near: DeviceLink;
  let far: DeviceLink;
  const seen: Seen[] = [];

  before(async () => {
    const place = { netns: namespace.name, offload: false };
    near = await openDevice({ ...place, name: 'near0', hostAddress: ['10.1.0.1/24', 'fd00:1::1/64'] });
    far = await openDevice({ ...place, name: 'far0', hostAddress: ['10.2.0.1/24', 'fd00:2::1/64'] });
    const forward = 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding';
    namespace.run('sh', '-c', forward);
    near.start({ receive() {}, writable() {}, failed() {} });
    far.start({ receive: (batch) => look(batch), writable() {}, failed() {} });
  });
  after(async () => {
    await Promise.all([near.close(), far.close()]);
    namespace.remove();
  });

  function look(batch: PacketBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offsets[i]!;
      const isTcp = (batch.bytes[at]! >>> 4 === 4 ? batch.bytes[at + 9] : batch.bytes[at + 6]) === 6;
      if (!isTcp) continue;
      seen.push({ length: batch.lengths[i]!, isVerified: (batch.hints![i]! & PacketHint.VERIFIED) !== 0 });
    }
  }

  function packet(family: 4 | 6, size: number): Uint8Array {
    const [source, destination] = (family === 4 ? ['10.1.0.2', '10.2.0.2'] : ['fd00:1::2', 'fd00:2::2']).map(
      ip,
    );
    const payload = Uint8Array.from({ length: size }, (_, i) => i * 31 + size);
    const ports = { sourcePort: 1000, destinationPort: 2000 };
    return buildTcpPacket({
      source: source!,
      destination: destination!,
      ...ports,
      flags: ACK,
      payload,
    }).slice();
  }

  for (const family of [4, 6] as const) {
    it(`IPv${family}: those that are right are known to be, damaged ones are not`, async () => {
      seen.length = 0;
      const expected: Seen[] = [];
      const send = (bytes: Uint8Array, isVerified: boolean) => {
        near.send(near.packetIds.next(), bytes, 0, bytes.length, null);
        expected.push({ length: bytes.length, isVerified });
      };
      for (const size of SIZES) {
        assert.ok(size + LARGEST_HEADERS <= near.mtu);
        send(packet(family, size), true);
        for (const at of [0, size >> 1, size - 1]) {
          const damaged = packet(family, size);
          if (at >= 0 && at < size) damaged[damaged.length - size + at]! ^= 4;
          else damaged[damaged.length - size - 1]! ^= 1;
          send(damaged, false);
        }
      }
      near.flush();
      await until('all have crossed', () => seen.length >= expected.length);
      assert.deepEqual(seen, expected);
    });
  }
});
