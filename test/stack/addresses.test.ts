import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LocalAddresses } from '../../src/stack/addresses.js';
import type { IpAddress } from '../../src/wire/address.js';
import { ip } from './test-link.js';

const ours = new LocalAddresses(['10.9.0.2/24', '192.168.7.1/31', '172.16.0.1/12', 'fd00:9::2/64']);

function words(address: IpAddress): [number, number, number, number] {
  return [address.w0, address.w1, address.w2, address.w3];
}

describe('local addresses', () => {
  it('knows its own', () => {
    for (const text of ['10.9.0.2', '192.168.7.1', 'fd00:9::2']) {
      assert.equal(String(ours.find(...words(ip(text)))), text);
    }
    for (const text of ['10.9.0.3', 'fd00:9::3', '::2']) assert.equal(ours.owns(ip(text)), false);
  });

  it('knows the broadcast addresses of its subnets, where there are any (RFC 3021)', () => {
    for (const text of ['255.255.255.255', '10.9.0.255', '10.9.0.0', '172.31.255.255', '172.16.0.0']) {
      assert.ok(ours.isBroadcast(...words(ip(text))), text);
    }
    for (const text of ['10.9.1.255', '10.9.0.254', '192.168.7.0', '172.15.255.255', 'ff02::1']) {
      assert.ok(!ours.isBroadcast(...words(ip(text))), text);
    }
  });

  it('RFC9293 MUST-63: knows sources that no packet may bear', () => {
    const martians =
      '0.0.0.0 0.1.2.3 127.0.0.1 127.255.0.1 224.0.0.1 239.1.2.3 240.0.0.1 255.255.255.255 10.9.0.255 10.9.0.2 :: ::1 ff02::1 fd00:9::2';
    for (const text of martians.split(' ')) assert.ok(ours.isMartianSource(...words(ip(text))), text);
    for (const text of ['10.9.0.1', '8.8.8.8', '223.255.255.1', 'fe80::1', '2001:db8::1']) {
      assert.ok(!ours.isMartianSource(...words(ip(text))), text);
    }
  });

  it('RFC9293 MUST-44: chooses the source by the longest prefix', () => {
    for (const [remote, source] of [
      ['10.9.0.77', '10.9.0.2'],
      ['192.168.7.0', '192.168.7.1'],
      ['172.20.1.1', '172.16.0.1'],
      ['8.8.8.8', '10.9.0.2'],
      ['172.16.0.1', '172.16.0.1'],
      ['2001:db8::1', 'fd00:9::2'],
    ]) {
      assert.equal(String(ours.sourceFor(ip(remote!))), source, remote);
    }
    assert.equal(ours.sourceFor(ip('127.0.0.1')), null);
    assert.equal(new LocalAddresses(['10.9.0.2/24']).sourceFor(ip('fd00:9::1')), null);
    assert.equal(String(new LocalAddresses(['127.0.0.1/8']).sourceFor(ip('127.0.0.1'))), '127.0.0.1');
  });

  it('refuses what no host can have, naming the remedy', () => {
    for (const text of ['', '10.9.0', '10.9.0.2/33', '10.9.0.2/', '10.9.0.2/x', '1.2.3.4/8/9', '::1/129']) {
      assert.throws(() => new LocalAddresses([text]), { code: 'EINVAL', errno: -22 }, text);
    }
    for (const text of ['224.0.0.1/4', '0.0.0.0', '255.255.255.255', '::', 'ff02::1']) {
      assert.throws(() => new LocalAddresses([text]), /no host can own/, text);
    }
  });
});
