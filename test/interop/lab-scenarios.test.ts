// Every scenario of the lab against the kernel, by the command that people use.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { obstacle } from './lab.js';

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
