// The cookies of a stack: whom they are for, who can make them, and when they expire (RFC 7413 §4.1.2).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAST_OPEN_KEY_LIFE_MS, FastOpenKeys } from '../../src/stack/fast-open-cookies.js';
import { ip, seededRandom } from '../stack/test-link.js';

const CLIENT = ip('10.9.0.1');
const SERVER = ip('10.9.0.2');
const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);
const OTHER = Uint8Array.from({ length: 16 }, (_, i) => 255 - i);

function keyed(...keys: Uint8Array[]): FastOpenKeys {
  const made = new FastOpenKeys(seededRandom());
  made.set(keys);
  return made;
}

function judge(keys: FastOpenKeys, cookie: Uint8Array, client = CLIENT, server = SERVER, now = 0): string {
  return keys.judge(client, server, Uint8Array.of(0xee, ...cookie), 1, cookie.length, now);
}

describe('a cookie', () => {
  test('RFC7413 §4.1.2: is good for the client it was made for, and for the server that made it', () => {
    const keys = keyed(KEY);
    const cookie = keys.make(CLIENT, SERVER, 0).slice();
    assert.equal(judge(keys, cookie), 'current');
    assert.equal(judge(keys, cookie, ip('10.9.0.3')), 'wrong');
    assert.equal(judge(keys, cookie, CLIENT, ip('10.9.0.3')), 'wrong');
    assert.equal(judge(keys, cookie, SERVER, CLIENT), 'wrong');
    assert.equal(judge(keyed(OTHER), cookie), 'wrong', 'another key makes others');
  });

  test('RFC7413 §4.1.2: the same over IPv6, where every octet of both addresses counts', () => {
    const keys = keyed(KEY);
    const client = ip('fd00:9::1');
    const server = ip('fd00:9::2');
    const cookie = keys.make(client, server, 0).slice();
    assert.equal(judge(keys, cookie, client, server), 'current');
    for (const other of ['fd01:9::1', 'fd00:9:1::1', 'fd00:9::1:0:1', 'fd00:9::3']) {
      assert.equal(judge(keys, cookie, ip(other), server), 'wrong', other);
      assert.equal(judge(keys, cookie, client, ip(other)), 'wrong', other);
    }
  });

  test('with any octet changed, or cut short, it is wrong', () => {
    const keys = keyed(KEY);
    const cookie = keys.make(CLIENT, SERVER, 0).slice();
    for (let i = 0; i < cookie.length; i++) {
      const bad = cookie.slice();
      bad[i]! ^= 0x10;
      assert.equal(judge(keys, bad), 'wrong', `octet ${i}`);
    }
    assert.equal(judge(keys, cookie.subarray(0, 4)), 'wrong');
    assert.equal(judge(keys, Uint8Array.of(...cookie, 0, 0)), 'wrong');
  });

  test('is SipHash-2-4 of the octets of both addresses: the first test vectors of its authors', () => {
    // Key 00…0f; the messages 00…07 and 00…1f are an IPv4 pair and an IPv6 pair.
    const cookie = keyed(KEY).make(ip('0.1.2.3'), ip('4.5.6.7'), 0);
    assert.equal(Buffer.from(cookie).toString('hex'), '6224939a79f5f593');
    const octets = (from: number) =>
      Array.from({ length: 8 }, (_, i) => Buffer.of(from + 2 * i, from + 2 * i + 1).toString('hex')).join(
        ':',
      );
    const long = keyed(KEY).make(ip(octets(0)), ip(octets(16)), 0);
    assert.equal(Buffer.from(long).toString('hex'), 'ce7cf2722f512771');
  });
});

describe('keys', () => {
  test('RFC7413 §4.1.2: a second one keeps its cookies good while they are replaced', () => {
    const old = keyed(OTHER).make(CLIENT, SERVER, 0).slice();
    const keys = keyed(KEY, OTHER);
    assert.equal(judge(keys, old), 'former');
    assert.notDeepEqual(keys.make(CLIENT, SERVER, 0).slice(), old);
    keys.set([KEY]);
    assert.equal(judge(keys, old), 'wrong');
  });

  test('RFC7413 §4.1.2: those drawn by the stack expire, a life after their last use', () => {
    const keys = new FastOpenKeys(seededRandom(3));
    const begin = 1_000_000;
    const life = FAST_OPEN_KEY_LIFE_MS;
    const cookie = keys.make(CLIENT, SERVER, begin).slice();
    assert.equal(judge(keys, cookie, CLIENT, SERVER, begin + life - 1), 'current');
    assert.equal(judge(keys, cookie, CLIENT, SERVER, begin + life), 'former');
    assert.equal(judge(keys, cookie, CLIENT, SERVER, begin + 2 * life - 1), 'former');
    assert.equal(judge(keys, cookie, CLIENT, SERVER, begin + 2 * life), 'wrong');
    const idle = new FastOpenKeys(seededRandom(3));
    const early = idle.make(CLIENT, SERVER, begin).slice();
    assert.equal(
      judge(idle, early, CLIENT, SERVER, begin + 3 * life),
      'wrong',
      'also when nobody asked meanwhile',
    );
  });

  test('those given stay', () => {
    const keys = keyed(KEY);
    const cookie = keys.make(CLIENT, SERVER, 0).slice();
    assert.equal(judge(keys, cookie, CLIENT, SERVER, 1e12), 'current');
  });

  test('of other than 16 octets, none or three are refused', () => {
    for (const bad of [[], [KEY, KEY, KEY], [KEY.subarray(1)], [KEY, new Uint8Array(17)]]) {
      assert.throws(() => keyed(...bad), { code: 'ERR_OUT_OF_RANGE' });
    }
  });
});
