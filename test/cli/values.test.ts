// The values of options: what is read, and what is refused with exit code 2.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliFailure } from '../../src/cli/failure.js';
import { formatLink, parseLink } from '../../src/cli/link-choice.js';
import { GENERAL_OPTIONS, parseWords, readStackSettings, STACK_OPTIONS } from '../../src/cli/options.js';
import * as values from '../../src/cli/values.js';
import { newReno } from '../../src/tcp/congestion/newreno.js';

function refused(action: () => unknown): boolean {
  assert.throws(
    action,
    (error) => error instanceof CliFailure && error.exitCode === 2 && error.message !== '',
  );
  return true;
}

test('durations, shares, ports, numbers', () => {
  assert.deepEqual(
    ['30ms', '1.5s', '2m', '250', '500us'].map((text) => values.parseDuration(text, 'x')),
    [30, 1500, 120_000, 250, 0.5],
  );
  assert.equal(values.parseDuration('2', 'x', 's'), 2000);
  assert.deepEqual(
    ['2%', '0.02', '100%', '0'].map((text) => values.parseShare(text, 'x')),
    [0.02, 0.02, 1, 0],
  );
  assert.equal(values.parsePort('65535', 'x'), 65_535);
  for (const text of ['', '-1', '1e3', '65536', '0', ' 80', '80x'])
    refused(() => values.parsePort(text, 'x'));
  for (const text of ['', 'ms', '-1s', '1h', '1 s']) refused(() => values.parseDuration(text, 'x'));
  for (const text of ['', '101%', '2', '-1%', 'x']) refused(() => values.parseShare(text, 'x'));
  for (const text of ['', '1.5', 'NaN', '11']) refused(() => values.parseInteger(text, 'x', 0, 10));
});

test('addresses and networks', () => {
  const own = values.parseAddress('10.9.0.2', 'x');
  assert.equal(own.prefix, 24);
  assert.equal(values.parseAddress('fd00:9::2', 'x').prefix, 64);
  assert.equal(values.sameNetwork(own, values.parseAddress('10.9.0.255', 'x').address), true);
  assert.equal(values.sameNetwork(own, values.parseAddress('10.9.1.2', 'x').address), false);
  assert.equal(values.sameNetwork(own, values.parseAddress('::', 'x').address), false);
  const six = values.parseAddress('fd00:9::2/64', 'x');
  assert.equal(values.sameNetwork(six, values.parseAddress('fd00:9:0:0:ffff::1', 'x').address), true);
  assert.equal(values.sameNetwork(six, values.parseAddress('fd00:9:0:1::1', 'x').address), false);
  for (const text of ['', '10.9.0', '10.9.0.2/33', '10.9.0.2/', 'fd00::/129', 'host']) {
    refused(() => values.parseAddress(text, 'x'));
  }
});

test('names, links, initial sequence numbers', () => {
  const written = ['tun:lab0', 'raw:192.0.2.7', 'raw:192.0.2.7,2001:db8::7', 'memory'];
  for (const text of written) assert.equal(formatLink(parseLink(text)), text);
  assert.deepEqual(parseLink('tun:lab0'), { kind: 'tun', device: 'lab0' });
  for (const text of [
    'lab0',
    'tun:',
    'eth:eth0',
    'tun:../x',
    'tun:name-of-16-chars',
    'raw:eth0',
    'raw:',
    'memory:1',
  ]) {
    refused(() => parseLink(text));
  }
  assert.deepEqual(['rfc6528', 'fixed', 'fixed:0xffffffff', 'fixed:7'].map(values.parseIsn), [
    null,
    0x10000000,
    0xffffffff,
    7,
  ]);
  for (const text of ['', 'fixed:', 'fixed:4294967296', 'random']) refused(() => values.parseIsn(text));
  assert.deepEqual(values.parsePortAndDirectory('8080:/srv/x:y', 'x'), { port: 8080, directory: '/srv/x:y' });
  assert.deepEqual(values.parsePortAndDirectory('./site', 'x'), { port: 80, directory: './site' });
});

function settingsOf(...words: string[]) {
  return readStackSettings(parseWords('echo', words, { ...GENERAL_OPTIONS, ...STACK_OPTIONS }, {}).values);
}

test('the settings of a stack: defaults, peers, faults, verbosity', () => {
  const plain = settingsOf();
  assert.deepEqual(
    [plain.netns, formatLink(plain.link), plain.verbosity, plain.impairment],
    ['synwave', 'tun:lab0', 0, null],
  );
  assert.deepEqual(plain.hostAddresses, ['10.9.0.1/24']);
  assert.deepEqual(settingsOf('--addr', '10.9.0.1/24').hostAddresses, ['10.9.0.2/24']);
  assert.deepEqual(settingsOf('--addr', '10.1.2.3/16', '--addr', 'fd00::9/64').hostAddresses, [
    '10.1.0.1/16',
    'fd00::1/64',
  ]);
  assert.deepEqual(settingsOf('--peer', '10.9.0.77').hostAddresses, ['10.9.0.77/24']);
  const raw = settingsOf('--link', 'raw:192.0.2.7,2001:db8::7');
  assert.deepEqual([raw.netns, raw.hostAddresses], ['host', []], 'the host’s own namespace, and any peer');
  assert.deepEqual(
    raw.addresses.map((own) => `${own.address}/${own.prefix}`),
    ['192.0.2.7/32', '2001:db8::7/128'],
  );
  refused(() => settingsOf('--link', 'raw:192.0.2.7', '--addr', '10.9.0.2/24'));
  assert.equal(settingsOf('--link', 'memory').netns, 'host');
  assert.equal(settingsOf('-vv').verbosity, 2);
  assert.equal(settingsOf('-v', '-q').verbosity, -1);
  assert.equal(settingsOf('--msl', '2').mslMs, 2000);
  assert.deepEqual(settingsOf().connection, { synData: 'queue' });
  assert.deepEqual(settingsOf('--msl', '2', '--no-ws', '--syn-data', 'discard', '--cc', 'reno').connection, {
    synData: 'discard',
    windowScale: -1,
    mslMs: 2000,
    congestion: newReno,
  });
  assert.deepEqual(settingsOf('--fast-open', '--syn-cookies', 'always').connection, {
    synData: 'queue',
    fastOpen: true,
    synCookies: 'always',
  });
  const faulty = settingsOf(
    '--loss',
    '5%',
    '--rule',
    'drop dir=out flags=FA nth=1',
    '--seed',
    '9',
  ).impairment;
  assert.deepEqual(
    [faulty?.out, faulty?.in, faulty?.seed, faulty?.rules.length],
    [{ loss: 0.05 }, { loss: 0.05 }, 9, 1],
  );
  for (const words of [
    ['--peer', '10.8.0.1'],
    ['--peer', '10.9.0.2'],
    ['--addr', '10.9.0.2/32'],
    ['--mtu', '100'],
    ['--cc', 'vegas'],
    ['--syn-data', 'deliver'],
    ['--syn-cookies', 'never'],
    ['--frob'],
    ['--loss'],
    ['--lang', 'fr'],
    ['--netns', '../../etc'],
  ]) {
    refused(() => settingsOf(...words));
  }
});

test('faults of each way: one value for both, or two', () => {
  const faults = (...words: string[]) => settingsOf(...words).impairment;
  assert.equal(faults('--loss', '0', '--rate', '1mbit,1k')?.in.rate, 1000);
  assert.equal(faults('--loss', '0'), null);
  assert.equal(faults('--seed', '3'), null);
  const words = ['--loss', '2%,0', '--delay', '5ms,500us', '--rate', '10mbit', '--queue', '64KiB,15k'];
  assert.deepEqual(faults(...words), {
    seed: 1,
    out: { loss: 0.02, delayMs: 5, rate: 10e6, queueBytes: 65_536 },
    in: { delayMs: 0.5, rate: 10e6, queueBytes: 15_000 },
    rules: [],
  });
  for (const text of ['1,2,3', '', ',1', '2%,x']) refused(() => faults('--loss', text));
  for (const text of ['', '-1mbit', '10mb', '0']) refused(() => faults('--rate', text));
  for (const text of ['', '0', '10p', 'k']) refused(() => faults('--rate', '1m', '--queue', text));
});

test('bursts: the share is lost in the long run, in bursts of the length that is asked for', () => {
  for (const [text, share, length] of [
    ['1%:5', 0.01, 5],
    ['3%', 0.03, 5],
    ['50%:20', 0.5, 20],
  ] as const) {
    const { enter, leave } = settingsOf('--burst', text).impairment!.out.burstLoss!;
    assert.ok(Math.abs(enter / (enter + leave) - share) < 1e-12, text);
    assert.ok(Math.abs(1 / leave - length) < 1e-9, text);
  }
  assert.deepEqual(settingsOf('--burst', '1%,0').impairment?.in, {});
  for (const text of ['100%', '1%:0', '1%:x', ':5']) refused(() => settingsOf('--burst', text));
});

test('a verb’s own letter wins over a common one', () => {
  const own = { timeout: { type: 'string', short: 'w', help: '' } } as const;
  const { values: parsed } = parseWords('connect', ['-w', '5'], STACK_OPTIONS, own);
  assert.deepEqual([parsed.timeout, parsed.capture], ['5', undefined]);
});
