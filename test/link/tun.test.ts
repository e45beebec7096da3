// The TUN link against this machine's kernel, in a namespace of its own.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, it } from 'node:test';
import { PayloadPieces } from '../../src/wire/payload.js';
import { echoReply, echoRequest, internetChecksum, pattern, STACK, udpHeader } from '../native/packets.js';
import { hasTool, stop, TestNamespace, until, whyNoDevices } from '../native/test-namespace.js';
import { type Datagram, sha256, UDP_PORT } from '../native/udp-peer.js';
import { sendWhole, tunFixtures } from './tun-fixtures.js';

const skip = whyNoDevices();
const udpPeer = new URL('../native/udp-peer.js', import.meta.url);

describe('tunLink', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  after(() => namespace?.remove());

  const { withLink } = tunFixtures(namespace);

  it('delivers the packets of ping intact, numbered in order', async () => {
    await withLink({}, async (link, receiver) => {
      link.start(receiver);
      await namespace.execute(
        'ping',
        '-n',
        '-c',
        '3',
        '-i',
        '0.01',
        '-W',
        '0.2',
        '-s',
        '1000',
        '-p',
        'c3',
        STACK,
      );
      await until('three echo requests', () => receiver.packets.length === 3);
      for (const [i, packet] of receiver.packets.entries()) {
        assert.equal(packet.length, 1028);
        assert.equal(internetChecksum(packet.subarray(0, 20)), 0, 'IPv4 checksum');
        assert.equal(internetChecksum(packet.subarray(20)), 0, 'ICMP checksum');
        assert.equal(new DataView(packet.buffer).getUint16(26), i + 1, 'ICMP sequence');
        assert.ok(packet.subarray(44).every((byte) => byte === 0xc3));
      }
      assert.deepEqual(receiver.ids, [1, 2, 3]);
      assert.equal(link.stats.packetsIn, 3);
      assert.equal(link.stats.bytesIn, 3 * 1028);
    });
  });

  for (const busyPollUs of [0, 50, 1000]) {
    it(`an echo responder in JavaScript answers ping (busyPollUs ${busyPollUs})`, async () => {
      await withLink({ busyPollUs }, async (link, receiver) => {
        receiver.onBatch = () => {
          for (const packet of receiver.packets.splice(0)) {
            const reply = echoReply(packet);
            if (reply !== null) sendWhole(link, reply);
          }
          link.flush();
        };
        link.start(receiver);
        const ping = await namespace.execute('ping', '-n', '-c', '3', '-i', '0.01', '-W', '5', STACK);
        assert.match(ping.stdout, /3 packets transmitted, 3 received, 0% packet loss/);
        const flood = await namespace.execute('ping', '-n', '-q', '-f', '-c', '2000', '-W', '5', STACK);
        assert.match(flood.stdout, /2000 packets transmitted, 2000 received/);
        assert.equal(link.stats.packetsOut, 2003);
      });
    });
  }

  /** A UDP socket of the kernel, and what it got. */
  async function withSink(body: (got: Datagram[]) => Promise<void>) {
    const sink = namespace.fork(udpPeer, 'sink', '10.9.0.1');
    try {
      const got: Datagram[] = [];
      await once(sink, 'message');
      sink.on('message', (datagram) => got.push(datagram as Datagram));
      await body(got);
    } finally {
      await stop(sink);
    }
  }

  /** Cuts `payload` into `count` pieces that lie in buffers of their own, away from their beginnings. */
  function cut(payload: Uint8Array, count: number): PayloadPieces {
    const pieces = new PayloadPieces();
    for (let i = 0; i < count; i++) {
      const from = Math.floor((payload.length * i) / count);
      const to = Math.floor((payload.length * (i + 1)) / count);
      const buffer = new Uint8Array(to - from + 7).fill(0xee);
      buffer.set(payload.subarray(from, to), 3);
      pieces.add(buffer, 3, to - from);
    }
    return pieces;
  }

  it('gathers a packet from 0 to 1400 pieces, byte-exact, up to the MTU', async () => {
    await withLink({}, (link) =>
      withSink(async (got) => {
        const expected: Datagram[] = [];
        const cases: [size: number, pieces: number][] = [[0, 0]];
        for (const size of [1, 2, 63, 64, 65, 128, 700, 1471, 1472]) {
          for (const pieces of [1, 2, 3, 4, 5, 16, 17]) if (pieces <= size) cases.push([size, pieces]);
        }
        cases.push([1400, 1400]);
        for (const [i, [size, count]] of cases.entries()) {
          const payload = pattern(size, i);
          const header = udpHeader(size, UDP_PORT);
          const shifted = new Uint8Array(40);
          shifted.set(header, 5);
          assert.equal(
            link.send(link.packetIds.next(), shifted, 5, 28, count > 0 ? cut(payload, count) : null),
            true,
          );
          shifted.fill(0xdd); // The header was copied; only payload is referenced.
          if (i % 3 === 0) link.flush();
          expected.push({ length: size, sha256: sha256(payload) });
        }
        link.flush();
        await until(`${expected.length} datagrams`, () => got.length === expected.length);
        assert.deepEqual(got, expected);
        assert.equal(link.stats.dropped, 0);
      }),
    );
  });

  it('gathers at MTU 65535', async () => {
    await withLink({ mtu: 65_535 }, (link) =>
      withSink(async (got) => {
        const payload = pattern(65_507, 7);
        for (const count of [1, 5, 40]) {
          assert.equal(link.send(1, udpHeader(payload.length, UDP_PORT), 0, 28, cut(payload, count)), true);
          link.flush();
          const wanted = got.length + 1;
          await until('the datagram', () => got.length >= wanted);
          assert.deepEqual(got.at(-1), { length: payload.length, sha256: sha256(payload) });
        }
      }),
    );
  });

  it('takes shared and many distinct buffers in one flush', async () => {
    await withLink({}, (link) =>
      withSink(async (got) => {
        const shared = pattern(50_000, 3);
        const expected: string[] = [];
        for (let i = 0; i < 40; i++) {
          const pieces = new PayloadPieces();
          pieces.add(shared, i * 1000, 700);
          const own = pattern(300, 100 + i);
          pieces.add(own, 0, 300);
          link.send(link.packetIds.next(), udpHeader(1000, UDP_PORT), 0, 28, pieces);
          const whole = new Uint8Array(1000);
          whole.set(shared.subarray(i * 1000, i * 1000 + 700));
          whole.set(own, 700);
          expected.push(sha256(whole));
        }
        link.flush();
        await until('40 datagrams', () => got.length === 40);
        assert.deepEqual(
          got.map((datagram) => datagram.sha256),
          expected,
        );
      }),
    );
  });

  it('takes 10,000 packets each way: every echo request comes back once, in order', async () => {
    await withLink({}, async (link, receiver) => {
      link.start(receiver);
      const total = 10_000;
      for (let n = 0; n < total; n++) {
        assert.equal(sendWhole(link, echoRequest(77, n, pattern(40, n))), true);
        if (n % 100 === 99) link.flush();
      }
      link.flush();
      await until('10,000 replies', () => receiver.packets.length === total);
      for (const [n, packet] of receiver.packets.entries()) {
        assert.equal(packet[20], 0, 'type: echo reply');
        assert.equal(new DataView(packet.buffer).getUint16(26), n);
        assert.deepEqual(packet.subarray(28), pattern(40, n));
      }
      assert.deepEqual(link.stats, {
        packetsIn: total,
        packetsOut: total,
        bytesIn: total * 68,
        bytesOut: total * 68,
        dropped: 0,
      });
      assert.ok(receiver.largestBatch <= 256);
      assert.ok(receiver.batches >= Math.ceil(total / 256));
    });
  });

  it('takes 10,000 datagrams from a sender in another process without loss', async () => {
    await withLink({}, async (link, receiver) => {
      link.start(receiver);
      const source = namespace.fork(udpPeer, 'source', STACK, '10000', '1000');
      try {
        await until('10,000 datagrams', () => receiver.packets.length === 10_000);
        receiver.packets.forEach((packet, n) => {
          assert.equal(packet.length, 1028);
          assert.equal(new DataView(packet.buffer).getUint32(28), n);
        });
        assert.equal(receiver.ids.at(-1), 10_000);
      } finally {
        await stop(source);
      }
    });
  });

  it('flushes by itself when its arena is full, and refuses nothing while the kernel takes packets', async () => {
    await withLink({}, async (link) => {
      for (let n = 0; n < 9000; n++)
        assert.equal(sendWhole(link, echoRequest(1, n, new Uint8Array(0))), true);
      assert.ok(link.stats.packetsOut > 0);
      link.flush();
      assert.equal(link.stats.packetsOut, 9000);
    });
  });

  it('counts packets that make no sense, and sends those behind them', async () => {
    await withLink({}, (link) =>
      withSink(async (got) => {
        const detached = new PayloadPieces();
        const buffer = new Uint8Array(1000);
        detached.add(buffer, 0, 1000);
        sendWhole(link, new Uint8Array(20).fill(0xff)); // no IP version: EINVAL
        sendWhole(link, new Uint8Array(0));
        link.send(0, udpHeader(1000, UDP_PORT), 0, 28, detached);
        structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
        sendWhole(link, new Uint8Array(600_000));
        sendWhole(link, Uint8Array.of(...udpHeader(1, UDP_PORT), 42));
        link.flush();
        await until('the good datagram', () => got.length === 1);
        assert.equal(got[0]!.sha256, sha256(Uint8Array.of(42)));
        assert.equal(link.stats.dropped, 4);
        assert.equal(link.stats.packetsOut, 1);
        assert.equal(link.writable, true);
      }),
    );
  });

  it('pause holds packets in the kernel, pull fetches them at once, resume delivers the rest', async () => {
    await withLink({}, async (link, receiver) => {
      link.start(receiver);
      link.pause();
      for (let n = 0; n < 5; n++) sendWhole(link, echoRequest(9, n, new Uint8Array(8)));
      link.flush();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(receiver.packets.length, 0);
      assert.equal(link.pull(), 5);
      assert.equal(receiver.packets.length, 5);
      assert.equal(link.pull(), 0);
      for (let n = 5; n < 8; n++) sendWhole(link, echoRequest(9, n, new Uint8Array(8)));
      link.flush();
      link.resume();
      await until('the rest', () => receiver.packets.length === 8);
    });
  });

  const needs = !hasTool('nft') || !hasTool('tc') ? 'needs nft and tc' : false;
  it('a full kernel queue: writable turns false, nothing is lost, and writable() follows', {
    skip: needs,
  }, async (t) => {
    // What is written to full0 is forwarded, still charged to its sender, into a queue in front of full1 that hands out
    // nothing for minutes. Once that queue is taken away, the rest flows.
    await withLink({ name: 'full0', sendBufferBytes: 20_000 }, async (link, receiver) => {
      await withLink({ name: 'full1', hostAddress: '10.8.0.1/24' }, async (far, farReceiver) => {
        link.start(receiver);
        far.start(farReceiver);
        try {
          namespace.run('nft', 'add', 'table', 'netdev', 't');
          const chain = '{ type filter hook ingress device "full0" priority 0; }';
          namespace.run('nft', 'add', 'chain', 'netdev', 't', 'c', chain);
          namespace.run('nft', 'add', 'rule', 'netdev', 't', 'c', 'fwd', 'to', '"full1"');
          const bucket = ['tbf', 'rate', '8bit', 'burst', '1600', 'limit', '10000000'];
          namespace.run('tc', 'qdisc', 'add', 'dev', 'full1', 'root', ...bucket);
        } catch (error) {
          return t.skip(`this kernel lacks nft fwd or tbf: ${error}`);
        }
        const payload = new Uint8Array(1000);
        let taken = 0;
        while (link.writable && taken < 1000) {
          const pieces = new PayloadPieces();
          payload.set(pattern(1000, taken));
          new DataView(payload.buffer).setUint32(0, taken);
          pieces.add(payload, 0, payload.length);
          for (let burst = 0; burst < 10; burst++) link.send(taken, udpHeader(1000, 9), 0, 28, pieces);
          taken += 10;
          link.flush();
          payload.fill(0xaa); // Only `flush` may look at it: the link must have its own copies now.
        }
        assert.equal(link.writable, false, 'the kernel took everything');
        const kept = taken - link.stats.packetsOut;
        assert.ok(kept > 0 && kept <= 10, `${kept} packets kept`);
        assert.equal(link.send(0, udpHeader(0, 9), 0, 28, null), false, 'refused while it waits');
        assert.equal(receiver.writableCalls, 0);
        namespace.run('tc', 'qdisc', 'del', 'dev', 'full1', 'root');
        await until('writable()', () => receiver.writableCalls > 0);
        assert.equal(receiver.writableCalls, 1);
        assert.equal(link.writable, true);
        assert.equal(link.stats.packetsOut, taken);
        assert.equal(link.stats.dropped, 0);
        await until('the kept packets', () => farReceiver.packets.length >= kept);
        const last = farReceiver.packets.at(-1)!;
        assert.equal(new DataView(last.buffer).getUint32(28), taken - 10);
        assert.deepEqual(
          last.subarray(32),
          pattern(1000, taken - 10).subarray(4),
          'payload as it was at flush',
        );
      });
    });
  });
});
