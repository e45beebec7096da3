// The verb `drill` as users run it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot } from '../../src/native/load.js';
import { SCRIPTS } from '../drill/scripts.js';

const MAIN = join(packageRoot(), 'dist/src/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'synwave-drill-'));
after(() => rmSync(folder, { recursive: true }));

const GOOD = join(SCRIPTS, 'handshake/passive-open.pkt');
const BAD = join(folder, 'bad.pkt');
writeFileSync(BAD, '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = -1 EINVAL\n');
const UNREADABLE = join(folder, 'unreadable.pkt');
writeFileSync(UNREADABLE, '0 socket(');
const FOREIGN = join(folder, 'foreign.pkt');
writeFileSync(FOREIGN, '0 `reboot`\n+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n');

function drill(...words: string[]) {
  return spawnSync(process.execPath, [MAIN, 'drill', ...words], { encoding: 'utf8' });
}

test('TAP on stdout, the summary on stderr; 1 when a script fails', () => {
  const { status, stdout, stderr } = drill(GOOD, BAD, FOREIGN, UNREADABLE);
  assert.equal(status, 1);
  const points = stdout.split('\n').filter((line) => /^(TAP|1\.\.|ok|not ok)/.test(line));
  assert.deepEqual(points, [
    'TAP version 14',
    '1..4',
    `ok 1 - ${GOOD}`,
    `not ok 2 - ${BAD}`,
    `ok 3 - ${FOREIGN} # SKIP line 1: no shell runs here, and the command "reboot" is none of those that are understood`,
    `not ok 4 - ${UNREADABLE}`,
  ]);
  assert.match(
    stdout,
    /bad\.pkt:2: listen\(\) returned another result\n +expected {2}-1 EINVAL\n +got {7}0\n/,
  );
  assert.match(stdout, /unreadable\.pkt:1: syntax error in column 10: expected a value/);
  assert.equal(stderr, '1 passed, 2 failed, 1 skipped\n');
});

test('0 when all pass or are skipped', () => {
  assert.equal(drill('--strict', '-q', GOOD, FOREIGN).status, 0);
});

test('--json: one document', () => {
  const { status, stdout } = drill('--json', GOOD, BAD);
  assert.equal(status, 1);
  const document = JSON.parse(stdout);
  assert.deepEqual(
    [document.ok, document.passed, document.failed, document.skipped, document.scripts.length],
    [false, 1, 1, 0, 2],
  );
  assert.deepEqual(document.scripts[1].failure, {
    line: 2,
    message: 'listen() returned another result',
    expected: '-1 EINVAL',
    got: '0',
  });
  assert.ok(document.scripts[0].proves.includes('RFC9293 MUST-14'));
});

test('--pcap: a capture of one script, a folder for several; --trace: what happens, as it does', () => {
  const one = join(folder, 'one.pcapng');
  const traced = drill('--pcap', one, '--trace', GOOD);
  assert.equal(traced.status, 0);
  assert.match(traced.stderr, /^ +0\.100000 {2}< S 0:0\(0\) win 32792 <mss 1460>$/m);
  assert.equal(readFileSync(one).readUInt32LE(0), 0x0a0d0d0a);
  const many = join(folder, 'captures');
  assert.equal(drill('--pcap', many, GOOD, FOREIGN, join(SCRIPTS, 'handshake/refused.pkt')).status, 0);
  assert.deepEqual(readdirSync(many).sort(), ['passive-open.pcapng', 'refused.pcapng']);
});

test('usage: no script, no such file, no such peer', () => {
  assert.equal(drill().status, 2);
  assert.match(drill().stderr, /name one or more files/);
  assert.equal(drill(join(folder, 'nowhere.pkt')).status, 3);
  assert.equal(drill('--peer', 'nobody', GOOD).status, 2);
});
