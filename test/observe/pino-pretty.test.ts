// The log as pino-pretty shows it with the configuration that is shipped.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const PRETTY = join(dirname(createRequire(import.meta.url).resolve('pino-pretty')), 'bin.js');

const RECORDS = [
  {
    level: 30,
    time: 1_795_324_756_306.923,
    conn: 'c7',
    ev: 'state',
    rule: 'RFC9293-3.10.7.4',
    seg: { dir: 'in', flags: 'A', seq: 1, ack: 1, len: 0 },
    why: 'ACK covers our SYN',
    msg: 'SYN-RECEIVED → ESTABLISHED (ACK covers our SYN)',
  },
  {
    level: 20,
    time: 1_795_324_756_307.1,
    conn: 'c7',
    ev: 'seg',
    dir: 'out',
    msg: '[FIN,ACK] seq=4 ack=1 len=0 win=64240',
  },
  { level: 20, time: 1_795_324_756_307.2, conn: 'c7', ev: 'timer', timer: 'rto', msg: 'rto start 200 ms' },
  {
    level: 40,
    time: 1_795_324_756_308,
    conn: 'c7',
    ev: 'drop',
    rule: 'RFC7323-5.3',
    msg: 'TSval older than TS.Recent (PAWS), replied ACK',
  },
  { level: 50, time: 1_795_324_756_309, msg: 'a record of another program' },
];

test('log: pino-pretty with the shipped configuration shows a line a record', () => {
  const result = spawnSync(
    process.execPath,
    [PRETTY, '--config', join(ROOT, 'synwave.pretty.cjs'), '--no-colorize'],
    {
      input: RECORDS.map((record) => JSON.stringify(record)).join('\n'),
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    },
  );
  assert.equal(result.status, 0, result.stderr);
  assert.deepEqual(result.stdout.trimEnd().split('\n'), [
    '[05:19:16.306] INFO: c7   STATE  SYN-RECEIVED → ESTABLISHED (ACK covers our SYN)  [RFC9293-3.10.7.4]',
    '[05:19:16.307] DEBUG: c7     -->  [FIN,ACK] seq=4 ack=1 len=0 win=64240',
    '[05:19:16.307] DEBUG: c7   TIMER  rto start 200 ms',
    '[05:19:16.308] WARN: c7   DROP   TSval older than TS.Recent (PAWS), replied ACK',
    '[05:19:16.309] ERROR: a record of another program',
  ]);
});
