// `--link memory`: the verbs without any right, with a second stack in the same process.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

function synwave(words: readonly string[], input = '') {
  return spawnSync(process.execPath, [MAIN, ...words, '--link', 'memory'], { input, encoding: 'utf8' });
}

test('get and connect find the services of the other stack', () => {
  const page = synwave(['get', 'http://10.9.0.1/']);
  assert.deepEqual([page.status, page.stdout], [0, 'hello from the other stack\n'], page.stderr);
  const echoed = synwave(['connect', '10.9.0.1', '7', '-N'], 'there and back\n');
  assert.deepEqual([echoed.status, echoed.stdout], [0, 'there and back\n'], echoed.stderr);
});

test('listen is visited', () => {
  const heard = synwave(['listen', '8000', '-N']);
  assert.deepEqual([heard.status, heard.stdout], [0, 'hello from the other stack\n'], heard.stderr);
});

test('serve is visited once on every port', async () => {
  const words = ['serve', '--echo', '7', '--chargen', '19', '--http', '80:.', '--link', 'memory', '--json'];
  const program = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let document = '';
  let interrupted = false;
  program.stdout.on('data', (chunk) => {
    document += chunk;
  });
  program.stderr.on('data', (chunk) => {
    said += chunk;
    if (interrupted || (said.match(/visited/g) ?? []).length < 3) return;
    interrupted = true;
    program.kill('SIGINT');
  });
  const [status] = await once(program, 'close');
  assert.equal(status, 130, said);
  assert.match(said, /visited echo on 7: 27 bytes there, 27 back/);
  assert.match(said, /visited http on 80: 18 bytes there, \d{2,} back/);
  const { link, connections } = JSON.parse(document) as { link: string; connections: number };
  assert.deepEqual([link, connections], ['memory', 3]);
});
