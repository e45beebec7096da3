// A day of sockets: `close` exactly once, `error` at most once and before it, nothing after it, and nothing left at the end.
// SYNWAVE_SIM_SEEDS=n lives n days.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocketDay } from './socket-life.js';

const SEEDS = Math.min(Number(process.env.SYNWAVE_SIM_SEEDS ?? 1), 200);
const HOURS = 24;

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`24 hours of sockets, seed ${seed}`, async () => {
    const { offences, counts } = await new SocketDay(seed).live(HOURS);
    assert.deepEqual(offences, [], `seed ${seed}`);
    // A day on which little happens proves little.
    for (const what of [
      'connect',
      'accepts',
      'data',
      'end',
      'finish',
      'drain',
      'timeout',
      'error',
      'close',
      'drops',
    ]) {
      assert.ok((counts[what] ?? 0) >= 20, `seed ${seed}: ${what} happened ${counts[what] ?? 0} times`);
    }
  });
}
