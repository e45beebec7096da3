// Noise, damaged frames of Linux and forged ones, through the parsers and into a whole stack: nothing throws, nothing outside
// of a frame matters, tables stay within their limits, and honest traffic goes on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { State } from '../../src/tcp/state.js';
import { ArpView, parseArp } from '../../src/wire/arp.js';
import { addRange, finish, pseudoHeader6 } from '../../src/wire/checksum.js';
import { EthernetView, parseEthernet } from '../../src/wire/ethernet.js';
import { Ipv6View, parseIpv6 } from '../../src/wire/ipv6.js';
import { NdpView, parseNdp } from '../../src/wire/ndp.js';
import { ACK, SYN } from '../../src/wire/segment.js';
import { arpFrame, ethernetStack, ipFrame, PEER_MAC } from '../stack/ethernet/ethernet-bench.js';
import { fromPeer, PEER } from '../stack/test-link.js';
import { hex, type Placed, place, randomFrom } from '../wire/slab.js';

const SEED = Number(process.env.FUZZ_SEED ?? 20_240_601);
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 40_000);

const file = new URL('../../../test/golden/ethernet-frames.json', import.meta.url);
const { frames, reports } = JSON.parse(readFileSync(file, 'utf8')) as Record<
  'frames' | 'reports',
  { hex: string }[]
>;
const golden = [...frames, ...reports].map((frame) => hex(frame.hex));
/** Where ICMPv6 begins behind the hop-by-hop header of a report; a query is built alike. */
const REPORT_TYPE_AT = 62;
const QUERY = 130;
/** The stack's addresses, and those of the golden frames: forged frames speak about both. */
const OURS = [hex('0a090002'), hex('fd00000900000000000000000000 0002'), hex('020000000002')];

type Random = (n: number) => number;

function makeFrame(random: Random): Uint8Array {
  if (random(8) === 0) return Uint8Array.from({ length: random(100) }, () => random(256));
  const number = random(golden.length);
  let frame = golden[number]!.slice();
  if (number >= frames.length && random(2) === 0) {
    frame[REPORT_TYPE_AT] = QUERY;
    frame.set(hex('fe80'), 22);
  }
  if (random(2) === 0) frame.set(hex('020000000002'));
  for (let n = random(5); n > 0; n--)
    frame[random(frame.length)] = [0, 1, 2, 0x7f, 0xff, random(256)][random(6)]!;
  if (random(3) === 0) {
    const ours = OURS[random(OURS.length)]!;
    frame.set(ours, Math.min(frame.length - ours.length, [14, 22, 28, 38, 62][random(5)]!));
  }
  if (random(6) === 0) frame = frame.slice(0, random(frame.length));
  if (random(8) > 0) seal(frame);
  return frame;
}

/** Makes the ICMPv6 checksum right, so that what lies behind the check is reached. */
function seal(frame: Uint8Array): void {
  const view = new DataView(frame.buffer);
  if (frame.length < 66 || view.getUint16(12) !== 0x86dd) return;
  const at = frame[20] === 0 ? REPORT_TYPE_AT : 54;
  const length = Math.min(view.getUint16(18) - (at - 54), frame.length - at);
  if (length < 4) return;
  view.setUint16(at + 2, 0);
  const word = (i: number) => view.getInt32(22 + 4 * i);
  const sum = pseudoHeader6(
    word(0),
    word(1),
    word(2),
    word(3),
    word(4),
    word(5),
    word(6),
    word(7),
    58,
    length,
  );
  view.setUint16(at + 2, finish(addRange(sum, frame, at, length)));
}

/** What the parsers say of a frame, places counted from its beginning. */
function readAll({ bytes, view, offset, length }: Placed): unknown[] {
  const frame = new EthernetView();
  const result = parseEthernet(view, offset, length, frame);
  if (result !== 0) return [result];
  const { payloadOffset, payloadLength } = frame;
  assert.ok(payloadOffset >= offset && payloadOffset + payloadLength === offset + length);
  const arp = new ArpView();
  const ip = new Ipv6View();
  const message = new NdpView();
  const said: unknown[] = [frame.type, frame.vlan, payloadLength];
  said.push(parseArp(view, payloadOffset, payloadLength, arp), { ...arp });
  const header = parseIpv6(bytes, view, payloadOffset, payloadLength, ip);
  said.push(header);
  if (header !== 0) return said;
  const ndp = parseNdp(bytes, view, ip, message);
  said.push(ndp);
  if (ndp === 0) said.push({ ...message });
  return said;
}

describe(`frames of seed ${SEED}`, () => {
  test('parsers read nothing outside of a frame', () => {
    const random = randomFrom(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      const frame = makeFrame(random);
      const alone = readAll(place(frame));
      for (const placed of [place(frame, 33, 0, 80), place(frame, 64, 0xff, 80)]) {
        assert.deepEqual(readAll(placed), alone, `round ${round}: ${Buffer.from(frame).toString('hex')}`);
      }
    }
  });

  test('a stack takes them all in, and its connections go on', () => {
    const random = randomFrom(SEED + 1);
    const limits = { neighbors: 32, resolvingNeighbors: 16, neighborQueueBytes: 10_000, defaultRouters: 4 };
    const { link, pass, port, stack, stats } = ethernetStack({
      limits,
      addresses: ['10.9.0.2/16', 'fd00:9::2/64'],
      duplicateDetection: 'off',
    });
    const endpoint = stack.connect({ remote: PEER, remotePort: 5000, localPort: 4080 }, null);
    const answer = arpFrame({ operation: 'reply', from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' });
    pass(0);
    link.inject(answer);
    link.inject(ipFrame(fromPeer({ destinationPort: 4080, flags: SYN | ACK, seq: 9, ack: 1001 })));
    for (let round = 0; round < ROUNDS; round++) {
      const frame = makeFrame(random);
      // Objections to our own addresses are another matter: they end connections, as they should.
      if (objects(frame)) continue;
      link.inject(frame);
      if (round % 16 === 0) pass(random(50));
      if (round % 64 !== 0) continue;
      const inTable = port.neighbors.size;
      assert.ok(inTable <= limits.neighbors + limits.resolvingNeighbors, `${inTable} neighbours`);
      assert.ok(port.neighbors.queuedBytes <= limits.neighborQueueBytes);
      assert.ok(port.routes.defaultRouters.length <= limits.defaultRouters);
    }
    assert.ok(stats.inQueries > 0 && stats.inNdp > 1000 && stats.inArp > 1000, 'every door was tried');
    link.inject(answer);
    const data = Uint8Array.of(1, 2, 3);
    const from = { destinationPort: 4080, flags: ACK, seq: 10, ack: 1001 };
    link.inject(ipFrame(fromPeer({ ...from, payload: data })));
    pass(1000);
    assert.equal(endpoint.connection.state, State.ESTABLISHED);
    assert.deepEqual(endpoint.receive(10), data);
  });
});

/** A frame in which somebody speaks as one of our addresses. */
function objects(bytes: Uint8Array): boolean {
  const { view, offset, length } = place(bytes);
  const frame = new EthernetView();
  if (parseEthernet(view, offset, length, frame) !== 0) return false;
  const arp = new ArpView();
  const { payloadOffset, payloadLength } = frame;
  if (frame.type === 0x0806) {
    return parseArp(view, payloadOffset, payloadLength, arp) === 0 && arp.senderAddress === PEER.w3 + 1;
  }
  const ip = new Ipv6View();
  const message = new NdpView();
  if (parseIpv6(bytes, view, payloadOffset, payloadLength, ip) !== 0) return false;
  return parseNdp(bytes, view, ip, message) === 0 && message.type === 136 && message.target3 === 2;
}
