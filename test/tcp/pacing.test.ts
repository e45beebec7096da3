// The pacer under a timer of 1-ms ticks, as the stack has it. A path of one Mbit/s carries 125 bytes per ms.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pacer, sendQuantum } from '../../src/tcp/pacing.js';
import { Random } from './random.js';

const MSS = 1448;
const KIB_64 = 65_536;
const HALF_TICK_MS = 0.5;

/** A sender with endless data, woken by a wheel that rounds up to full ms, and then by up to `lateMs` late. */
class Bulk {
  readonly pacer = new Pacer(MSS);
  readonly bursts: { at: number; bytes: number }[] = [];
  sent = 0;
  now = 0;
  private wakeAt = 0;

  constructor(
    rate: number,
    private readonly segment = MSS,
    private readonly lateMs = 0,
    private readonly random = new Random(7),
  ) {
    this.pacer.setRate(rate);
  }

  run(untilMs: number): void {
    for (; this.wakeAt <= untilMs; this.burst()) this.now = this.wakeAt;
    this.now = untilMs;
  }

  burst(): void {
    let bytes = 0;
    for (; this.pacer.allows(this.now); bytes += this.segment) this.pacer.onSent(this.segment, this.now);
    this.sent += bytes;
    if (bytes > 0) this.bursts.push({ at: this.now, bytes });
    const at = this.pacer.nextAt(this.now);
    assert.ok(at > this.now, 'a refused sender waits for some time');
    this.wakeAt = Math.ceil(at) + (this.lateMs > 0 ? this.random.next() * this.lateMs : 0);
  }
}

const RATES: readonly [string, number][] = [
  ['1 Mbit/s', 125],
  ['10 Mbit/s', 1250],
  ['100 Mbit/s', 12_500],
  ['1 Gbit/s', 125_000],
  ['10 Gbit/s', 1_250_000],
];

for (const [name, rate] of RATES) {
  test(`BBR §5.6.2: ${name} is kept to the byte with a timer of 1 ms`, () => {
    const bulk = new Bulk(rate);
    const most = sendQuantum(rate, MSS) + MSS;
    for (const ms of [1, 10, 100, 1000, 5000]) {
      bulk.run(ms);
      const due = rate * ms;
      const text = `${bulk.sent} bytes in ${ms} ms, due ${due}`;
      assert.ok(bulk.sent <= due + most, text);
      // The last tick, and the quantum that fills up now, are still to come.
      assert.ok(bulk.sent >= due - most - rate, text);
    }
  });

  test(`BBR §5.6.2: ${name} is kept although the process wakes up to 1 ms late`, () => {
    const bulk = new Bulk(rate, MSS, 1);
    bulk.run(5000);
    const error = Math.abs(bulk.sent - rate * 5000);
    assert.ok(error <= sendQuantum(rate, MSS) + MSS + 2 * rate, `${error}`);
  });
}

test('BBR §5.6.2: large segments of an offload are paid for afterwards', () => {
  const bulk = new Bulk(12_500, KIB_64);
  bulk.run(5000);
  assert.ok(Math.abs(bulk.sent / (12_500 * 5000) - 1) < 0.005, `${bulk.sent}`);
});

test('BBR §5.6.3: a quantum is 1 ms of the rate, at least two segments, at most 64 KiB', () => {
  assert.equal(sendQuantum(10, MSS), 2 * MSS);
  assert.equal(sendQuantum(12_500, MSS), 12_500);
  assert.equal(sendQuantum(1_250_000, MSS), KIB_64);
  assert.equal(sendQuantum(1_250_000, 60_000), 120_000);
});

test('segments leave by the quantum: one timer for many of them', () => {
  const slow = new Bulk(1250);
  slow.run(1000);
  for (const { bytes } of slow.bursts) assert.ok(bytes <= 4 * MSS && bytes >= MSS, `${bytes}`);
  assert.ok(slow.bursts.length <= slow.sent / (2 * MSS) + 1, `${slow.bursts.length} bursts`);
  const fast = new Bulk(12_500);
  fast.run(1000);
  assert.ok(fast.bursts.length <= 1 + 1000, `${fast.bursts.length} bursts for ${fast.sent / MSS} segments`);
});

test('after an idle time no more than one quantum leaves at once', () => {
  for (const [name, rate] of RATES) {
    const bulk = new Bulk(rate);
    bulk.run(50);
    const { pacer } = bulk;
    // The wait ends, a single segment goes, and then there is nothing to send for a long time.
    const resumed = pacer.nextAt(bulk.now);
    assert.equal(pacer.allows(resumed), true);
    pacer.onSent(MSS, resumed);
    bulk.now = resumed + 10_000;
    const before = bulk.sent;
    bulk.burst();
    const burst = bulk.sent - before;
    assert.ok(burst <= sendQuantum(rate, MSS) + MSS, `${name}: ${burst}`);
    assert.ok(burst >= sendQuantum(rate, MSS) - MSS, `${name}: ${burst}`);
  }
});

test('a halt of the process is not made up for: a quantum and 2 ms of the rate, and no flood', () => {
  for (const [name, rate] of RATES) {
    const bulk = new Bulk(rate);
    bulk.run(50);
    bulk.now += 3000;
    const before = bulk.sent;
    bulk.burst();
    const burst = bulk.sent - before;
    assert.ok(burst <= sendQuantum(rate, MSS) + 2 * rate + MSS, `${name}: ${burst}`);
    assert.ok(burst >= sendQuantum(rate, MSS) + 2 * rate - MSS, `${name}: ${burst}`);
  }
});

test('the first quantum leaves at once, also when the clock stands at 0', () => {
  const bulk = new Bulk(1250);
  bulk.burst();
  assert.equal(bulk.sent, 2 * MSS);
});

test('the first quantum is that of the rate', () => {
  const bulk = new Bulk(12_500);
  bulk.burst();
  assert.equal(bulk.sent, Math.ceil(12_500 / MSS) * MSS);
});

test('without a rate nothing waits; a pace begins with one quantum', () => {
  const pacer = new Pacer(MSS);
  assert.equal(pacer.nextAt(5), 5);
  for (let i = 0; i < 1000; i++) {
    assert.equal(pacer.allows(5), true);
    pacer.onSent(MSS, 5);
  }
  pacer.setRate(1250);
  let sent = 0;
  for (; pacer.allows(5); sent += MSS) pacer.onSent(MSS, 5);
  assert.equal(sent, 2 * MSS);
  pacer.setRate(0);
  assert.equal(pacer.allows(5), true);
  assert.equal(pacer.nextAt(5), 5);
});

test('a new rate holds from when it is set: time before it was paid at the old one', () => {
  const pacer = new Pacer(MSS);
  pacer.setRate(100);
  while (pacer.allows(0)) pacer.onSent(1000, 0);
  // Three went where less than that was due. 10 ms at 100 bytes per ms pay for a part of it.
  const missing = 2 * MSS + (3000 - 2 * MSS) - 10 * 100;
  pacer.setRate(1000);
  assert.equal(pacer.nextAt(10), 10 + missing / 1000 - HALF_TICK_MS);
  pacer.setRate(100);
  assert.equal(pacer.nextAt(10), 10 + missing / 100 - HALF_TICK_MS);
});

test('a wait ends half a tick before the quantum has filled up, and at a fast pace when half of it has', () => {
  for (const [rate, leadMs] of [
    [125, HALF_TICK_MS],
    [12_500, HALF_TICK_MS],
    [1_250_000, (KIB_64 / 1_250_000) * HALF_TICK_MS],
  ] as const) {
    const pacer = new Pacer(MSS);
    pacer.setRate(rate);
    let sent = 0;
    for (; pacer.allows(0); sent += MSS) pacer.onSent(MSS, 0);
    const at = sent / rate - leadMs;
    assert.ok(Math.abs(pacer.nextAt(0) - at) < 1e-9, `${rate}: ${pacer.nextAt(0)} instead of ${at}`);
    assert.equal(pacer.allows(at - 0.01), false);
    assert.equal(pacer.allows(at), true);
  }
});

test('RFC 6928: the segments of an initial window leave at once, and the pace begins with a quantum after them', () => {
  for (const unpaced of [1, 10]) {
    const pacer = new Pacer(MSS, unpaced);
    pacer.setRate(1250);
    let sent = 0;
    for (; pacer.allows(0) && sent < 100; sent++) {
      assert.equal(pacer.nextAt(0), 0);
      pacer.onSent(MSS, 0);
    }
    assert.equal(sent, unpaced + 2);
  }
});

test('RFC 6928: a window spent without a pace is spent, and a larger segment size does not give it back', () => {
  const pacer = new Pacer(MSS, 10);
  for (let i = 0; i < 10; i++) pacer.onSent(MSS, 0);
  pacer.setMss(2 * MSS);
  pacer.setRate(1250);
  let sent = 0;
  for (; pacer.allows(0); sent++) pacer.onSent(2 * MSS, 0);
  assert.equal(sent, 2);
});

test('a larger segment size makes larger quanta', () => {
  const pacer = new Pacer(MSS);
  pacer.setRate(100);
  assert.equal(pacer.quantumBytes, 2 * MSS);
  pacer.setMss(9000);
  assert.equal(pacer.quantumBytes, 18_000);
});

test('what may leave at nextAt does leave then, at any rate and any time of the clock', () => {
  const random = new Random(3);
  for (let i = 0; i < 2000; i++) {
    const pacer = new Pacer(MSS);
    const rate = 10 ** (random.next() * 6);
    let now = 10 ** (random.next() * 9);
    pacer.setRate(rate);
    for (let burst = 0; burst < 5; burst++) {
      for (; pacer.allows(now); ) pacer.onSent(1 + Math.floor(random.next() * MSS), now);
      now = pacer.nextAt(now);
      assert.equal(pacer.allows(now), true, `rate ${rate}, time ${now}`);
    }
  }
});

/** A pace of 1 byte per ms and quanta of 2000. */
function slow(): Pacer {
  const pacer = new Pacer(1000);
  pacer.setRate(1);
  return pacer;
}

test('BBR §5.6.2: the last byte of credit lets a segment go; then a whole quantum is waited for', () => {
  const pacer = slow();
  pacer.onSent(1999, 0);
  assert.equal(pacer.nextAt(0), 0);
  assert.equal(pacer.allows(0), true);
  pacer.onSent(1, 0);
  assert.equal(pacer.nextAt(0), 2000 - HALF_TICK_MS);
  assert.equal(pacer.allows(0), false);
  for (const now of [1, 1000, 1998]) assert.equal(pacer.allows(now), false, `${now}`);
  assert.equal(pacer.allows(1998.5), true, 'one byte more may be missing, by rounding');
});

test('who was refused may go at once when the quantum has filled up meanwhile', () => {
  const pacer = slow();
  pacer.onSent(2000, 0);
  assert.equal(pacer.allows(0), false);
  assert.equal(pacer.nextAt(2000), 2000);
  assert.equal(pacer.nextAt(3000), 3000);
});

test('what leaves without having been asked for is paid for as well, from the credit of that time', () => {
  const pacer = slow();
  pacer.onSent(1000, 5000);
  assert.equal(pacer.allows(5000), true);
  pacer.onSent(1000, 5000);
  assert.equal(pacer.allows(5000), false);
});

test('however slow the pace is, another one is no new credit', () => {
  const pacer = new Pacer(1000);
  pacer.setRate(0.5);
  pacer.onSent(2000, 0);
  pacer.setRate(0.6);
  assert.equal(pacer.allows(0), false);
  pacer.setRate(0.5);
  assert.equal(pacer.allows(0), false);
});

test('a pace that was given up and set anew begins with a quantum, also for who was waiting', () => {
  const pacer = slow();
  pacer.onSent(2000, 0);
  assert.equal(pacer.allows(0), false);
  pacer.setRate(0);
  pacer.setRate(1);
  assert.equal(pacer.nextAt(0), 0);
  assert.equal(pacer.allows(0), true);
});
