// IP addresses as text and as words.
import assert from 'node:assert/strict';
import { isIP, isIPv6 } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { IpAddress } from '../../src/wire/index.js';
import { randomFrom } from './slab.js';

describe('IpAddress', () => {
  test('what is printed is parsed again, for every pattern of zero groups', () => {
    for (let pattern = 0; pattern < 256; pattern++) {
      const group = (i: number) => (pattern & (1 << i) ? 0xab00 + i : 0);
      const word = (i: number) => (group(i) << 16) | group(i + 1);
      const address = new IpAddress(word(0), word(2), word(4), word(6));
      const text = `${address}`;
      assert.ok(isIP(text), text);
      assert.ok(IpAddress.parse(text)?.equals(address), text);
    }
  });

  test('RFC 5952: the longest run of two or more zero groups is shortened, the first of equals', () => {
    for (const [text, printed] of [
      ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['0:0:0:0:0:0:0:1', '::1'],
      ['1:0:0:0:0:0:0:0', '1::'],
      ['::ffff:10.9.0.1', '10.9.0.1'],
      ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ] as const) {
      assert.equal(`${IpAddress.parse(text)}`, printed);
    }
  });

  test('dotted groups stand only at the end', () => {
    for (const text of ['1.2.3.4::', '1:1.2.3.4::', '1.2.3.4::1', '::1.2.3.4:5', '1:2:3:4:5:6:7:1.2.3.4']) {
      assert.equal(IpAddress.parse(text), null, text);
    }
    assert.equal(`${IpAddress.parse('1:2:3:4:5:6:1.2.3.4')}`, '1:2:3:4:5:6:102:304');
  });

  test('agrees with node:net on what is an address', () => {
    const random = randomFrom(11);
    const parts = ['1', 'ab', 'ffff', '0', ':', ':', ':', '::', '.', '1.2.3.4', '255', '256', '01', 'g', ''];
    const check = (text: string) => {
      assert.equal(IpAddress.parse(text) !== null, isIP(text) !== 0, JSON.stringify(text));
    };
    for (let i = 0; i < 20_000; i++) {
      let text = '';
      for (let n = random(12); n >= 0; n--) text += parts[random(parts.length)];
      check(text);
    }
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), check), { seed: 12, numRuns: 1000 });
    assert.ok(isIPv6('::'));
  });
});
