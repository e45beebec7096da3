// The memory of clients: cookies by addresses, failures by port too (RFC 7413 §4.1.3).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAST_OPEN_AVOID_MS, FastOpenMemory } from '../../src/stack/fast-open-cache.js';
import type { FourTuple } from '../../src/wire/address.js';
import { ip, seededRandom } from '../stack/test-link.js';

function path(remote: string, remotePort = 80, local = '10.9.0.2', localPort = 5000): FourTuple {
  return { local: ip(local), localPort, remote: ip(remote), remotePort };
}

const HERE = path('10.9.0.1');

function memory(fastOpenPaths = 8): FastOpenMemory {
  return new FastOpenMemory({ fastOpenPaths }, seededRandom());
}

function cookieAt(cache: FastOpenMemory, tuple: FourTuple): string | undefined {
  const { cookie } = cache.find(tuple, 0)!;
  return cookie === null ? undefined : Buffer.from(cookie).toString('hex');
}

describe('cookies', () => {
  test('RFC7413 §4.1.3: one for each pair of addresses, the latest, with the MSS', () => {
    const cache = memory();
    assert.deepEqual(cache.find(HERE, 0), { cookie: null, mss: 0 });
    cache.learn(HERE, Uint8Array.of(1, 2, 3, 4), 1400);
    cache.learn(HERE, Uint8Array.of(5, 6, 7, 8), 1300);
    assert.equal(cookieAt(cache, HERE), '05060708');
    assert.equal(cache.find(HERE, 0)!.mss, 1300);
    assert.equal(cookieAt(cache, path('10.9.0.1', 81, '10.9.0.2', 6000)), '05060708', 'for every port');
    assert.equal(cookieAt(cache, path('10.9.0.3')), undefined);
    assert.equal(cookieAt(cache, path('10.9.0.1', 80, '10.9.0.4')), undefined, 'for this address of ours');
  });

  test('an answer without a cookie leaves the one that is known, and what was given is copied', () => {
    const cache = memory();
    const slab = Uint8Array.of(1, 2, 3, 4);
    cache.learn(HERE, slab, 1400);
    slab.fill(0);
    cache.learn(HERE, null, 1200);
    assert.deepEqual([cookieAt(cache, HERE), cache.find(HERE, 0)!.mss], ['01020304', 1200]);
  });

  test('the one longest unused goes when there are too many', () => {
    const cache = memory(2);
    const [a, b, c] = [path('10.0.0.1'), path('10.0.0.2'), path('10.0.0.3')];
    cache.learn(a, Uint8Array.of(1, 1, 1, 1), 1);
    cache.learn(b, Uint8Array.of(2, 2, 2, 2), 1);
    cache.learn(a, null, 2);
    cache.learn(c, Uint8Array.of(3, 3, 3, 3), 1);
    assert.deepEqual(
      [a, b, c].map((each) => cookieAt(cache, each)),
      ['01010101', undefined, '03030303'],
    );
  });
});

describe('failures', () => {
  test('RFC7413 §4.1.3.1: the path with its port is left alone for an hour, then for two, and so on up to 64', () => {
    const cache = memory();
    let now = 1000;
    for (const hours of [1, 2, 4, 8, 16, 32, 64, 64]) {
      cache.avoid(HERE, now);
      assert.equal(cache.find(HERE, now + hours * FAST_OPEN_AVOID_MS - 1), null, `${hours} h`);
      now += hours * FAST_OPEN_AVOID_MS;
      assert.notEqual(cache.find(HERE, now), null, `${hours} h`);
    }
  });

  test('RFC7413 §4.1.3.1: other ports of the server are not concerned', () => {
    const cache = memory();
    cache.avoid(HERE, 0);
    assert.notEqual(cache.find(path('10.9.0.1', 81), 0), null);
    assert.equal(cache.find(path('10.9.0.1', 80, '10.9.0.2', 6000), 0), null, 'our port does not matter');
  });

  test('a success clears the path and begins the count anew', () => {
    const cache = memory();
    cache.avoid(HERE, 0);
    cache.avoid(HERE, 0);
    cache.learn(HERE, null, 1000);
    assert.notEqual(cache.find(HERE, 0), null);
    cache.avoid(HERE, 0);
    assert.notEqual(cache.find(HERE, FAST_OPEN_AVOID_MS), null);
  });

  test('are bounded as well', () => {
    const cache = memory(2);
    const paths = [path('10.0.0.1'), path('10.0.0.2'), path('10.0.0.3')];
    for (const each of paths) cache.avoid(each, 0);
    assert.deepEqual(
      paths.map((each) => cache.find(each, 0) === null),
      [false, true, true],
    );
  });
});
