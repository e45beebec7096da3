import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addRange, finish, pseudoHeader } from '../../../src/wire/checksum.js';
import { EtherType } from '../../../src/wire/ethernet.js';
import { writeIpv6Header } from '../../../src/wire/ipv6.js';
import { MacAddress } from '../../../src/wire/mac.js';
import { ip } from '../test-link.js';
import { ethernetStack, frame, PEER_MAC } from './ethernet-bench.js';

const ALL_NODES = ip('ff02::1');
const CHANGE_TO_EXCLUDE = 4;
const MODE_IS_EXCLUDE = 2;

/** A querier's question about all groups. */
function query(maxResponse: number, { hopLimit = 1, source = 'fe80::1' } = {}): Uint8Array {
  const packet = new Uint8Array(40 + 8 + 28);
  const view = new DataView(packet.buffer);
  writeIpv6Header(packet, view, 0, 36, 0, ip(source), ALL_NODES, hopLimit, 0, 0);
  packet.set([58, 0, 5, 2, 0, 0, 1, 0], 40);
  packet[48] = 130;
  view.setUint16(52, maxResponse);
  view.setUint16(50, finish(addRange(pseudoHeader(ip(source), ALL_NODES, 58, 28), packet, 48, 28)));
  return frame(MacAddress.ofIpv6Group(1), PEER_MAC, EtherType.IPV6, packet);
}

/** The records of the reports among the frames sent: kind and group. */
function reports(sent: Uint8Array[]): string[] {
  const records: string[] = [];
  for (const bytes of sent.splice(0)) {
    if (bytes[0] !== 0x33 || bytes[5] !== 0x16) continue;
    assert.equal(bytes[62], 143);
    const view = new DataView(bytes.buffer);
    for (let i = 0, at = 70; i < view.getUint16(68); i++, at += 20) {
      const group = Array.from({ length: 8 }, (_, word) => view.getUint16(at + 4 + 2 * word).toString(16));
      records.push(`${bytes[at]} ${String(ip(group.join(':')))}`);
    }
  }
  return records;
}

describe('RFC 3810: groups that we listen to', () => {
  it('are reported twice, before the first question about an address', () => {
    const { link, clock } = ethernetStack({
      addresses: ['fd00:9::2/64', 'fe80::2/64', 'fd00:9::1:3/64', '10.9.0.2/24'],
      duplicateDetection: 'strict',
    });
    assert.equal(link.sent[0]![5], 0x16, 'a switch that snoops must know before the answer comes');
    clock.advance(500);
    const joined = [`${CHANGE_TO_EXCLUDE} ff02::1:ff00:2`, `${CHANGE_TO_EXCLUDE} ff02::1:ff01:3`];
    assert.deepEqual(reports(link.sent), joined, 'addresses that share a group name it once');
    clock.advance(10_000);
    assert.deepEqual(reports(link.sent), joined);
  });

  it('are reported again when a querier asks, within the time that it allows', () => {
    const { link, clock, stats } = ethernetStack();
    clock.advance(20_000);
    link.sent.length = 0;
    link.inject(query(5000));
    link.inject(query(5000));
    clock.advance(5000);
    assert.deepEqual(reports(link.sent), [`${MODE_IS_EXCLUDE} ff02::1:ff00:2`], 'one answer to both');
    clock.advance(20_000);
    assert.deepEqual(reports(link.sent), []);
    assert.equal(stats.inQueries, 2);
  });

  it('§5.1.3: a querier that allows hours is answered all the same', () => {
    const { link, clock } = ethernetStack();
    clock.advance(20_000);
    link.sent.length = 0;
    link.inject(query(0xffff));
    clock.advance(10_000);
    assert.equal(reports(link.sent).length, 1);
  });

  it('§6.2: are not told to who asks from afar', () => {
    const { link, clock, stats } = ethernetStack();
    clock.advance(20_000);
    link.sent.length = 0;
    const damaged = query(1000);
    damaged[70]! ^= 1;
    link.inject(query(1000, { hopLimit: 64 }), query(1000, { source: 'fd00:9::1' }), damaged);
    clock.advance(20_000);
    assert.deepEqual(reports(link.sent), []);
    assert.equal(stats.inQueries, 0);
  });

  it('are none on a stack that has no IPv6 address', () => {
    const { link, clock } = ethernetStack({ addresses: ['10.9.0.2/24'] });
    clock.advance(20_000);
    assert.deepEqual(reports(link.sent), []);
  });
});
