import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../../src/stack/clock.js';
import { State } from '../../../src/tcp/state.js';
import { MacAddress } from '../../../src/wire/mac.js';
import { writeNeighborAdvertisement, writeNeighborSolicitation } from '../../../src/wire/ndp.js';
import { ip, PEER } from '../test-link.js';
import {
  arpFrame,
  ethernetStack,
  FrameLink,
  Hub,
  mac,
  ndpFrame,
  OTHER_MAC,
  OWN,
  PEER_MAC,
} from './ethernet-bench.js';

const ALL_NODES = ip('ff02::1');
const ALL_NODES_MAC = MacAddress.ofIpv6Group(1);
const GROUP_MAC = MacAddress.ofIpv6Group(0xff000002 | 0);

/** The advertisement of a station that has our IPv6 address. */
const isTaken = ndpFrame(ALL_NODES_MAC, OTHER_MAC, (bytes, view) =>
  writeNeighborAdvertisement(bytes, view, 0, ip('fd00:9::2'), ALL_NODES, OTHER_MAC, false, true),
);

const only4 = { addresses: ['10.9.0.2/24'] };
const only6 = { addresses: ['fd00:9::2/64'], gateway: 'fd00:9::1' };

describe('claiming addresses', () => {
  it('RFC 5227 §2.1.1 §2.3, strict: three probes, two seconds of silence, two announcements; used no sooner', async () => {
    const { stack, link, pass } = ethernetStack({ ...only4, duplicateDetection: 'strict' });
    assert.deepEqual(stack.addresses, []);
    let elapsed = 0;
    const probed: number[] = [];
    const said: string[] = [];
    while (stack.addresses.length === 0 && elapsed < 8000) {
      // A question about an address that is not ours yet is not answered.
      link.inject(arpFrame({ from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }));
      for (const text of pass(100)) {
        said.push(text);
        if (text === 'all: arp probe 10.9.0.2') probed.push(elapsed);
      }
      elapsed += 100;
    }
    assert.deepEqual(said, [...new Array(3).fill('all: arp probe 10.9.0.2'), 'all: arp announce 10.9.0.2']);
    assert.ok(probed[0]! <= 1000);
    for (const i of [1, 2])
      assert.ok(probed[i]! - probed[i - 1]! >= 900 && probed[i]! - probed[i - 1]! <= 2100);
    assert.ok(elapsed - probed[2]! >= 2000, 'then it waits for objections');
    await stack.ready;
    assert.deepEqual(pass(2200), ['all: arp announce 10.9.0.2']);
  });

  it('RFC 4862 §5.4, strict: one solicitation from nowhere, a second of silence, then it is told', () => {
    const { stack, pass } = ethernetStack({ ...only6, duplicateDetection: 'strict' });
    const asked = pass(1000).filter((text) => text.includes(' ns '));
    assert.deepEqual(asked, [`${GROUP_MAC}: ns fd00:9::2 from ::`]);
    assert.deepEqual(stack.addresses, []);
    assert.deepEqual(pass(1000), [`${ALL_NODES_MAC}: na fd00:9::2 override`]);
    assert.deepEqual(stack.addresses.map(String), ['fd00:9::2']);
  });

  it('optimistic: asks, and uses the address meanwhile', () => {
    const { stack, link, pass } = ethernetStack({ ...only4, duplicateDetection: 'optimistic' });
    stack.connect({ remote: PEER, remotePort: 80 }, null);
    assert.deepEqual(pass(0), ['all: arp probe 10.9.0.2', 'all: arp who-has 10.9.0.1 tell 10.9.0.2']);
    link.inject(arpFrame({ operation: 'reply', from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }));
    assert.deepEqual(pass(100), [`${PEER_MAC}: tcp 10.9.0.2 > 10.9.0.1 SYN`, 'all: arp announce 10.9.0.2']);
    const later = pass(10_000).filter((text) => /arp (probe|announce)/.test(text));
    assert.deepEqual(later, [
      'all: arp probe 10.9.0.2',
      'all: arp probe 10.9.0.2',
      'all: arp announce 10.9.0.2',
    ]);
  });

  it('does not claim loopback addresses', () => {
    const { pass } = ethernetStack({
      addresses: ['127.0.0.1/8', '::1/128'],
      duplicateDetection: 'optimistic',
    });
    assert.deepEqual(
      pass(10_000).filter((text) => !text.includes('rs from')),
      [],
    );
  });
});

describe('another station has the address', () => {
  for (const mode of ['optimistic', 'strict'] as const) {
    it(`${mode}: it is given up and reported while it is in question`, async () => {
      const { stack, link, pass, notices, stats } = ethernetStack({ ...only4, duplicateDetection: mode });
      pass(1000);
      link.inject(arpFrame({ operation: 'reply', from: OTHER_MAC, sender: '10.9.0.2', target: '0.0.0.0' }));
      await stack.ready;
      assert.deepEqual(stack.addresses, []);
      assert.equal(stats.addressConflicts, 1);
      assert.match(
        notices[0]!,
        /^EADDRINUSE: address 10.9.0.2 is also used by the station 02:00:00:00:00:99/,
      );
      assert.deepEqual(pass(20_000), [], 'nothing is said about it any more');
    });
  }

  it('RFC 4862 §5.4.4: an advertisement of it ends an IPv6 address in question', () => {
    const { stack, link, notices, pass } = ethernetStack({ ...only6, duplicateDetection: 'optimistic' });
    pass(500);
    link.inject(isTaken);
    assert.deepEqual(stack.addresses, []);
    assert.match(notices[0]!, /fd00:9::2 is also used by the station 02:00:00:00:00:99/);
  });

  it('RFC 4862 §5.4.3: so does another who asks for it at the same time', () => {
    const { stack, link, pass } = ethernetStack({ ...only6, duplicateDetection: 'strict' });
    pass(1000);
    const asks = ndpFrame(GROUP_MAC, OTHER_MAC, (bytes, view) =>
      writeNeighborSolicitation(bytes, view, 0, ip('::'), ip('ff02::1:ff00:2'), ip('fd00:9::2'), null),
    );
    link.inject(asks);
    pass(10_000);
    assert.deepEqual(stack.addresses, []);
  });

  it('RFC 5227 §2.4: an address in use is defended once in ten seconds, and given up at the second objection', () => {
    const { stack, link, pass, notices } = ethernetStack({ ...only4, duplicateDetection: 'optimistic' });
    pass(20_000);
    const endpoint = stack.connect({ remote: PEER, remotePort: 80 }, null);
    pass(0);
    const objection = arpFrame({ from: OTHER_MAC, sender: '10.9.0.2', target: '10.9.0.2' });
    link.inject(objection);
    assert.deepEqual(pass(0), ['all: arp announce 10.9.0.2']);
    assert.match(notices[0]!, /has defended it/);
    pass(11_000);
    link.inject(objection);
    assert.deepEqual(stack.addresses.map(String), ['10.9.0.2']);
    pass(5000);
    link.inject(objection);
    assert.match(notices.at(-1)!, /has given it up/);
    assert.deepEqual(stack.addresses, []);
    assert.equal(endpoint.connection.state, State.CLOSED);
    link.inject(arpFrame({ from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }));
    assert.deepEqual(pass(1000), [], 'nobody is answered for it any more');
  });

  it('leaves the other addresses alone', () => {
    const { stack, link } = ethernetStack({
      addresses: ['10.9.0.2/24', '10.9.0.3/24'],
      duplicateDetection: 'optimistic',
    });
    link.inject(arpFrame({ operation: 'reply', from: OTHER_MAC, sender: '10.9.0.2', target: '0.0.0.0' }));
    assert.deepEqual(stack.addresses.map(String), ['10.9.0.3']);
  });
});

describe('two stacks on one hub', () => {
  it('the second one to take an address finds out, the first keeps it', () => {
    const clock = new VirtualClock(1000);
    const hub = new Hub(clock);
    const addresses = ['10.9.0.2/24', 'fd00:9::2/64'];
    const options = { clock, addresses, duplicateDetection: 'strict' as const };
    const first = ethernetStack(options, hub.port(mac('02:00:00:00:00:0a')));
    clock.advance(20_000);
    const second = ethernetStack(options, hub.port(mac('02:00:00:00:00:0b')));
    clock.advance(20_000);
    assert.deepEqual(first.stack.addresses.map(String), ['10.9.0.2', 'fd00:9::2']);
    assert.deepEqual(second.stack.addresses, []);
    assert.equal(second.notices.length, 2);
    for (const notice of second.notices) assert.match(notice, /02:00:00:00:00:0a/);
    assert.deepEqual(first.notices, []);
  });

  it('speak to each other over IPv4 and IPv6', () => {
    const clock = new VirtualClock(1000);
    const hub = new Hub(clock);
    const base = { clock, duplicateDetection: 'optimistic' as const };
    const a = ethernetStack({ ...base, addresses: ['10.9.0.2/24', 'fd00:9::2/64'] }, hub.port(OWN));
    const b = ethernetStack({ ...base, addresses: ['10.9.0.1/24', 'fd00:9::1/64'] }, hub.port(PEER_MAC));
    b.stack.listen({ address: null, port: 80 }, { onAcceptable: (listener) => void listener.accept() });
    for (const remote of [PEER, ip('fd00:9::1')]) {
      const endpoint = a.stack.connect({ remote, remotePort: 80 }, null);
      clock.advance(10);
      assert.equal(endpoint.connection.state, State.ESTABLISHED);
    }
    assert.deepEqual([...a.notices, ...b.notices], []);
  });
});

it('a link without an address of its own gets a random, locally administered one', () => {
  const link = new FrameLink();
  Object.defineProperty(link, 'ethernet', { value: undefined });
  const seen = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const address = MacAddress.random(Uint8Array.from({ length: 6 }, (_, at) => i * 41 + at * 7));
    assert.equal(address.isGroup, false);
    assert.equal((address.high >>> 9) & 1, 1);
    seen.add(String(address));
  }
  assert.equal(seen.size, 20);
});
