// Links of Ethernet frames on real interfaces of a namespace: what they refuse, what crosses the filter, VLANs, shared MAC
// addresses, and the end of an interface.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { capAborts } from '../../src/link/cap-package.js';
import { type EthernetLinkOptions, ethernetLink } from '../../src/link/ethernet.js';
import { tapLink } from '../../src/link/tap.js';
import { offloadsOn, switchOffloadsOff } from '../../src/native/host-interface.js';
import { loadBinding } from '../../src/native/load.js';
import { type Link, type LinkNotice, NO_OFFLOAD, PacketHint } from '../../src/stack/link.js';
import { IpAddress } from '../../src/wire/address.js';
import { pseudoHeader4 } from '../../src/wire/checksum.js';
import { EtherType } from '../../src/wire/ethernet.js';
import { MacAddress } from '../../src/wire/mac.js';
import { buildTcpPacket, decodePacket } from '../../src/wire/packet.js';
import { SYN } from '../../src/wire/segment.js';
import { RecordingReceiver } from '../native/recording-receiver.js';
import { execute, hasTool, TestNamespace, until, whyNoDevices } from '../native/test-namespace.js';
import { arpFrame, EVERYBODY, frame, describe as inWords } from '../stack/ethernet/ethernet-bench.js';

const skip = whyNoDevices();

const DRIVERS = ['packet', 'pcap'] as const;

/** A namespace with a pair of devices, `left` and `right`, on which the kernel itself is silent. */
function namespaceWithCable(): TestNamespace {
  const namespace = new TestNamespace();
  namespace.ip('link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right');
  for (const device of ['left', 'right']) {
    namespace.run('sysctl', '-qw', `net.ipv6.conf.${device}.disable_ipv6=1`);
    namespace.ip('link', 'set', device, 'up');
  }
  return namespace;
}

for (const driver of DRIVERS)
  describe(`Ethernet links by ${driver}`, { skip }, () => {
    let namespace: TestNamespace;
    before(() => {
      namespace = namespaceWithCable();
    });
    after(() => namespace.remove());

    const open = (options: Partial<EthernetLinkOptions> = {}) =>
      ethernetLink({ driver, interface: 'left', netns: namespace.name, ...options });

    /** Opens both ends for the duration of `body`. */
    async function withPair(
      left: Partial<EthernetLinkOptions>,
      right: Partial<EthernetLinkOptions>,
      body: (left: Awaited<ReturnType<typeof open>>, right: Link, got: RecordingReceiver) => Promise<void>,
    ): Promise<void> {
      const here = await open(left);
      const there = await open({ interface: 'right', ...right });
      const got = new RecordingReceiver();
      here.start(got);
      there.start(new RecordingReceiver());
      try {
        await body(here, there, got);
      } finally {
        await here.close();
        await there.close();
      }
    }

    const send = (link: Link, bytes: Uint8Array) => {
      assert.ok(link.send(link.packetIds.next(), bytes, 0, bytes.length, null));
      link.flush();
    };

    it('tell the MTU, a MAC address of their own and the filter', async () => {
      const link = await open();
      assert.equal(link.mtu, 1500);
      assert.equal(link.medium, 'ethernet');
      assert.equal((link.ethernet.mac.high >>> 9) & 1, 1, 'locally administered');
      assert.match(link.filter, new RegExp(`^\\(ether dst ${link.ethernet.mac} or .*not ether src`));
      await link.close();
      await link.close();
    });

    for (const [what, options, code, message] of [
      ['an interface that is not there', { interface: 'nowhere' }, 'ENODEV', /ip link/],
      ['an interface that is down', { interface: 'idle' }, 'ENETDOWN', /ip link set dev idle up/],
      ['an interface of another kind', { interface: 'lo' }, 'ERR_SYNWAVE_ETHERNET_MEDIUM', /kind loopback/],
      ['an impossible name', { interface: 'a/b' }, 'ERR_SYNWAVE_TUN_NAME', /interface/],
      ['a namespace that is not there', { netns: 'no-such-namespace' }, 'ENOENT', /ip netns add/],
      ['a MAC address that is none', { mac: '02:00' }, 'ERR_INVALID_ARG_VALUE', /02:00:00:00:00:01/],
      ['a MAC address of a group', { mac: '01:00:5e:00:00:01' }, 'ERR_INVALID_ARG_VALUE', /cannot be/],
      ['a VLAN that is none', { vlan: 4095 }, 'ERR_OUT_OF_RANGE', /1 to 4094/],
      ['a driver that is none', { driver: 'other' as 'pcap' }, 'ERR_INVALID_ARG_VALUE', /packet or pcap/],
      ['a buffer that is too small', { bufferBytes: 10 }, 'ERR_OUT_OF_RANGE', /bufferBytes/],
      [
        'to share a MAC address with unknown IP addresses',
        { mac: 'interface' },
        'ERR_SYNWAVE_ETHERNET_ADDRESS',
        /addresses/,
      ],
    ] as const) {
      it(`refuse ${what}`, async () => {
        if (!namespace.has('idle')) namespace.ip('tuntap', 'add', 'idle', 'mode', 'tap');
        await assert.rejects(open(options), { code, message });
      });
    }

    it('hear ARP to everybody, neighbour discovery, and what is for them; nothing else crosses', async () => {
      await withPair({ mac: '02:00:00:00:00:0a' }, { mac: '02:00:00:00:00:0b' }, async (left, right, got) => {
        const peer = right.ethernet!.mac;
        const packet = segmentTo('10.9.0.2');
        send(right, frame(MacAddress.parse('02:00:00:00:00:0c')!, peer, EtherType.IPV4, packet));
        send(right, frame(EVERYBODY, peer, EtherType.IPV4, packet));
        send(right, frame(EVERYBODY, peer, 0x88cc, packet));
        send(right, frame(left.ethernet.mac, left.ethernet.mac, EtherType.IPV4, packet));
        send(right, arpFrame({ from: peer, sender: '10.9.0.1', target: '10.9.0.7' }));
        send(right, frame(left.ethernet.mac, peer, EtherType.IPV4, packet));
        await until('both came', () => got.packets.length >= 2);
        assert.deepEqual(
          got.packets.map((bytes) => inWords(bytes)),
          ['all: arp who-has 10.9.0.7 tell 10.9.0.1', '02:00:00:00:00:0a: tcp 10.9.0.1 > 10.9.0.2 SYN'],
        );
      });
    });

    it('IEEE 802.1Q: frames of their VLAN cross the filter with their tag, others do not', async () => {
      await withPair({ vlan: 7 }, {}, async (left, right, got) => {
        const peer = right.ethernet!.mac;
        const question = { from: peer, sender: '10.9.0.1', target: '10.9.0.2' };
        send(right, arpFrame(question));
        send(right, arpFrame({ ...question, vlan: 8 }));
        send(right, arpFrame({ ...question, vlan: 7 }));
        send(right, frame(left.ethernet.mac, peer, EtherType.IPV4, segmentTo('10.9.0.2'), 7));
        await until('both came', () => got.packets.length >= 2);
        assert.deepEqual(
          got.packets.map((bytes) => inWords(bytes)),
          [
            'all vlan 7: arp who-has 10.9.0.2 tell 10.9.0.1',
            `${left.ethernet.mac} vlan 7: tcp 10.9.0.1 > 10.9.0.2 SYN`,
          ],
        );
      });
    });

    it('share the interface’s MAC address when asked to, and hear only packets to their IP addresses', async () => {
      const addresses = ['10.9.0.2/24', 'fd00:9::2'];
      await withPair({ mac: 'interface', addresses }, {}, async (left, right, got) => {
        const peer = right.ethernet!.mac;
        const shared = MacAddress.parse(macOf(namespace, 'left'))!;
        assert.equal(String(left.ethernet.mac), String(shared));
        for (const to of ['10.9.0.3', '10.9.0.2', 'fd00:9::3', 'fd00:9::2']) {
          const type = to.includes(':') ? EtherType.IPV6 : EtherType.IPV4;
          send(right, frame(shared, peer, type, segmentTo(to)));
        }
        await until('both came', () => got.packets.length >= 2);
        assert.deepEqual(
          got.packets.map((bytes) => inWords(bytes).replace(/.* > /, '')),
          ['10.9.0.2 SYN', 'fd00:9::2 SYN'],
        );
      });
    });

    it('carry frames of every length that the MTU allows, from pieces', async () => {
      await withPair({}, {}, async (left, right, got) => {
        const peer = right.ethernet!.mac;
        for (const length of [0, 1, 46, 100, 1499, 1500]) {
          send(right, frame(left.ethernet.mac, peer, EtherType.ARP, new Uint8Array(length).fill(length)));
        }
        await until('all came', () => got.packets.length >= 6);
        const lengths = got.packets.map((bytes) => bytes.length);
        assert.deepEqual(lengths, [60, 60, 60, 114, 1513, 1514]);
      });
    });

    // With driver `packet` the frames of one turn leave together.
    if (driver === 'pcap') {
      it('ask to be spared after some hundred frames of one turn, and go on in the next', async () => {
        const link = await open();
        const got = new RecordingReceiver();
        link.start(got);
        const bytes = arpFrame({ from: link.ethernet.mac, sender: '10.9.0.2', target: '10.9.0.1' });
        let sent = 0;
        while (link.send(link.packetIds.next(), bytes, 0, bytes.length, null)) sent++;
        assert.equal(sent, 256);
        assert.equal(link.writable, false);
        await until('it goes on', () => got.writableCalls === 1);
        assert.ok(link.send(link.packetIds.next(), bytes, 0, bytes.length, null));
        await link.close();
      });
    }

    it('count and survive what the kernel refuses to send', async () => {
      const link = await open();
      link.start(new RecordingReceiver());
      const tooLong = new Uint8Array(2000);
      assert.ok(link.send(1, tooLong, 0, tooLong.length, null), 'it would not get better by waiting');
      link.flush();
      assert.equal(link.stats.dropped, 1);
      assert.equal(link.writable, true);
      await link.close();
      assert.equal(link.writable, false);
    });

    it('end with their interface, unless the package was compiled to abort', {
      skip:
        driver === 'pcap' &&
        capAborts() &&
        'the package cap has its assertions: CXXFLAGS=-DNDEBUG npm rebuild cap',
    }, async () => {
      namespace.ip('link', 'add', 'brief', 'type', 'veth', 'peer', 'name', 'life');
      namespace.ip('link', 'set', 'brief', 'up');
      const link = await open({ interface: 'brief' });
      const got = new RecordingReceiver();
      link.start(got);
      namespace.ip('link', 'del', 'brief');
      await until('it is noticed', () => got.failures.length > 0);
      assert.match(String(got.failures[0]), /interface brief was deleted/);
      assert.equal(link.writable, false);
      await link.close();
    });

    it('end at the first send when their interface is down', {
      skip:
        driver === 'pcap' &&
        capAborts() &&
        'the package cap has its assertions: CXXFLAGS=-DNDEBUG npm rebuild cap',
    }, async () => {
      namespace.ip('link', 'add', 'drowsy', 'type', 'veth', 'peer', 'name', 'asleep');
      namespace.ip('link', 'set', 'drowsy', 'up');
      const link = await open({ interface: 'drowsy' });
      const got = new RecordingReceiver();
      link.start(got);
      namespace.ip('link', 'set', 'drowsy', 'down');
      const question = arpFrame({ from: link.ethernet.mac, sender: '10.9.0.2', target: '10.9.0.1' });
      send(link, question);
      await until('it is noticed', () => got.failures.length > 0);
      assert.match(String(got.failures[0]), /interface drowsy is down. Remedy: ip link set dev drowsy up/);
      await link.close();
    });
  });

describe('Ethernet links by packet sockets', { skip }, () => {
  let namespace: TestNamespace;
  before(() => {
    namespace = namespaceWithCable();
  });
  after(() => namespace.remove());

  const open = (options: Partial<EthernetLinkOptions> = {}) =>
    ethernetLink({ interface: 'left', netns: namespace.name, ...options });

  it('are what is opened where nothing else is asked for, and join and cut for the stack', async () => {
    const link = await open();
    assert.equal(link.driver, 'packet');
    assert.ok(link.offload.transmitChecksum && link.offload.maxSegmentationBytes > 60_000);
    await link.close();
    const plain = await open({ offload: false });
    assert.deepEqual(plain.offload, NO_OFFLOAD);
    await plain.close();
  });

  it('pass on what is to be cut, and say of it how it was joined and that its checksum is unfinished', async () => {
    const left = await open();
    const right = await open({ interface: 'right' });
    const got = new RecordingReceiver();
    const hints: number[] = [];
    left.start({
      receive: (batch) => {
        for (let i = 0; i < batch.count; i++) hints.push(batch.hints![i]!);
        got.receive(batch);
      },
      writable: () => {},
      failed: (error) => got.failed(error),
    });
    right.start(new RecordingReceiver());
    const payload = new Uint8Array(50_000).fill(7);
    const packet = segmentTo('10.9.0.2', payload);
    const bytes = frame(left.ethernet.mac, right.ethernet.mac, EtherType.IPV4, packet);
    const work = { family: 4, transportOffset: 34, segmentBytes: 1000 } as const;
    assert.ok(right.send(1, bytes, 0, bytes.length, null, work));
    assert.ok(right.send(2, bytes, 0, 60, null));
    right.flush();
    await until('both came', () => got.packets.length >= 2);
    assert.deepEqual(got.packets[0], bytes);
    assert.equal(hints[0]! & PacketHint.SEGMENT_BYTES, 1000);
    assert.ok(hints[0]! & PacketHint.UNFINISHED && hints[0]! & PacketHint.VERIFIED);
    assert.equal(hints[1]! & (PacketHint.UNFINISHED | PacketHint.SEGMENT_BYTES), 0);
    assert.equal(right.stats.bytesOut, bytes.length + 60);
    await left.close();
    await right.close();
  });

  it('cut and sum tagged frames themselves, which the kernel would not', async () => {
    const left = await open({ vlan: 7 });
    const right = await open({ interface: 'right', vlan: 7 });
    assert.ok(right.offload.transmitChecksum && right.offload.maxSegmentationBytes > 60_000);
    const got = new RecordingReceiver();
    left.start(got);
    right.start(new RecordingReceiver());
    const payload = Uint8Array.from({ length: 2500 }, (_, i) => i * 7);
    const packet = segmentTo('10.9.0.2', payload);
    const view = new DataView(packet.buffer, packet.byteOffset);
    view.setUint16(20 + 16, pseudoHeader4(view.getInt32(12), view.getInt32(16), 6, packet.length - 20));
    const bytes = frame(left.ethernet.mac, right.ethernet.mac, EtherType.IPV4, packet, 7);
    const work = { family: 4, transportOffset: 38, segmentBytes: 1000 } as const;
    assert.ok(right.send(1, bytes, 0, bytes.length, null, work));
    assert.ok(right.send(2, bytes, 0, 60, null));
    right.flush();
    assert.deepEqual([right.stats.packetsOut, right.stats.dropped], [4, 0]);
    await until('all came', () => got.packets.length >= 4);
    for (const each of got.packets.slice(0, 3)) {
      const segment = decodePacket(each.subarray(18));
      assert.ok(typeof segment === 'object' && segment.tcp?.checksumOk);
    }
    const parts = got.packets.slice(0, 3).map((each) => each.subarray(18 + 40));
    assert.deepEqual(Uint8Array.from(parts.flatMap((part) => [...part])), payload);
    assert.deepEqual(got.packets[3], bytes.slice(0, 60));
    await left.close();
    await right.close();
  });

  it('finish checksums for who declined offload', async () => {
    const left = await open();
    const right = await open({ interface: 'right' });
    left.declineOffload!();
    assert.deepEqual(left.offload, NO_OFFLOAD);
    const got = new RecordingReceiver();
    left.start(got);
    right.start(new RecordingReceiver());
    const whole = segmentTo('10.9.0.2', new Uint8Array(100).fill(3));
    const packet = Uint8Array.from(whole);
    // The sum of the pseudo header in place of the checksum.
    const view = new DataView(packet.buffer);
    const sum = pseudoHeader4(view.getInt32(12), view.getInt32(16), 6, packet.length - 20);
    view.setUint16(20 + 16, sum);
    const work = { family: 4, transportOffset: 34, segmentBytes: 0 } as const;
    const bytes = frame(left.ethernet.mac, right.ethernet.mac, EtherType.IPV4, packet);
    right.send(1, bytes, 0, bytes.length, null, work);
    right.flush();
    await until('it came', () => got.packets.length >= 1);
    assert.deepEqual(got.packets[0]!.subarray(14), whole);
    await left.close();
    await right.close();
  });

  it('hold a window of 16 MiB in frames of 1500 bytes while nobody reads, and count what they cannot hold', async () => {
    const left = await open();
    const small = await open({ bufferBytes: 1 << 17 });
    const right = await open({ interface: 'right' });
    const got = new RecordingReceiver();
    left.start(got);
    small.start(new RecordingReceiver());
    right.start(new RecordingReceiver());
    const bytes = frame(left.ethernet.mac, right.ethernet.mac, EtherType.IPV4, new Uint8Array(1500));
    const count = Math.ceil((16 * 1024 * 1024) / 1448);
    // All in this turn: meanwhile nobody reads.
    for (let i = 0; i < count; i++) {
      assert.ok(right.send(i, bytes, 0, bytes.length, null));
      if (i % 64 === 63) right.flush();
    }
    right.flush();
    assert.equal(right.stats.packetsOut, count);
    await until('all came', () => got.packets.length >= count);
    assert.equal(left.stats.dropped, 0);
    assert.equal(small.stats.packetsIn, 0, 'they are for another station');
    await small.close();
    const tight = await open({ bufferBytes: 1 << 17, mac: String(left.ethernet.mac) });
    tight.start(new RecordingReceiver());
    for (let i = 0; i < 1000; i++) right.send(i, bytes, 0, bytes.length, null);
    right.flush();
    await until('some have come', () => tight.stats.packetsIn > 0);
    await until('all are accounted for', () => tight.stats.packetsIn + tight.stats.dropped === 1000);
    assert.ok(tight.stats.dropped > 0);
    for (const link of [left, tight, right]) await link.close();
  });
});

describe('offloads of an interface', { skip }, () => {
  let namespace: TestNamespace;
  before(() => {
    namespace = new TestNamespace();
  });
  after(() => namespace.remove());

  it('offloads can be seen and switched off on a device of ours', { skip: !hasTool('ethtool') }, async () => {
    const { name } = namespace;
    const path = `/run/netns/${name}`;
    namespace.ip('link', 'add', 'fast', 'type', 'veth', 'peer', 'name', 'faster');
    // Whether a fresh veth has GRO on depends on the kernel.
    const isOn = (await offloadsOn('fast', path)).filter((offload) => offload !== 'gro');
    assert.deepEqual(isOn, ['tx', 'tso', 'gso']);
    await switchOffloadsOff('fast', path);
    assert.deepEqual(await offloadsOn('fast', path), []);
    await assert.rejects(switchOffloadsOff('nowhere', path), {
      code: 'ERR_SYNWAVE_TUN_CONFIG',
      message: /ethtool/,
    });
  });
});

describe('TAP devices', { skip }, () => {
  let namespace: TestNamespace;
  before(() => {
    namespace = new TestNamespace();
  });
  after(() => namespace.remove());

  it('carry frames between the kernel and us', async () => {
    const link = await tapLink({ name: 'tap0', netns: namespace.name, hostAddress: '10.9.0.1/24' });
    assert.equal(link.medium, 'ethernet');
    assert.equal(link.mtu, 1500);
    const got = new RecordingReceiver();
    link.start(got);
    const { mac } = link.ethernet!;
    const question = arpFrame({ from: mac, sender: '10.9.0.2', target: '10.9.0.1' });
    link.send(link.packetIds.next(), question, 0, question.length, null);
    link.flush();
    await until('the kernel answers', () => got.packets.length > 0);
    assert.equal(inWords(got.packets[0]!), `${mac}: arp 10.9.0.1 is-at ${macOf(namespace, 'tap0')}`);
    await link.close();
    assert.equal(namespace.has('tap0'), false);
  });

  it('keep a program alive while a strict stack waits for its addresses', async () => {
    const index = new URL('../../src/index.js', import.meta.url);
    const program = `
      import { createStack, tapLink } from '${index}';
      const link = await tapLink({ name: 'tap2', netns: '${namespace.name}' });
      const stack = await createStack({ link, addresses: ['fd00:9::2/64'], duplicateDetection: 'strict' });
      console.log(String(stack.core.addresses));
      await stack.close();`;
    const ended = await execute(process.execPath, ['--input-type=module', '-e', program]);
    assert.deepEqual([ended.status, ended.stdout], [0, 'fd00:9::2\n'], ended.stderr);
  });

  it('refuse what cannot be, naming the kind of device', async () => {
    const open = (options: object) => tapLink({ netns: namespace.name, ...options });
    await assert.rejects(open({ mtu: 65_535 }), { code: 'ERR_OUT_OF_RANGE', message: /65521/ });
    await assert.rejects(open({ mac: 'interface' }), { code: 'ERR_INVALID_ARG_VALUE' });
    namespace.ip('tuntap', 'add', 'ip0', 'mode', 'tun');
    await assert.rejects(open({ name: 'ip0' }), { code: 'EINVAL', message: /TAP device ip0.*not TAP/ });
  });

  it('end with their device', async () => {
    const link = await tapLink({ name: 'tap1', netns: namespace.name });
    const got = new RecordingReceiver();
    link.start(got);
    namespace.ip('link', 'del', 'tap1');
    await until('it is noticed', () => got.failures.length > 0);
    assert.match(String(got.failures[0]), /TAP device tap1 was deleted/);
    await link.close();
  });
});

function macOf(namespace: TestNamespace, device: string): string {
  const [{ address }] = JSON.parse(namespace.ip('-j', 'link', 'show', device)) as [{ address: string }];
  return address;
}

function segmentTo(text: string, payload = new Uint8Array(0)): Uint8Array {
  const destination = IpAddress.parse(text)!;
  const source = IpAddress.parse(destination.family === 4 ? '10.9.0.1' : 'fd00:9::1')!;
  return buildTcpPacket({
    source,
    sourcePort: 5000,
    destination,
    destinationPort: 80,
    flags: SYN,
    seq: 1,
    payload,
  });
}

describe('an addon that was compiled before it had packet sockets', { skip }, () => {
  const binding = skip === false ? (loadBinding() as { SocketPort?: unknown }) : {};
  const { SocketPort } = binding;
  let namespace: TestNamespace;
  before(() => {
    namespace = namespaceWithCable();
    delete binding.SocketPort;
  });
  after(() => {
    binding.SocketPort = SocketPort;
    namespace.remove();
  });

  it('gives way to libpcap, with a notice that names the remedy', async () => {
    const link = await ethernetLink({ interface: 'left', netns: namespace.name });
    try {
      assert.equal(link.driver, 'pcap');
      const notices: LinkNotice[] = [];
      link.start({
        receive() {},
        writable() {},
        failed() {},
        notice: (notice) => void notices.push(notice),
      });
      const [notice] = notices.filter(({ code }) => code === 'SYNWAVE_PCAP_FALLBACK');
      assert.match(notice!.message, /libpcap.*too old for packet sockets.*npm rebuild synwave/);
    } finally {
      await link.close();
    }
  });

  it('is refused where packet sockets are wanted', async () => {
    await assert.rejects(ethernetLink({ interface: 'left', netns: namespace.name, driver: 'packet' }), {
      code: 'ERR_SYNWAVE_NATIVE',
      message: /too old for packet sockets/,
    });
  });
});
