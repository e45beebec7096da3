// Where packets may leave that are longer than their IP header can tell.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longDestinations, takesLongPackets } from '../../src/link/long-packets.js';

test('kernels that take them out of a TUN device', () => {
  for (const release of ['6.6.0', '6.18.44-generic', '7.0-rc1', '10.1.2', '6.6-rc2']) {
    assert.equal(takesLongPackets(release), true, release);
  }
  for (const release of ['6.5.13', '5.15.0-100-generic', '4.4.0', '', 'unknown', '6']) {
    assert.equal(takesLongPackets(release), false, release);
  }
});

test('destinations: the IPv4 addresses of the kernel itself', () => {
  assert.deepEqual(
    longDestinations(['10.9.0.1/24', 'fd00:9::1/64', '192.168.0.1/32']),
    [0x0a090001, -1062731775],
  );
  assert.deepEqual(longDestinations([]), []);
});
