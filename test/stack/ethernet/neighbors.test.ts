import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NeighborState } from '../../../src/stack/ethernet/neighbor-table.js';
import { State } from '../../../src/tcp/state.js';
import { ACK, SYN } from '../../../src/wire/segment.js';
import { fromPeer, ip, PEER } from '../test-link.js';
import {
  arpFrame,
  EVERYBODY,
  ethernetStack,
  FrameLink,
  ipFrame,
  OTHER_MAC,
  OWN,
  PEER_MAC,
} from './ethernet-bench.js';

const ASK = 'all: arp who-has 10.9.0.1 tell 10.9.0.2';
const SYN_OUT = `${PEER_MAC}: tcp 10.9.0.2 > 10.9.0.1 SYN`;
const peerAnswer = arpFrame({ operation: 'reply', from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' });

/** A stack that does not announce itself any more. */
function quietStack(...args: Parameters<typeof ethernetStack>) {
  const bench = ethernetStack(...args);
  bench.pass(20_000);
  return bench;
}

/** A stack to which the peer has just answered: its neighbour is REACHABLE. */
function acquainted(...args: Parameters<typeof ethernetStack>) {
  const bench = quietStack(...args);
  const endpoint = bench.stack.connect({ remote: PEER, remotePort: 5000, localPort: 4080 }, null);
  bench.pass(0);
  bench.link.inject(peerAnswer);
  bench.pass(0);
  const neighbor = bench.port.neighbors.find(0, 0, 0xffff, PEER.w3)!;
  assert.equal(neighbor.state, NeighborState.REACHABLE);
  return { ...bench, endpoint, neighbor };
}

describe('resolving a neighbour', () => {
  it('asks before the first packet, keeps it, and sends it when the answer comes', () => {
    const { stack, link, pass } = quietStack();
    stack.connect({ remote: PEER, remotePort: 80 }, null);
    assert.deepEqual(pass(0), [ASK]);
    link.inject(peerAnswer);
    assert.deepEqual(pass(0), [SYN_OUT]);
  });

  it('asks a neighbour only once for many connections', () => {
    const { stack, link, pass } = quietStack();
    for (let i = 0; i < 10; i++) stack.connect({ remote: PEER, remotePort: 80 + i }, null);
    assert.deepEqual(pass(0), [ASK]);
    link.inject(peerAnswer);
    assert.deepEqual(pass(0), new Array(10).fill(SYN_OUT));
  });

  it('RFC 4861 §7.2.2: asks three times, a second apart, then the connection that never was ends with EHOSTUNREACH', () => {
    const { stack, pass, stats, port } = quietStack();
    const endpoint = stack.connect({ remote: PEER, remotePort: 80 }, null);
    assert.deepEqual(pass(999), [ASK]);
    assert.deepEqual(pass(1000), [ASK]);
    assert.deepEqual(pass(1000), [ASK]);
    assert.equal(endpoint.connection.state, State.SYN_SENT);
    assert.deepEqual(pass(10_000), []);
    assert.equal(endpoint.connection.state, State.CLOSED);
    assert.equal(endpoint.connection.error, 'EHOSTUNREACH');
    assert.equal(stats.neighborFailures, 1);
    assert.equal(port.neighbors.size, 0);
    assert.equal(port.neighbors.queuedBytes, 0);
  });

  it('begins anew when it is wanted again after a failure', () => {
    const { stack, link, pass } = quietStack();
    stack.connect({ remote: PEER, remotePort: 80 }, null);
    pass(10_000);
    stack.connect({ remote: PEER, remotePort: 80 }, null);
    assert.deepEqual(pass(0), [ASK]);
    link.inject(peerAnswer);
    assert.deepEqual(pass(0), [SYN_OUT]);
  });

  it('RFC 1122 §2.3.2.2: keeps the newest packets when more wait than the limit', () => {
    const { stack, link, pass, stats, port } = quietStack({ limits: { neighborQueuePackets: 3 } });
    for (let i = 1; i <= 10; i++) stack.connect({ remote: PEER, remotePort: i, localPort: 4000 + i }, null);
    pass(0);
    assert.equal(stats.queueDrops, 7);
    link.inject(peerAnswer);
    pass(0);
    assert.equal(port.neighbors.queuedBytes, 0);
    const { outSegs } = stack.stats.tcp;
    assert.equal(outSegs, 10);
  });

  it('keeps no more bytes than the limit for all neighbours together', () => {
    const { stack, pass, stats, port } = quietStack({ limits: { neighborQueueBytes: 200 } });
    for (let i = 1; i <= 10; i++) stack.connect({ remote: ip(`10.9.0.${10 + i}`), remotePort: 80 }, null);
    pass(0);
    assert.ok(port.neighbors.queuedBytes <= 200, `${port.neighbors.queuedBytes} bytes`);
    assert.ok(port.neighbors.queuedBytes > 0);
    assert.equal(stats.queueDrops, 8);
  });

  it('counts a packet that has waited and finds the link full; TCP sends it again', () => {
    const { stack, link, pass, stats } = quietStack();
    stack.connect({ remote: PEER, remotePort: 80 }, null);
    pass(0);
    link.room = 0;
    link.inject(peerAnswer);
    assert.equal(stats.queueDrops, 1);
    link.makeRoom(100);
    assert.ok(pass(1500).includes(SYN_OUT));
  });

  it('RFC 6583: a scan of the subnet does not keep an honest neighbour from being resolved', () => {
    const { stack, link, pass, port, stats } = quietStack({ limits: { resolvingNeighbors: 16 } });
    stack.listen({ address: null, port: 80 }, { onAcceptable() {} });
    for (let i = 20; i < 250; i++) {
      link.inject(ipFrame(fromPeer({ source: ip(`10.9.0.${i}`), flags: SYN, seq: 1 }), OWN, OTHER_MAC));
    }
    pass(0);
    assert.equal(port.neighbors.size, 16);
    assert.ok(stats.neighborEvictions > 200);
    stack.connect({ remote: PEER, remotePort: 80 }, null);
    assert.deepEqual(pass(0), [ASK]);
    link.inject(peerAnswer);
    assert.deepEqual(pass(0), [SYN_OUT]);
  });

  it('forgets neighbours that are not used when there are more than the limit, and keeps those that are', () => {
    const { stack, link, pass, port } = acquainted({ limits: { neighbors: 8 } });
    for (let i = 20; i < 60; i++) {
      link.inject(arpFrame({ from: OTHER_MAC, sender: `10.9.0.${i}`, target: '10.9.0.2' }));
      stack.connect({ remote: PEER, remotePort: i }, null);
      pass(1);
    }
    assert.equal(port.neighbors.size, 8);
    assert.notEqual(port.neighbors.find(0, 0, 0xffff, PEER.w3), null, 'the one in use is still known');
  });
});

describe('RFC 4861 §7.3: how sure we are of a neighbour', () => {
  it('becomes STALE 15 to 45 seconds after its answer, and is asked five seconds after it is used then', () => {
    const { pass, neighbor, stack, link, endpoint } = acquainted();
    endpoint.abort();
    pass(14_900);
    assert.equal(neighbor.state, NeighborState.REACHABLE);
    const waited: Record<number, number> = {};
    const asked: string[] = [];
    for (let at = 0; asked.length === 0 && at < 60_000; at += 100) {
      // Packets use it all the time.
      const user = stack.connect({ remote: PEER, remotePort: 10_000 + at / 100 }, null);
      asked.push(...pass(100).filter((text) => text.includes('who-has')));
      user.abort();
      waited[neighbor.state] = (waited[neighbor.state] ?? 0) + 100;
    }
    assert.deepEqual(
      asked,
      [`${PEER_MAC}: arp who-has 10.9.0.1 tell 10.9.0.2`],
      'by unicast, for it is known',
    );
    assert.ok((waited[NeighborState.REACHABLE] ?? 0) <= 30_200);
    const delay = waited[NeighborState.DELAY] ?? 0;
    assert.ok(delay >= 4800 && delay <= 5200, `${delay} ms`);
    link.inject(peerAnswer);
    assert.equal(neighbor.state, NeighborState.REACHABLE);
    assert.equal(stack.stats.ethernet.neighborFailures, 0);
  });

  it('asks three times by unicast, then everybody', () => {
    const { pass, neighbor, stack, endpoint } = acquainted();
    endpoint.abort();
    pass(60_000);
    stack.connect({ remote: PEER, remotePort: 80 }, null);
    const frames = pass(10_000).filter((text) => text.includes('who-has'));
    const unicast = `${PEER_MAC}: arp who-has 10.9.0.1 tell 10.9.0.2`;
    assert.deepEqual(frames.slice(0, 3), [unicast, unicast, unicast]);
    assert.equal(neighbor.state, NeighborState.GONE);
    stack.connect({ remote: PEER, remotePort: 81 }, null);
    assert.ok(pass(0).includes(ASK));
  });

  it('is forgotten when nothing was sent to it for ten minutes', () => {
    const { port, endpoint, pass } = acquainted();
    endpoint.abort();
    pass(50_000);
    assert.equal(port.neighbors.size, 1);
    pass(700_000);
    assert.equal(port.neighbors.size, 0);
  });

  it('RFC9293 MUST-20 RFC 7048: is asked at once, by all, when a connection through it makes no progress', () => {
    // The SYN is not answered; long before the neighbour gets STALE by itself the third resending reaches R1.
    const { pass, stack, neighbor } = acquainted();
    const frames = pass(14_000);
    assert.equal(stack.stats.ip.negativeAdvices, 1);
    assert.ok(frames.includes(ASK), frames.join('\n'));
    assert.notEqual(neighbor.state, NeighborState.REACHABLE);
  });
});

describe('a neighbour that changes its MAC address', () => {
  const moved = arpFrame({ from: OTHER_MAC, sender: '10.9.0.1', target: '10.9.0.1' });

  it('is followed at once when it announces it', () => {
    const { link, pass, stack, stats } = acquainted();
    link.inject(moved);
    stack.connect({ remote: PEER, remotePort: 81 }, null);
    assert.deepEqual(pass(0), [`${OTHER_MAC}: tcp 10.9.0.2 > 10.9.0.1 SYN`]);
    assert.equal(stats.neighborMoves, 1);
  });

  it('is followed when it asks for us from the new one', () => {
    const { link, pass, stack } = acquainted();
    link.inject(arpFrame({ from: OTHER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }));
    assert.deepEqual(pass(0), [`${OTHER_MAC}: arp 10.9.0.2 is-at ${OWN}`]);
    stack.connect({ remote: PEER, remotePort: 81 }, null);
    assert.deepEqual(pass(0), [`${OTHER_MAC}: tcp 10.9.0.2 > 10.9.0.1 SYN`]);
  });

  it('is found again within a minute when it says nothing', () => {
    const { link, pass, stack } = acquainted();
    let isFound = false;
    for (let second = 0; second < 60 && !isFound; second++) {
      if (second % 5 === 0) stack.connect({ remote: PEER, remotePort: 100 + second }, null);
      for (const text of pass(1000)) {
        // The new card hears what is sent to everybody, and to itself.
        if (text === ASK) {
          link.inject(
            arpFrame({ operation: 'reply', from: OTHER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }),
          );
        }
        isFound ||= text.startsWith(`${OTHER_MAC}: tcp`);
      }
    }
    assert.ok(isFound);
  });

  it('is not made up by a stranger: announcements of hosts that we do not speak to are not remembered', () => {
    const { link, port } = quietStack();
    for (let i = 10; i < 200; i++) {
      link.inject(arpFrame({ from: OTHER_MAC, sender: `10.9.0.${i}`, target: `10.9.0.${i}` }));
      link.inject(
        arpFrame({ operation: 'reply', from: OTHER_MAC, sender: `10.9.0.${i}`, target: '10.9.0.2' }),
      );
    }
    assert.equal(port.neighbors.size, 0);
  });
});

describe('answering', () => {
  it('answers requests for our addresses and no others', () => {
    const { link, pass } = quietStack();
    link.inject(arpFrame({ from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }));
    link.inject(arpFrame({ from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.3' }));
    assert.deepEqual(pass(0), [`${PEER_MAC}: arp 10.9.0.2 is-at ${OWN}`]);
  });

  it('knows from a request where its sender is, so that the answer to what follows needs no question', () => {
    const { link, pass, stack } = quietStack();
    stack.listen({ address: null, port: 80 }, { onAcceptable() {} });
    link.inject(
      arpFrame({ from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }),
      ipFrame(fromPeer({ flags: SYN, seq: 1 })),
    );
    assert.deepEqual(pass(0), [
      `${PEER_MAC}: arp 10.9.0.2 is-at ${OWN}`,
      `${PEER_MAC}: tcp 10.9.0.2 > 10.9.0.1 SYN,ACK`,
    ]);
  });

  it('answers a flood of requests as often as the limit allows', () => {
    const { link, pass, stats } = quietStack({ limits: { neighborAnswersPerSecond: 10 } });
    for (let i = 0; i < 1000; i++) {
      link.inject(arpFrame({ from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }));
    }
    assert.equal(pass(0).length, 10);
    assert.equal(stats.answersSuppressed, 990);
  });
});

describe('what comes in frames', () => {
  const syn = fromPeer({ flags: SYN, seq: 1 });

  it('is taken only when it is for us alone: TCP to a group or to another station gets no answer', () => {
    const { link, pass, stats } = acquainted();
    link.inject(ipFrame(syn, EVERYBODY), ipFrame(syn, OTHER_MAC), ipFrame(syn, PEER_MAC));
    assert.deepEqual(pass(0), []);
    assert.equal(stats.inNotForUs, 3);
    link.inject(ipFrame(syn));
    assert.deepEqual(pass(0), [`${PEER_MAC}: tcp 10.9.0.2 > 10.9.0.1 RST,ACK`]);
  });

  it('is ours when a bridge repeats it, and then ignored', () => {
    const { link, stats, notices } = quietStack();
    link.inject(arpFrame({ from: OWN, sender: '10.9.0.2', target: '10.9.0.2' }));
    assert.equal(stats.inOwn, 1);
    assert.deepEqual(notices, []);
  });

  it('may be longer than the MTU: delivered, and told once', () => {
    const { link, stats, notices, endpoint, pass } = acquainted();
    const forUs = { destinationPort: 4080, ack: 1001 };
    link.inject(ipFrame(fromPeer({ ...forUs, flags: SYN | ACK, seq: 9 })));
    for (const seq of [10, 4010]) {
      link.inject(ipFrame(fromPeer({ ...forUs, flags: ACK, seq, payload: new Uint8Array(4000) })));
    }
    pass(0);
    assert.equal(stats.inOversize, 2);
    let received = 0;
    for (let got = endpoint.receive(9000); got !== null; got = endpoint.receive(9000)) received += got.length;
    assert.equal(received, 8000);
    assert.equal(notices.length, 1);
    assert.match(notices[0]!, /^SYNWAVE_OVERSIZE_PACKET: .*ethtool -K IFACE tx off tso off gso off gro off/);
  });

  it('is padded on short frames, and the padding is no data', () => {
    const { link, endpoint, pass } = acquainted();
    const forUs = { destinationPort: 4080, ack: 1001 };
    link.inject(ipFrame(fromPeer({ ...forUs, flags: SYN | ACK, seq: 9 })));
    link.inject(ipFrame(fromPeer({ ...forUs, flags: ACK, seq: 10, payload: Uint8Array.of(1, 2, 3) })));
    pass(0);
    assert.deepEqual([...endpoint.receive(100)!], [1, 2, 3]);
  });
});

describe('IEEE 802.1Q', () => {
  it('speaks and hears in its VLAN only', () => {
    const link = new FrameLink({ mac: OWN, vlan: 7 });
    const { stack, pass, stats } = quietStack({}, link);
    stack.connect({ remote: PEER, remotePort: 80 }, null);
    assert.deepEqual(pass(0), ['all vlan 7: arp who-has 10.9.0.1 tell 10.9.0.2']);
    link.inject(peerAnswer);
    assert.deepEqual(pass(0), []);
    assert.equal(stats.inOtherVlan, 1);
    const tagged = { operation: 'reply', from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' } as const;
    link.inject(arpFrame({ ...tagged, vlan: 8 }));
    assert.deepEqual(pass(0), []);
    link.inject(arpFrame({ ...tagged, vlan: 7 }));
    assert.deepEqual(pass(0), [`${PEER_MAC} vlan 7: tcp 10.9.0.2 > 10.9.0.1 SYN`]);
  });
});
