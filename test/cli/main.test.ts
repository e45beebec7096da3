// The command as people meet it: help, version, wrong words, and the doctor's document.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

function synwave(words: readonly string[], environment: Record<string, string> = {}) {
  return spawnSync(process.execPath, [MAIN, ...words], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    input: '',
  });
}

test('--version and help go to stdout and end with 0', () => {
  const version = synwave(['--version']);
  assert.deepEqual([version.status, version.stderr], [0, '']);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  const help = synwave(['help']);
  assert.equal(help.status, 0);
  const verbs = [...help.stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map((match) => match[1]!);
  assert.ok(verbs.length >= 11, help.stdout);
  for (const verb of verbs) {
    const one = synwave(['help', verb]);
    assert.equal(one.status, 0);
    assert.match(one.stdout, new RegExp(`^usage: synwave ${verb}`));
    assert.equal(synwave([verb, '--help']).stdout, one.stdout);
    for (const line of one.stdout.split('\n')) assert.ok(line.length <= 130, line);
  }
});

test('wrong words end with 2, and say what to do', () => {
  const cases: [string[], RegExp][] = [
    [[], /usage: synwave VERB/],
    [['frob'], /there is no verb "frob"[\s\S]*one of: doctor/],
    [['echo', '--frob'], /--frob[\s\S]*synwave help echo/],
    [['echo', '7', '8'], /what is "8"/],
    [['connect', '10.9.0.1'], /usage: synwave connect HOST PORT/],
    [['get', 'https://10.9.0.1/'], /not an http URL/],
    [['serve'], /nothing to serve/],
    [['serve', '--echo', '7', '--workers', '0'], /--workers/],
    [['serve', '--echo', '7', '--workers', '300'], /--workers[\s\S]*255/],
    [['echo', '--driver', 'pcap'], /--driver says nothing on --link tun[\s\S]*ethernet:IFACE/],
    [
      ['echo', '--driver', 'dpdk', '--link', 'ethernet:eth0', '--addr', '10.9.0.2/24'],
      /--driver dpdk is neither packet nor pcap[\s\S]*leave it out/,
    ],
    [
      ['echo', '--mac', '02:00:00:00:00:01', '--vlan', '7'],
      /--gateway, --mac and --vlan say nothing on --link tun[\s\S]*ethernet:IFACE and tap:NAME/,
    ],
    [
      ['echo', '--workers', '2', '--link', 'memory'],
      /memory has no queues for --workers[\s\S]*--link tun:NAME/,
    ],
    [['echo', '--workers', '2', '--ladder'], /--ladder draws one stack[\s\S]*leave --workers out/],
    [['http', '--workers', '2', '--loss', '1%'], /one stack, not on several workers/],
    [['echo', '--workers', '2', '-w', '-'], /a capture each[\s\S]*-w run.pcapng/],
    [['echo', '--cc', 'vegas'], /--cc: "vegas"[\s\S]*write one of: .*newreno/],
    [['serve', '--echo', '7', '--discard', '7'], /two services want port 7/],
    [['http', '/nowhere-at-all'], /is not a folder/],
    [['connect', '10.9.0.1', '80', '--json'], /connect has no --json: its stdout is data[\s\S]*--log FILE/],
    [['listen', '80', '--json'], /listen has no --json: its stdout is data[\s\S]*--log FILE/],
    [['sh', '--json', '--', 'true'], /sh has no --json[\s\S]*synwave sh -- CMD --json/],
    [['echo', '--json', '--log', '-'], /stdout carries the output of this verb[\s\S]*--log FILE/],
    [['echo', '--json', '-w', '-'], /stdout carries other output[\s\S]*-w FILE/],
    [['wire', 'lab'], /what is "lab"[\s\S]*--left NAME@NETNS/],
    [['wire', '--json', '-w', '-'], /stdout carries other output[\s\S]*-w FILE/],
    [['wire', '--loss', '200%'], /--loss: "200%" is not a share/],
    [['get', 'http://10.9.0.1/', '-w', '-'], /stdout carries other output[\s\S]*-w FILE/],
  ];
  for (const [words, message] of cases) {
    const result = synwave(words);
    assert.equal(result.status, 2, `${words.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, message);
    assert.equal(result.stdout, '');
  }
});

test('--json stands in the help of the verbs that have it, and says what it prints', () => {
  const has: Record<string, RegExp | null> = {
    doctor: /every check/,
    echo: /connections/,
    http: /connections/,
    serve: /connections/,
    get: /SHA-256/,
    up: /addresses/,
    down: /removed/,
    clean: /removed/,
    wire: /drops by cause/,
    drill: /result of every script/,
    lab: /assertions and verdicts/,
    explain: /rows, states, counts/,
    connect: null,
    listen: null,
    sh: null,
    tap: null,
  };
  const verbs = [...synwave(['help']).stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map((match) => match[1]!);
  assert.deepEqual(verbs.sort(), Object.keys(has).sort());
  for (const [verb, prints] of Object.entries(has)) {
    const line = /^ +--json .*$/m.exec(synwave(['help', verb]).stdout)?.[0];
    if (prints === null) assert.equal(line, undefined, verb);
    else assert.match(line ?? '', prints, verb);
  }
});

test('doctor --json: one document with every check; the exit code tells of a FAIL', () => {
  const claims = mkdtempSync(join(tmpdir(), 'synwave-doctor-'));
  try {
    const result = synwave(['doctor', '--json'], { SYNWAVE_RUNTIME_DIR: claims });
    const { ok, checks } = JSON.parse(result.stdout) as {
      ok: boolean;
      checks: { check: string; verdict: string; meaning?: string; remedy?: string }[];
    };
    const failed = checks.filter((finding) => finding.verdict === 'FAIL');
    assert.equal(ok, failed.length === 0);
    assert.equal(result.status, ok ? 0 : 3);
    const names = checks.map((finding) => finding.check);
    for (const name of [
      'os',
      'node',
      'native',
      'rights',
      'tun-node',
      'tun-create',
      'address-clash',
      'leftovers',
    ]) {
      assert.ok(names.includes(name), name);
    }
    for (const finding of checks) {
      if (finding.verdict === 'FAIL' || finding.verdict === 'warn') {
        assert.ok(finding.meaning && finding.remedy, `${finding.check} says what it means and what to do`);
      }
    }
  } finally {
    rmSync(claims, { recursive: true, force: true });
  }
});

test('doctor without ip on the path: FAIL, remedy, exit code 3', () => {
  const result = synwave(['doctor'], { PATH: '/nonexistent' });
  assert.equal(result.status, 3);
  assert.match(result.stderr, /FAIL {2}iproute2[\s\S]*apt-get install iproute2/);
});
