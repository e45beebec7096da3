// The guard's rules as text, and the names by which the code of an error is found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, explainSocketError } from '../../src/link/raw-errors.js';
import { guardRules, iptablesRemedy } from '../../src/link/raw-guard.js';
import { IpAddress } from '../../src/wire/address.js';

const scope = {
  addresses: ['10.9.0.2', 'fd00:9::2', '10.9.0.3'].map((text) => IpAddress.parse(text)!),
  ports: [
    { first: 7, last: 7 },
    { first: 61_000, last: 65_535 },
  ],
  netns: undefined,
};

test('the rules drop RSTs of these addresses and ports only, and none that is marked as ours', () => {
  const text = guardRules('synwave_1_2_3_4', scope);
  const rules = text.split('\n').filter((line) => line.includes('drop'));
  assert.deepEqual(
    rules.map((line) => line.trim()),
    [
      'ip saddr { 10.9.0.2, 10.9.0.3 } tcp sport @ports tcp flags & rst == rst meta mark != 0x73796e77 counter drop',
      'ip6 saddr { fd00:9::2 } tcp sport @ports tcp flags & rst == rst meta mark != 0x73796e77 counter drop',
    ],
  );
  assert.match(text, /type filter hook output/);
  assert.match(text, /elements = \{ 7, 61000-65535 \}/);
});

test('the remedy without nft is one line for each address', () => {
  const [first, second] = iptablesRemedy(scope).split('; ');
  assert.equal(
    first,
    'iptables -I OUTPUT -s 10.9.0.2 -p tcp -m multiport --sports 7,61000:65535 --tcp-flags RST RST ' +
      '-m mark ! --mark 0x73796e77 -j DROP',
  );
  assert.match(second!, /^ip6tables -I OUTPUT -s fd00:9::2 /);
});

test('texts of strerror become codes, of glibc and of musl', () => {
  for (const [text, code] of [
    ['Resource temporarily unavailable', 'EAGAIN'],
    ['Operation not permitted', 'EPERM'],
    ['Message too long', 'EMSGSIZE'],
    ['Message too large', 'EMSGSIZE'],
    ['No buffer space available', 'ENOBUFS'],
    ['Network is unreachable', 'ENETUNREACH'],
    ['Network unreachable', 'ENETUNREACH'],
    ['No route to host', 'EHOSTUNREACH'],
    ['Network is down', 'ENETDOWN'],
    ['Bad file descriptor', 'EBADF'],
    ['Invalid argument', 'EINVAL'],
    ['Address family not supported by protocol', 'EAFNOSUPPORT'],
    ['Too many open files', 'EMFILE'],
    ['gibberish', 'EUNKNOWN'],
  ] as const) {
    assert.equal(codeOf(new Error(text)), code, text);
  }
});

test('a socket that is refused: the capability is named, and the family that is missing', () => {
  const denied = explainSocketError(new Error('Operation not permitted'), 4);
  assert.equal(denied.code, 'EPERM');
  assert.match(denied.message, /CAP_NET_RAW is missing.*sudo.*--cap-add NET_RAW/);
  const absent = explainSocketError(new Error('Address family not supported by protocol'), 6);
  assert.match(absent.message, /no IPv6.*other family/);
});
