// What a connection says to IP: its address, the differentiated-services code point and the TTL of its packets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { State } from '../../src/tcp/state.js';
import { ACK, SYN } from '../../src/wire/segment.js';
import { fromPeer, ip, LOCAL, PEER, type Segment, testStack } from './test-link.js';

/** TTL or hop limit, and traffic class, as the octets of the packet have them. */
function onWire(segment: Segment): { ttl: number; trafficClass: number } {
  const { ip: decoded } = segment.packet;
  const ttl = decoded.version === 4 ? decoded.view.ttl : decoded.view.hopLimit;
  return { ttl, trafficClass: (decoded.view.dscp << 2) | decoded.view.ecn };
}

for (const remote of [PEER, ip('fd00:9::1')]) {
  const local = remote === PEER ? LOCAL : ip('fd00:9::2');

  const established = (config: { dscp?: number; ttl?: number }, addresses?: string[]) => {
    const { stack, link, settle } = testStack(addresses === undefined ? {} : { addresses });
    const endpoint = stack.connect({ remote, remotePort: 80, local, config }, null);
    settle();
    const [syn] = link.takeSegments();
    const numbers = { sourcePort: 80, destinationPort: syn!.sourcePort, ack: syn!.seq + 1 };
    const from = { source: remote, destination: local };
    link.inject(fromPeer({ flags: SYN | ACK, seq: 9, ...numbers, ...from }));
    assert.equal(endpoint.connection.state, State.ESTABLISHED);
    const [ack] = link.takeSegments();
    const write = (bytes: number) => {
      endpoint.send(new Uint8Array(bytes), true);
      settle();
      return link.takeSegments();
    };
    return { endpoint, first: [syn!, ack!], write };
  };

  describe(`packets of a connection over IPv${remote.family}`, () => {
    it('RFC9293 MUST-48 SHLD-22: bear the code point that the application has set, every bit of it, from the SYN on', () => {
      const { first, write } = established({ dscp: 0x2a });
      for (const segment of [...first, ...write(10)]) assert.equal(onWire(segment).trafficClass, 0x2a << 2);
    });

    it('RFC9293 SHLD-21: bear another one as soon as it is changed', () => {
      const { endpoint, first, write } = established({ dscp: 10 });
      assert.equal(onWire(first[0]!).trafficClass, 10 << 2);
      endpoint.connection.setDscp(46);
      const sent = write(10);
      assert.equal(sent.length, 1);
      assert.equal(onWire(sent[0]!).trafficClass, 46 << 2);
    });

    it('RFC9293 MUST-49: live as long as the application says, 64 hops by default', () => {
      for (const segment of established({}).first) assert.equal(onWire(segment).ttl, 64);
      const { first, write } = established({ ttl: 3 });
      for (const segment of [...first, ...write(10)]) assert.equal(onWire(segment).ttl, 3);
    });

    it('RFC9293 MUST-45: come all from the address of its SYN, though another would be nearer', () => {
      const nearer = remote === PEER ? '10.9.0.3/30' : 'fd00:9::3/126';
      const { first, write } = established({}, [`${local}/${remote === PEER ? 24 : 64}`, nearer]);
      for (const segment of [...first, ...write(10)]) assert.equal(String(segment.source), String(local));
    });
  });
}
