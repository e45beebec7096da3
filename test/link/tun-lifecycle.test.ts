// How a TUN link begins and ends: devices made, attached to, set up, down, deleted, closed. Traffic is tested in tun.test.ts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { tunLink } from '../../src/link/tun.js';
import { echoRequest, STACK, udpHeader } from '../native/packets.js';
import { RecordingReceiver } from '../native/recording-receiver.js';
import { hasTool, stop, TestNamespace, until, whyNoDevices } from '../native/test-namespace.js';
import { sendWhole, tunFixtures } from './tun-fixtures.js';

const skip = whyNoDevices();
const udpPeer = new URL('../native/udp-peer.js', import.meta.url);

describe('tunLink: life of a device', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  after(() => namespace?.remove());

  const { open, withLink } = tunFixtures(namespace);

  it('makes a device, sets it up and takes it away', async () => {
    const link = await open({ name: 'make0', mtu: 1400 });
    const [state] = JSON.parse(namespace.ip('-j', 'addr', 'show', 'dev', 'make0'));
    assert.equal(link.name, 'make0');
    assert.equal(link.medium, 'ip');
    assert.equal(link.mtu, 1400);
    assert.equal(link.persistent, false);
    assert.equal(link.index, state.ifindex);
    assert.equal(state.mtu, 1400);
    assert.equal(state.txqlen, 10_000);
    assert.ok(state.flags.includes('UP'));
    assert.deepEqual(
      state.addr_info.map((a: { local: string; prefixlen: number }) => `${a.local}/${a.prefixlen}`),
      ['10.9.0.1/24'],
      'one address, and no IPv6 link-local one',
    );
    assert.equal(namespace.run('cat', '/proc/sys/net/ipv6/conf/make0/disable_ipv6').trim(), '1');
    const closing = link.close();
    assert.equal(link.close(), closing, 'close is idempotent');
    await closing;
    assert.equal(namespace.has('make0'), false);
  });

  it('lets the kernel choose a name', async () => {
    await withLink({}, async (first) => {
      await withLink({ hostAddress: [] }, async (second) => {
        assert.match(first.name, /^syn\d+$/);
        assert.match(second.name, /^syn\d+$/);
        assert.notEqual(first.name, second.name);
      });
    });
  });

  it('accepts the namespace as a path, and one outside /run/netns through nsenter', async (t) => {
    await withLink({ netns: namespace.path, name: 'path0' }, async () => assert.ok(namespace.has('path0')));
    if (!hasTool('nsenter')) return t.skip('needs nsenter');
    const holder = namespace.fork(udpPeer, 'sink', '127.0.0.1');
    try {
      await once(holder, 'message');
      await withLink({ netns: `/proc/${holder.pid}/ns/net`, name: 'path1' }, async (link) => {
        assert.ok(namespace.has('path1'));
        assert.match(namespace.ip('addr', 'show', 'dev', 'path1'), /10\.9\.0\.1\/24/);
        assert.equal(link.netns, `/proc/${holder.pid}/ns/net`);
      });
    } finally {
      await stop(holder);
    }
  });

  it('carries IPv4 and IPv6 addresses, without a packet that nobody asked for', async () => {
    await withLink(
      { name: 'dual0', hostAddress: ['10.9.0.1/24', 'fd00:9::1/64'] },
      async (link, receiver) => {
        link.start(receiver);
        const [state] = JSON.parse(namespace.ip('-j', 'addr', 'show', 'dev', 'dual0'));
        const addresses = state.addr_info.map((a: { local: string }) => a.local);
        assert.deepEqual(addresses, ['10.9.0.1', 'fd00:9::1'], 'and no link-local address');
        const ping = namespace.execute('ping', '-6', '-n', '-c', '1', '-W', '1', 'fd00:9::2');
        const isEcho = (p: Uint8Array) => p[0]! >> 4 === 6 && p[6] === 58 && p[40] === 128;
        await until('the echo request over IPv6', () => receiver.packets.some(isEcho));
        const solicitations = receiver.packets.filter(
          (p) => p[0]! >> 4 === 6 && p[6] === 58 && p[40] === 133,
        );
        assert.equal(solicitations.length, 0, 'router solicitations');
        await ping;
      },
    );
  });

  it('attaches to a persistent device, leaves it as it is, and there', async () => {
    namespace.ip('tuntap', 'add', 'name', 'keep0', 'mode', 'tun');
    namespace.ip('link', 'set', 'dev', 'keep0', 'mtu', '1300');
    await assert.rejects(open({ name: 'keep0' }), {
      code: 'ERR_SYNWAVE_TUN_ADDRESS',
      message: /does not have the address 10\.9\.0\.1\/24\. Run: ip address add 10\.9\.0\.1\/24 dev keep0/,
    });
    namespace.ip('address', 'add', '10.9.0.1/24', 'dev', 'keep0');
    await assert.rejects(open({ name: 'keep0' }), /is down\. Run: ip link set dev keep0 up/);
    namespace.ip('link', 'set', 'dev', 'keep0', 'up');
    await assert.rejects(open({ name: 'keep0', mtu: 1500 }), /its MTU is 1300, not 1500/);
    for (let round = 0; round < 3; round++) {
      await withLink({ name: 'keep0' }, async (link, receiver) => {
        assert.equal(link.persistent, true);
        assert.equal(link.mtu, 1300);
        link.start(receiver);
        await namespace.execute('ping', '-n', '-c', '1', '-W', '0.1', STACK);
        await until('the echo request', () => receiver.packets.some((p) => p[9] === 1));
      });
      assert.ok(namespace.has('keep0'));
    }
    namespace.ip('link', 'delete', 'dev', 'keep0');
  });

  it('a device that is down drops packets, and works again when it is up', async () => {
    await withLink({ name: 'down0' }, async (link, receiver) => {
      link.start(receiver);
      namespace.ip('link', 'set', 'dev', 'down0', 'down');
      sendWhole(link, echoRequest(5, 1, new Uint8Array(8)));
      link.flush();
      assert.equal(link.stats.dropped, 1);
      assert.equal(link.writable, true);
      namespace.ip('link', 'set', 'dev', 'down0', 'up');
      sendWhole(link, echoRequest(5, 2, new Uint8Array(8)));
      link.flush();
      await until('the reply', () => receiver.packets.some((p) => p[9] === 1 && p[20] === 0));
      assert.deepEqual(receiver.failures, []);
      assert.equal(link.stats.packetsOut, 1);
    });
  });

  it('a deleted device: failed() once with ENODEV, found by the reader', async () => {
    await withLink({ name: 'dead0' }, async (link, receiver) => {
      link.start(receiver);
      namespace.ip('link', 'delete', 'dev', 'dead0');
      await until('failed()', () => receiver.failures.length > 0);
      assert.equal(sendWhole(link, echoRequest(5, 1, new Uint8Array(8))), false);
      link.flush();
      link.pull();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(receiver.failures.length, 1);
      assert.equal((receiver.failures[0] as NodeJS.ErrnoException).code, 'ENODEV');
      assert.match(receiver.failures[0]!.message, /dead0 was deleted/);
      assert.equal(link.writable, false);
    });
  });

  it('a deleted device: failed() once with ENODEV, found by the writer, after flush has returned', async () => {
    await withLink({ name: 'dead1' }, async (link, receiver) => {
      link.start(receiver);
      namespace.ip('link', 'delete', 'dev', 'dead1');
      sendWhole(link, echoRequest(5, 1, new Uint8Array(8)));
      link.flush();
      assert.equal(receiver.failures.length, 0, 'not from within flush');
      assert.equal(link.writable, false);
      assert.equal(link.stats.dropped, 1);
      await until('failed()', () => receiver.failures.length > 0);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(receiver.failures.length, 1);
      assert.equal((receiver.failures[0] as NodeJS.ErrnoException).code, 'ENODEV');
    });
  });

  it('close works when the device or its whole namespace is gone already', async () => {
    const other = new TestNamespace();
    const link = await tunLink({ netns: other.name, name: 'orphan0' });
    link.start(new RecordingReceiver());
    other.remove();
    await link.close();
    const lost = await open({ name: 'orphan1' });
    namespace.ip('link', 'delete', 'dev', 'orphan1');
    await lost.close();
  });

  it('close inside receive stops delivery', async () => {
    const link = await open({ name: 'inside0' });
    const receiver = new RecordingReceiver();
    let closing: Promise<void> | null = null;
    receiver.onBatch = () => {
      closing ??= link.close();
      assert.equal(link.pull(), 0);
      assert.equal(link.send(0, udpHeader(0, 9), 0, 28, null), false);
      link.flush();
      link.pause();
      link.resume();
      link.ref();
      link.unref();
    };
    for (let n = 0; n < 300; n++) sendWhole(link, echoRequest(1, n, new Uint8Array(0)));
    link.flush();
    link.start(receiver);
    await until('a batch', () => closing !== null);
    await closing;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(receiver.batches, 1);
    assert.equal(namespace.has('inside0'), false);
  });

  it('200 times open and close leave no descriptor and no device', async () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 200; round++) {
      // Without `ip` processes for each round: a persistent device without an address needs none.
      if (round === 0) namespace.ip('tuntap', 'add', 'name', 'cycle0', 'mode', 'tun');
      const link = await open({ name: 'cycle0', hostAddress: [] });
      link.start(new RecordingReceiver());
      await link.close();
    }
    namespace.ip('link', 'delete', 'dev', 'cycle0');
    for (let round = 0; round < 20; round++) await (await open({ name: 'cycle1' })).close();
    assert.equal(readdirSync('/proc/self/fd').length, before);
    assert.equal(namespace.has('cycle1'), false);
  });
});
