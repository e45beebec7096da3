// Every scenario of the lab against the kernel, by the command that people use.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { obstacle, until } from './lab.js';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

test('synwave lab run --all --peer kernel', { skip: obstacle('tshark', 'python3') }, () => {
  const result = spawnSync(process.execPath, [CLI, 'lab', 'run', '--all', '--peer', 'kernel', '--json'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(result.status, 0, result.stderr);
  const { runs, noJudge } = JSON.parse(result.stdout) as { runs: { ok: boolean }[]; noJudge: string | null };
  assert.equal(noJudge, null);
  assert.ok(runs.length > 0 && runs.every(({ ok }) => ok));
});

test('an interrupted run leaves no namespace behind', { skip: obstacle('python3') }, async () => {
  const child = spawn(process.execPath, [CLI, 'lab', 'run', 'T18', '--peer', 'kernel']);
  const ended = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  const mine = () => readdirSync('/run/netns').filter((name) => name.startsWith(`lab-T18-${child.pid}-`));
  await until('the namespace is there', () => existsSync('/run/netns') && mine().length === 1);
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  assert.deepEqual(mine(), []);
});
