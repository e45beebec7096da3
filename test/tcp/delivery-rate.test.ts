// Delivery rate estimation, draft-ietf-ccwg-bbr §4.1.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeliveryRate } from '../../src/tcp/delivery-rate.js';

const SIZE = 1000;

/** What a sender remembers of a segment. */
interface Sent {
  at: number;
  delivered: number;
  deliveredAt: number;
  firstSentAt: number;
  isAppLimited: boolean;
}

class Sender {
  readonly rate = new DeliveryRate();
  inFlight = 0;

  send(at: number): Sent {
    this.rate.onSend(at, this.inFlight === 0);
    this.inFlight += SIZE;
    const { delivered, deliveredAt, firstSentAt, isAppLimited } = this.rate;
    return { at, delivered, deliveredAt, firstSentAt, isAppLimited };
  }

  /** One acknowledgment of all of them; the last is the one that was sent last. */
  acknowledge(segments: readonly Sent[], now: number, minRttMs = 0): number {
    this.inFlight -= segments.length * SIZE;
    this.rate.onDelivered(segments.length * SIZE, now);
    const s = segments.at(-1)!;
    return this.rate.sample(now, s.at, s.delivered, s.deliveredAt, s.firstSentAt, s.isAppLimited, minRttMs);
  }
}

test('BBR §4.1.1.2: the rate is what was delivered over the time of one flight, as spaced by the bottleneck', () => {
  const sender = new Sender();
  // A path of 10 ms and 2 ms for each segment; each ACK lets one more go. The first flight leaves in one burst.
  let flight = [0, 0, 0, 0, 0].map((at) => sender.send(at));
  let rates: number[] = [];
  for (let round = 0; round < 3; round++) {
    const next: Sent[] = [];
    rates = flight.map((segment, i) => {
      const now = 12 + 10 * round + 2 * i;
      const rate = sender.acknowledge([segment], now);
      next.push(sender.send(now));
      return rate;
    });
    flight = next;
  }
  assert.deepEqual(rates, [500, 500, 500, 500, 500]);
});

test('BBR §4.1.1.2.4: ACKs in a bunch show no more than the rate at which the data was sent', () => {
  const rate = new DeliveryRate();
  rate.onDelivered(10_000, 25);
  // Acknowledged within 10 ms, but it took 20 ms to send.
  assert.equal(rate.sample(25, 20, 0, 15, 0, false, 5), 10_000 / 20);
  assert.equal(rate.intervalMs, 20);
  // And the other way round.
  assert.equal(rate.sample(25, 20, 0, 5, 15, false, 5), 10_000 / 20);
});

test('BBR §4.1.2.2: idle time before a flight does not count', () => {
  const sender = new Sender();
  sender.acknowledge([sender.send(0)], 10);
  const flight = [5000, 5001].map((at) => sender.send(at));
  assert.equal(sender.acknowledge(flight, 5010), 2000 / 10);
});

test('BBR §4.1.2.3: what is shorter than the least round trip, or takes no time, is no sample', () => {
  const sender = new Sender();
  const first = sender.send(0);
  assert.equal(sender.acknowledge([first], 9, 10), 0);
  assert.equal(sender.acknowledge([sender.send(20)], 30, 10), 100);
  assert.equal(sender.acknowledge([sender.send(40)], 40), 0);
  assert.equal(sender.rate.latestRate, 100);
});

test('BBR §4.1.2.3: bytes delivered behind a hole count, and lost ones do not', () => {
  const sender = new Sender();
  sender.acknowledge([sender.send(0)], 10);
  const [lost, ...rest] = [10, 10, 10, 10].map((at) => sender.send(at));
  assert.ok(lost);
  assert.equal(sender.acknowledge(rest, 20), 300);
  sender.rate.onLost(SIZE);
  assert.equal(sender.rate.lost, SIZE);
  assert.equal(sender.rate.delivered, 4 * SIZE);
});

test('BBR §4.1.2.3: after an ACK the next flight is counted from the segment that it was for', () => {
  const sender = new Sender();
  const flight = [0, 5].map((at) => sender.send(at));
  sender.acknowledge([flight[0]!], 10);
  assert.equal(sender.rate.firstSentAt, 0);
  sender.acknowledge([flight[1]!], 15);
  assert.equal(sender.rate.firstSentAt, 5);
  assert.equal(sender.rate.deliveredAt, 15);
});

test('BBR §4.1.2.4: app-limited from the moment when the sender ran dry until the gap has left the path', () => {
  const sender = new Sender();
  const before = sender.send(0);
  assert.equal(before.isAppLimited, false);
  sender.rate.appLimited(sender.inFlight);
  assert.equal(sender.rate.isAppLimited, true);
  const behindGap = sender.send(1);
  assert.equal(behindGap.isAppLimited, true);
  sender.acknowledge([before], 10);
  assert.equal(sender.rate.isAppLimited, true, 'the gap is still on its way');
  sender.acknowledge([behindGap], 11);
  assert.equal(sender.rate.isAppLimited, false);
});

test('BBR §4.1.2.4: a connection that never sent anything can be app-limited', () => {
  const rate = new DeliveryRate();
  rate.appLimited(0);
  assert.equal(rate.isAppLimited, true);
  rate.onDelivered(2, 1);
  assert.equal(rate.isAppLimited, false);
});

test('the rate for people is not pulled down by an idle application, but may be raised by it', () => {
  const sender = new Sender();
  sender.acknowledge(
    [0, 0, 0, 0].map((at) => sender.send(at)),
    10,
  );
  assert.equal(sender.rate.latestRate, 400);
  sender.rate.appLimited(0);
  assert.equal(sender.acknowledge([sender.send(20)], 30), 100);
  assert.equal(sender.rate.latestRate, 400);
  assert.equal(sender.rate.latestIsAppLimited, false);
  sender.rate.appLimited(0);
  sender.acknowledge(
    [40, 40, 40, 40, 40].map((at) => sender.send(at)),
    50,
  );
  assert.equal(sender.rate.latestRate, 500);
  assert.equal(sender.rate.latestIsAppLimited, true);
});

test('BBR §4.1.2.3: an interval of half a millisecond is one, and a rate of half a byte in it, too', () => {
  const rate = new DeliveryRate();
  rate.onDelivered(1000, 10.5);
  assert.equal(rate.sample(10.5, 10, 0, 10, 10, false, 0), 2000);
  const slow = new DeliveryRate();
  slow.onDelivered(1, 12);
  assert.equal(slow.sample(12, 10, 0, 10, 10, false, 0), 0.5);
  assert.equal(slow.latestRate, 0.5);
});

test('BBR §4.1.2.3: when nothing was delivered since, there is nothing to conclude, nor to show', () => {
  const rate = new DeliveryRate();
  assert.deepEqual([rate.latestRate, rate.latestIsAppLimited], [0, false]);
  rate.onDelivered(1000, 20);
  rate.sample(20, 10, 0, 10, 10, false, 0);
  assert.equal(rate.sample(30, 25, 1000, 20, 25, false, 0), 0);
  assert.equal(rate.latestRate, 100);
});

test('what is shown is the last rate, of a slow application only when it is no less', () => {
  const rate = new DeliveryRate();
  const measure = (bytes: number, isAppLimited: boolean) => {
    const before = rate.delivered;
    rate.onDelivered(bytes, 20);
    rate.sample(20, 10, before, 10, 10, isAppLimited, 0);
    return [rate.latestRate, rate.latestIsAppLimited];
  };
  assert.deepEqual(measure(1000, false), [100, false]);
  assert.deepEqual(measure(900, true), [100, false]);
  assert.deepEqual(measure(1000, true), [100, true]);
  assert.deepEqual(measure(500, false), [50, false]);
});
