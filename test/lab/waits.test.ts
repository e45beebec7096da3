// What scripts wait for has words in both languages.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Wait, WaitedInVain, waitText } from '../../src/lab/waits.js';

const HAN = /\p{Script=Han}/u;

test('every condition that a scenario waits for is told in Chinese', () => {
  const folder = join(process.cwd(), 'src/lab/scenarios');
  let seen = 0;
  for (const name of readdirSync(folder)) {
    const source = readFileSync(join(folder, name), 'utf8');
    for (const [, what] of source.matchAll(/\buntil\(\s*'([^']+)'/g)) {
      seen++;
      assert.match(waitText(what as Wait).zh, HAN, `${name}: ${what}`);
    }
  }
  assert.ok(seen > 100, `${seen} waits found`);
});

test('states and numbers keep their names', () => {
  assert.equal(waitText('A is in FIN-WAIT-2').zh, 'A 进入 FIN-WAIT-2');
  assert.equal(waitText('B has 3000 bytes').zh, 'B 收到 3000 字节');
});

test('what did not come about is said with the states at the end of the wait', () => {
  const { message, sentence } = new WaitedInVain('A has all', 'ESTABLISHED', 'CLOSED');
  assert.equal(message, 'waited in vain until A has all (A ESTABLISHED, B CLOSED)');
  assert.deepEqual(sentence, { en: message, zh: '没有等到：A 收到全部数据（A ESTABLISHED，B CLOSED）' });
});
