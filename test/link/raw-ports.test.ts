// Ports of a raw link: what users write, what the kernel has, and what is left for connections.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  conflictWith,
  ephemeralBeside,
  formatRanges,
  parseKernelSockets,
  parsePorts,
  RawPorts,
  shareOf,
  socketsOn,
} from '../../src/link/raw-ports.js';
import { IpAddress } from '../../src/wire/address.js';

const ip = (text: string) => IpAddress.parse(text)!;

test('ports as users write them, and what is none', () => {
  assert.deepEqual(parsePorts([7, '80', '8000-8010']), [
    { first: 7, last: 7 },
    { first: 80, last: 80 },
    { first: 8000, last: 8010 },
  ]);
  for (const wrong of [0, 65_536, 1.5, '', '80-', '90-80', '1-65536', 'http']) {
    assert.throws(
      () => parsePorts([wrong]),
      { code: 'ERR_OUT_OF_RANGE', message: /neither a port/ },
      `${wrong}`,
    );
  }
});

test('overlapping ranges become one; the ephemeral ports lack what the kernel has, named ones do not', () => {
  const ports = new RawPorts(
    parsePorts(['8005-8020', '8000-8010', 61_001]),
    { first: 61_000, last: 65_535 },
    [61_001, 61_002, 8000],
  );
  assert.equal(formatRanges(ports.ranges), '8000-8020, 61000-61001, 61003-65535');
  assert.equal(formatRanges(ports.ranges, ':', ','), '8000:8020,61000:61001,61003:65535');
  assert.deepEqual(
    [7999, 8000, 8020, 8021, 61_001, 61_002, 65_535].map((port) => ports.has(port)),
    [false, true, true, false, true, false, true],
  );
});

test('ephemeral ports lie where the kernel takes none from', () => {
  assert.deepEqual(ephemeralBeside({ first: 32_768, last: 60_999 }), { first: 61_000, last: 65_535 });
  assert.deepEqual(ephemeralBeside({ first: 10_000, last: 65_535 }), { first: 1024, last: 9999 });
  assert.deepEqual(ephemeralBeside({ first: 1024, last: 65_000 }), { first: 65_001, last: 65_535 });
});

test('each link takes half of what the others left', () => {
  const all = { first: 61_000, last: 65_535 };
  const claimed: { first: number; last: number }[] = [];
  const shares: string[] = [];
  for (let share = shareOf(all, claimed); share !== null; share = shareOf(all, claimed)) {
    claimed.push(share);
    shares.push(formatRanges([share]));
  }
  assert.deepEqual(shares.slice(0, 3), ['61000-63267', '63268-64401', '64402-64968']);
  assert.equal(
    formatRanges(new RawPorts(claimed.slice(1), claimed[0]!).ranges),
    '61000-65535',
    'nothing is left over',
  );
  assert.ok(shares.length <= 8, `${shares.length} shares`);
  assert.deepEqual(shareOf(all, [{ first: 1, last: 62_999 }]), { first: 63_000, last: 64_267 });
});

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0200090A:EE48 0100090A:0050 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
   3: 0200090A:0050 0100090A:C001 06 00000000:00000000 00:00000000 00000000     0        0 0 3 0
`;
const TCP6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A
   1: 090000FD000000000000000002000000:1F90 00000000000000000000000000000000:0000 0A
   2: 0000000000000000FFFF00000200090A:0051 00000000000000000000000000000000:0000 0A
`;

test('sockets of the kernel: any address, IPv4 within IPv6, and none in TIME-WAIT', () => {
  const show = (text: string) =>
    parseKernelSockets(text).map(
      ({ address, port, isListening }) => `${address ?? '*'} ${port} ${isListening}`,
    );
  assert.deepEqual(show(TCP), ['127.0.0.1 25 true', '* 22 true', '10.9.0.2 61000 false']);
  assert.deepEqual(show(TCP6), ['* 80 true', 'fd00:9::2 8080 true', '10.9.0.2 81 true']);
  assert.deepEqual(parseKernelSockets(''), []);
});

test('a conflict is a socket on our address, or on any, that has a named port', () => {
  const sockets = parseKernelSockets(TCP);
  const ours = socketsOn([ip('10.9.0.2')], sockets);
  assert.deepEqual(
    ours.map(({ port }) => port),
    [22, 61_000],
  );
  assert.equal(conflictWith(ours, parsePorts([25, 80])), null);
  assert.equal(conflictWith(ours, parsePorts(['20-30']))?.port, 22);
  assert.equal(conflictWith(socketsOn([ip('127.0.0.1')], sockets), parsePorts([25]))?.port, 25);
});
