// Claims: what is alive, what is dead, and that nothing but claims is read.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as ownership from '../../src/cli/ownership.js';
import { startTimeOf } from '../../src/native/process-identity.js';

const folder = mkdtempSync(join(tmpdir(), 'synwave-claims-'));
const before = process.env[ownership.RUNTIME_VARIABLE];
process.env[ownership.RUNTIME_VARIABLE] = folder;
after(() => {
  if (before === undefined) delete process.env[ownership.RUNTIME_VARIABLE];
  else process.env[ownership.RUNTIME_VARIABLE] = before;
  rmSync(folder, { recursive: true, force: true });
});

test('a claim is alive as long as its very process is', {
  skip: process.platform !== 'linux' && 'no /proc',
}, async () => {
  const own = ownership.newMarker('space', 'test', false);
  assert.equal(ownership.isAlive(own), true);
  assert.equal(ownership.isAlive({ ...own, startTime: '1' }), false, 'a later process of the same number');
  assert.equal(ownership.isAlive({ ...own, bootId: 'another boot' }), false);
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const startTime = startTimeOf(child.pid!)!;
  const foreign = { ...own, pid: child.pid!, startTime };
  assert.equal(ownership.isAlive(foreign), true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(ownership.isAlive(foreign), false);
});

test('what `up` made is alive without a process', () => {
  assert.equal(ownership.isAlive(ownership.newMarker('space', 'up', true)), true);
});

test('claims are written, read and taken back; other files are passed over', () => {
  const path = ownership.writeMarker({ ...ownership.newMarker('space', 'test', false), devices: ['lab0'] });
  for (const [name, text] of [
    ['broken.json', '{'],
    ['null.json', 'null'],
    ['foreign.json', '{"version":2,"netns":"x"}'],
    ['note.txt', 'x'],
  ] as const) {
    writeFileSync(join(folder, name), text);
  }
  assert.deepEqual(
    ownership.readMarkers().map(({ marker }) => [marker.netns, marker.devices, marker.pid]),
    [['space', ['lab0'], process.pid]],
  );
  ownership.removeMarker(path);
  assert.deepEqual(ownership.readMarkers(), []);
});
