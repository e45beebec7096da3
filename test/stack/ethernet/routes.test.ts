import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { State } from '../../../src/tcp/state.js';
import { addRange, finish, pseudoHeader } from '../../../src/wire/checksum.js';
import { FRAME_HEADROOM } from '../../../src/wire/ethernet.js';
import { writeIpv6Header } from '../../../src/wire/ipv6.js';
import { encodeHeader } from '../../../src/wire/layout.js';
import { MacAddress } from '../../../src/wire/mac.js';
import { NdpType, ROUTER_ADVERTISEMENT, writeNeighborAdvertisement } from '../../../src/wire/ndp.js';
import { SYN } from '../../../src/wire/segment.js';
import { fromPeer, ip } from '../test-link.js';
import {
  arpFrame,
  ethernetStack,
  ipFrame,
  mac,
  ndpFrame,
  OTHER_MAC,
  OWN,
  PEER_MAC,
} from './ethernet-bench.js';

const ALL_NODES = ip('ff02::1');
const ALL_NODES_MAC = MacAddress.ofIpv6Group(1);
const FAR = ip('192.0.2.7');
const FAR6 = ip('2001:db8::7');
const ROUTER_A = 'fe80::a';
const ROUTER_B = 'fe80::b';
const MAC_A = mac('02:00:00:00:00:0a');
const MAC_B = mac('02:00:00:00:00:0b');

interface Advertised {
  router?: string;
  from?: MacAddress;
  lifetime?: number;
  /** 0 medium, 1 high, 3 low, as on the wire. */
  preference?: number;
  hopLimit?: number;
  reachableTime?: number;
  retransTimer?: number;
}

/** A router's advertisement with its MAC address in an option. */
function advertisement(fields: Advertised = {}): Uint8Array {
  const { router = ROUTER_A, from = MAC_A, lifetime = 1800, preference = 0, hopLimit = 255 } = fields;
  return ndpFrame(ALL_NODES_MAC, from, (bytes, view) => {
    const source = ip(router);
    const length = ROUTER_ADVERTISEMENT.span + 8;
    writeIpv6Header(bytes, view, 0, length, 58, source, ALL_NODES, hopLimit, 0, 0);
    encodeHeader(
      ROUTER_ADVERTISEMENT,
      {
        type: NdpType.ROUTER_ADVERTISEMENT,
        code: 0,
        checksum: 0,
        hopLimit: 64,
        flags: preference << 3,
        routerLifetime: lifetime,
        reachableTime: fields.reachableTime ?? 0,
        retransTimer: fields.retransTimer ?? 0,
      },
      bytes,
      40,
    );
    bytes.set([1, 1], 40 + ROUTER_ADVERTISEMENT.span);
    view.setUint16(40 + ROUTER_ADVERTISEMENT.span + 2, from.high);
    view.setInt32(40 + ROUTER_ADVERTISEMENT.span + 4, from.low);
    const sum = pseudoHeader(source, ALL_NODES, 58, length);
    view.setUint16(42, finish(addRange(sum, bytes, 40, length)));
    return 40 + length;
  });
}

describe('gateways and routes', () => {
  it('asks for the gateway, and sends it what is for hosts behind it', () => {
    const { stack, link, pass } = ethernetStack({ gateway: '10.9.0.1' });
    pass(20_000);
    stack.connect({ remote: FAR, remotePort: 80 }, null);
    assert.deepEqual(pass(0), ['all: arp who-has 10.9.0.1 tell 10.9.0.2']);
    link.inject(arpFrame({ operation: 'reply', from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }));
    assert.deepEqual(pass(0), [`${PEER_MAC}: tcp 10.9.0.2 > 192.0.2.7 SYN`]);
  });

  it('takes the longest prefix, on the link or behind another gateway', () => {
    const { port } = ethernetStack({
      gateway: ['10.9.0.1', 'fd00:9::1'],
      routes: [
        { destination: '192.0.2.0/24', gateway: '10.9.0.5' },
        { destination: '192.0.2.7/32', gateway: '10.9.0.6' },
        { destination: '198.51.100.0/24' },
        { destination: '10.9.0.128/25', gateway: '10.9.0.7' },
        { destination: '2001:db8::/32', gateway: 'fe80::7' },
      ],
    });
    const hop = (text: string) => String(port.routes.nextHop(ip(text)));
    assert.equal(hop('192.0.2.1'), '10.9.0.5');
    assert.equal(hop('192.0.2.7'), '10.9.0.6');
    assert.equal(hop('198.51.100.9'), '198.51.100.9');
    assert.equal(hop('10.9.0.77'), '10.9.0.77');
    assert.equal(hop('10.9.0.200'), '10.9.0.7', 'a longer prefix than the one on the link');
    assert.equal(hop('8.8.8.8'), '10.9.0.1');
    assert.equal(hop('2001:db8::7'), 'fe80::7');
    assert.equal(hop('2001:dc8::7'), 'fd00:9::1');
    assert.equal(hop('fe80::1234'), 'fe80::1234');
    assert.equal(hop('fd00:9::77'), 'fd00:9::77');
  });

  it('connect to what no route leads to fails at once with ENETUNREACH', () => {
    const { stack } = ethernetStack();
    const connect = () => stack.connect({ remote: FAR, remotePort: 80 }, null);
    assert.throws(connect, { code: 'ENETUNREACH', message: /no gateway is set up/ });
  });

  it('an answer to a host that no route leads to is counted and goes nowhere', () => {
    const { link, pass, stats } = ethernetStack();
    pass(20_000);
    link.inject(ipFrame(fromPeer({ source: FAR, flags: SYN, seq: 1 })));
    assert.deepEqual(pass(0), []);
    assert.equal(stats.outNoRoutes, 1);
  });

  for (const [what, options] of [
    ['a gateway that is not on the link', { gateway: '192.0.2.1' }],
    ['a gateway that is no address', { gateway: 'router' }],
    ['a gateway of the other family', { routes: [{ destination: '::/0', gateway: '10.9.0.1' }] }],
    ['a destination that is no prefix', { routes: [{ destination: '10.0.0.0/40', gateway: '10.9.0.1' }] }],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => ethernetStack(options), { code: 'EINVAL' });
    });
  }
});

describe('RFC 4861 §6.3: router advertisements', () => {
  const bench = (options = {}) => ethernetStack({ addresses: ['fd00:9::2/64'], ...options });

  it('§6.3.7: asks for routers three times, four seconds apart, and not with a default route set up', () => {
    const asked = bench()
      .pass(60_000)
      .filter((text) => text.includes('rs'));
    assert.deepEqual(asked, new Array(3).fill(`${MacAddress.ofIpv6Group(2)}: rs from fd00:9::2`));
    const other = bench({ gateway: 'fd00:9::1' }).pass(60_000);
    assert.deepEqual(
      other.filter((text) => text.includes('rs')),
      [],
    );
  });

  it('a router that advertised itself is the way to everywhere, for as long as it says', () => {
    const { stack, link, pass, port } = bench();
    pass(200);
    link.inject(advertisement({ lifetime: 100 }));
    assert.deepEqual(pass(0), []);
    stack.connect({ remote: FAR6, remotePort: 80 }, null);
    assert.deepEqual(pass(0), [`${MAC_A}: tcp fd00:9::2 > 2001:db8::7 SYN`]);
    pass(99_000);
    assert.equal(String(port.routes.nextHop(FAR6)), ROUTER_A);
    const after = pass(2000);
    assert.equal(port.routes.nextHop(FAR6), null);
    assert.ok(
      after.some((text) => text.includes('rs from')),
      'another one is asked for',
    );
  });

  it('§6.3.4: a lifetime of zero ends it at once', () => {
    const { link, port } = bench();
    link.inject(advertisement());
    assert.equal(String(port.routes.nextHop(FAR6)), ROUTER_A);
    link.inject(advertisement({ lifetime: 0 }));
    assert.equal(port.routes.nextHop(FAR6), null);
  });

  it('RFC 4191: prefers the router of higher preference', () => {
    const { link, port } = bench();
    link.inject(advertisement({ preference: 3 }));
    link.inject(advertisement({ router: ROUTER_B, from: MAC_B }));
    assert.equal(String(port.routes.nextHop(FAR6)), ROUTER_B);
    link.inject(advertisement({ preference: 1 }));
    assert.equal(String(port.routes.nextHop(FAR6)), ROUTER_A);
  });

  it('§6.3.6: one that does not answer gives way to another, and connections go on over it', () => {
    const { stack, link, pass } = bench();
    pass(30_000);
    link.inject(advertisement({ preference: 1 }), advertisement({ router: ROUTER_B, from: MAC_B }));
    const endpoint = stack.connect({ remote: FAR6, remotePort: 80, localPort: 4080 }, null);
    assert.deepEqual(pass(0), [`${MAC_A}: tcp fd00:9::2 > 2001:db8::7 SYN`]);
    const frames: string[] = [];
    for (let second = 0; second < 60; second++) {
      const sent = pass(1000);
      frames.push(...sent);
      if (sent.includes(`${MAC_B}: ns fe80::b from fd00:9::2`)) {
        link.inject(
          ndpFrame(OWN, MAC_B, (bytes, view) =>
            writeNeighborAdvertisement(
              bytes,
              view,
              0,
              ip(ROUTER_B),
              ip('fd00:9::2'),
              MAC_B,
              true,
              true,
              true,
            ),
          ),
        );
      }
    }
    assert.ok(frames.includes(`${MAC_A}: ns fe80::a from fd00:9::2`), 'the silent one was asked');
    assert.ok(frames.includes(`${MAC_B}: tcp fd00:9::2 > 2001:db8::7 SYN`), frames.join('\n'));
    assert.equal(endpoint.connection.state, State.SYN_SENT);
  });

  it('§7.2.5: one that says it is none any more is not used', () => {
    const { link, port } = bench();
    link.inject(advertisement());
    assert.equal(String(port.routes.nextHop(FAR6)), ROUTER_A);
    link.inject(
      ndpFrame(ALL_NODES_MAC, MAC_A, (bytes, view) =>
        writeNeighborAdvertisement(bytes, view, 0, ip(ROUTER_A), ALL_NODES, MAC_A, false, true),
      ),
    );
    assert.equal(port.routes.nextHop(FAR6), null);
  });

  it('listens to as many routers as the limit allows', () => {
    const { link, port } = bench({ limits: { defaultRouters: 4 } });
    for (let i = 1; i <= 50; i++)
      link.inject(advertisement({ router: `fe80::${i}`, from: mac(`02:00:00:00:01:${10 + (i % 80)}`) }));
    assert.equal(port.routes.defaultRouters.length, 4);
  });

  it('§6.1.2: believes none that was passed on by a router, or that does not come from a link-local address', () => {
    const { link, port, stats } = bench();
    link.inject(advertisement({ hopLimit: 254 }), advertisement({ router: 'fd00:9::a' }));
    assert.equal(port.routes.nextHop(FAR6), null);
    assert.equal(stats.inNdpDropped, 2);
  });

  it('§6.3.4: takes over their timers, within reason', () => {
    const { link, port } = bench();
    link.inject(advertisement({ reachableTime: 60_000, retransTimer: 2000 }));
    assert.equal(port.neighbors.reachableTimeMs, 60_000);
    assert.equal(port.neighbors.retransTimerMs, 2000);
    link.inject(advertisement({ reachableTime: 1, retransTimer: 1 }));
    assert.equal(port.neighbors.reachableTimeMs, 1000);
    assert.equal(port.neighbors.retransTimerMs, 100);
  });
});

describe('IPv6 neighbours', () => {
  const NEXT = 'fd00:9::1';
  const answer = (isSolicited: boolean, isOverride: boolean, from = PEER_MAC) =>
    ndpFrame(OWN, from, (bytes, view) =>
      writeNeighborAdvertisement(
        bytes,
        view,
        0,
        ip(NEXT),
        isSolicited ? ip('fd00:9::2') : ALL_NODES,
        from,
        isSolicited,
        isOverride,
      ),
    );

  it('asks the group of the address, and sends what waited', () => {
    const { stack, link, pass } = ethernetStack({ gateway: 'fd00:9::1' });
    pass(20_000);
    stack.connect({ remote: ip(NEXT), remotePort: 80 }, null);
    assert.deepEqual(pass(0), [`33:33:ff:00:00:01: ns ${NEXT} from fd00:9::2`]);
    link.inject(answer(true, true));
    assert.deepEqual(pass(0), [`${PEER_MAC}: tcp fd00:9::2 > ${NEXT} SYN`]);
  });

  it('§7.2.5: an unasked advertisement moves a neighbour only when it insists', () => {
    const { stack, link, pass, stats } = ethernetStack({ gateway: 'fd00:9::1' });
    pass(20_000);
    stack.connect({ remote: ip(NEXT), remotePort: 80 }, null);
    pass(0);
    link.inject(answer(true, true));
    pass(0);
    link.inject(answer(false, false, OTHER_MAC));
    stack.connect({ remote: ip(NEXT), remotePort: 81 }, null);
    assert.deepEqual(pass(0), [`${PEER_MAC}: tcp fd00:9::2 > ${NEXT} SYN`]);
    assert.equal(stats.neighborMoves, 0);
    link.inject(answer(false, true, OTHER_MAC));
    stack.connect({ remote: ip(NEXT), remotePort: 82 }, null);
    assert.deepEqual(pass(0), [`${OTHER_MAC}: tcp fd00:9::2 > ${NEXT} SYN`]);
    assert.equal(stats.neighborMoves, 1);
  });
});

it('leaves room for every header in front of a packet', () => {
  assert.ok(FRAME_HEADROOM >= 18 && FRAME_HEADROOM % 4 === 0);
});
