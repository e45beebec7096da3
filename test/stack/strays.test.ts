// Stacks with the same addresses on queues of one device: a packet that the device gave to the wrong one finds its owner.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Stack, StackOptions } from '../../src/stack/stack.js';
import { State } from '../../src/tcp/state.js';
import { IcmpType, UnreachableCode, writeIcmpError } from '../../src/wire/icmp.js';
import { writeIpv4Header } from '../../src/wire/ipv4.js';
import { IpProtocol } from '../../src/wire/protocol.js';
import { ACK, RST, SYN } from '../../src/wire/segment.js';
import { cut } from './fragments.js';
import { fromPeer, LOCAL, PEER, testStack } from './test-link.js';

const nobody = { onAcceptable: () => {} };

/** So many stacks that show each other what none of their connections owns, at once and in turn. */
function group(count: number, options: Partial<StackOptions> = {}) {
  const members: ReturnType<typeof testStack>[] = [];
  for (let home = 0; home < count; home++) {
    const siblings = {
      show(packet: Uint8Array, hint: number) {
        const others = members.filter((_, i) => i !== home);
        const copy = packet.slice();
        // As over a channel between threads: not within the turn.
        later.push(() => {
          if (others.some(({ stack }) => stack.takeStray(copy, hint, false))) return;
          members[home]!.stack.takeStray(copy, hint, true);
        });
      },
    };
    members.push(testStack({ siblings, ...options }));
  }
  const later: (() => void)[] = [];
  const settle = () => {
    for (let next = later.shift(); next !== undefined; next = later.shift()) next();
    for (const member of members) member.settle();
  };
  return { members, settle };
}

/** Opens a connection from a stack to the peer's port 80. */
function connect({ stack, link, settle }: ReturnType<typeof testStack>, localPort: number) {
  const endpoint = stack.connect({ remote: PEER, remotePort: 80, localPort }, null);
  settle();
  link.sent.length = 0;
  return endpoint;
}

const reply = (
  localPort: number,
  fields: { flags: number; seq?: number; ack?: number; payload?: Uint8Array },
) => fromPeer({ sourcePort: 80, destinationPort: localPort, seq: 500, ack: 1001, ...fields });

function strays({ stats }: Stack) {
  const { straysShown, straysTaken, strayDrops } = stats.ip;
  return [straysShown, straysTaken, strayDrops];
}

describe('strays', () => {
  it('a segment that came to a sibling reaches its connection, whose answer leaves by its own link', () => {
    const { members, settle } = group(3);
    const [first, second, third] = members as [(typeof members)[0], (typeof members)[0], (typeof members)[0]];
    const endpoint = connect(third, 40_001);
    first.link.inject(reply(40_001, { flags: SYN | ACK }));
    settle();
    assert.equal(endpoint.connection.state, State.ESTABLISHED);
    assert.deepEqual(
      third.link.takeSegments().map(({ flags, ack }) => [flags, ack]),
      [[ACK, 501]],
    );
    assert.deepEqual([first.link.sent, second.link.sent], [[], []]);
    assert.deepEqual(
      members.map(({ stack }) => strays(stack)),
      [
        [1, 0, 0],
        [0, 0, 0],
        [0, 1, 0],
      ],
    );
  });

  it('RFC9293 §3.10.7.1: what nobody owns is reset once, by the stack to which it came', () => {
    const { members, settle } = group(3);
    members[1]!.link.inject(reply(40_002, { flags: ACK }));
    settle();
    assert.deepEqual(
      members.map(({ link }) => link.takeSegments().map(({ flags, seq }) => [flags, seq])),
      [[], [[RST, 1001]], []],
    );
    assert.deepEqual(
      members.map(({ stack }) => stack.stats.tcp.inNoPorts),
      [0, 1, 0],
    );
  });

  it('a SYN for a port on which only a sibling listens opens a connection there', () => {
    const { members, settle } = group(2);
    members[1]!.stack.listen({ address: null, port: 7 }, nobody);
    members[0]!.link.inject(fromPeer({ flags: SYN, destinationPort: 7 }));
    settle();
    assert.equal(members[0]!.link.sent.length, 0);
    assert.deepEqual(
      members[1]!.link.takeSegments().map(({ flags }) => flags),
      [SYN | ACK],
    );
  });

  it('where a listener stands, an RST and an ACK for a connection of a sibling go to it', () => {
    const { members, settle } = group(2);
    for (const { stack } of members) stack.listen({ address: null, port: 40_003 }, nobody);
    members[1]!.link.inject(fromPeer({ flags: SYN, destinationPort: 40_003, sourcePort: 80, seq: 499 }));
    settle();
    members[1]!.link.sent.length = 0;
    members[0]!.link.inject(reply(40_003, { flags: ACK }));
    settle();
    const [endpoint] = [...members[1]!.stack.connections()];
    assert.equal(endpoint!.connection.state, State.ESTABLISHED);
    members[0]!.link.inject(reply(40_003, { flags: RST }));
    settle();
    assert.equal(members[1]!.stack.connectionCount, 0);
    assert.deepEqual(
      members.map(({ link }) => link.sent.length),
      [0, 0],
    );
  });

  it('a SYN cookie is taken by the stack that gave it', () => {
    const { members, settle } = group(2, { config: { synCookies: 'always' } });
    for (const { stack } of members) stack.listen({ address: null, port: 7 }, nobody);
    members[1]!.link.inject(fromPeer({ flags: SYN, destinationPort: 7, seq: 499 }));
    const [answer] = members[1]!.link.takeSegments();
    members[0]!.link.inject(
      fromPeer({ flags: ACK, destinationPort: 7, seq: 500, ack: (answer!.seq + 1) | 0 }),
    );
    settle();
    assert.deepEqual(
      members.map(({ stack }) => stack.stats.tcp.synCookiesRecv),
      [0, 1],
    );
  });

  it('RFC9293 MUST-54: an ICMP error that came to a sibling is told to the connection that it quotes', () => {
    const { members, settle } = group(2);
    const endpoint = members[1]!.stack.connect({ remote: PEER, remotePort: 80, localPort: 40_004 }, null);
    members[1]!.settle();
    const [syn] = members[1]!.link.sent.splice(0);
    members[0]!.link.inject(unreachable(syn!));
    settle();
    assert.equal(endpoint.connection.error, 'ECONNREFUSED');
    assert.deepEqual(
      members.map(({ stack }) => stack.stats.icmp.inErrorsMatched),
      [0, 1],
    );
    members[0]!.link.inject(unreachable(syn!));
    settle();
    assert.equal(members[0]!.stack.stats.icmp.inErrorsUnmatched, 1, 'its own affair when nobody knows it');
  });

  it('a segment in fragments is made whole where they come, and given to its owner', () => {
    const { members, settle } = group(2);
    const endpoint = connect(members[1]!, 40_005);
    members[1]!.link.inject(reply(40_005, { flags: SYN | ACK }));
    settle();
    const segment = reply(40_005, { flags: ACK, seq: 501, payload: new Uint8Array(2000).fill(7) });
    members[0]!.link.inject(...cut(4, segment.subarray(20), [800, 1600], { protocol: IpProtocol.TCP }));
    settle();
    assert.equal(endpoint.connection.bytesReceived, 2000);
    assert.equal(members[0]!.stack.stats.ip.reasmOks, 1);
  });

  it('beyond the limit they are dropped unanswered: an RST could end a connection of a sibling', () => {
    const { members, settle } = group(2, { limits: { straysPerSecond: 2 } });
    for (let i = 0; i < 5; i++) members[0]!.link.inject(reply(41_000 + i, { flags: ACK }));
    settle();
    assert.equal(members[0]!.link.takeSegments().length, 2);
    assert.deepEqual(strays(members[0]!.stack), [2, 0, 3]);
  });

  it('a stack without siblings answers by itself, and a closed one takes nothing', async () => {
    const { stack, link } = testStack();
    link.inject(reply(40_006, { flags: ACK }));
    assert.equal(link.takeSegments()[0]!.flags, RST);
    assert.deepEqual(strays(stack), [0, 0, 0]);
    await stack.close();
    assert.equal(stack.takeStray(reply(40_006, { flags: ACK }), 0, false), false);
  });
});

/** The peer has no such port, it says of a packet of ours. */
function unreachable(about: Uint8Array): Uint8Array {
  const message = new Uint8Array(600);
  const { DESTINATION_UNREACHABLE: type } = IcmpType;
  const length = writeIcmpError(
    type,
    UnreachableCode.PORT,
    0,
    about,
    0,
    about.length,
    message,
    new DataView(message.buffer),
    0,
  );
  const packet = new Uint8Array(20 + length);
  const view = new DataView(packet.buffer);
  writeIpv4Header(packet, view, 0, packet.length, IpProtocol.ICMP, PEER.w3, LOCAL.w3, 64, 0, 7, false);
  packet.set(message.subarray(0, length), 20);
  return packet;
}
