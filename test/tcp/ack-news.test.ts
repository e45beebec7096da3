// The news of one ACK must not reach the next, which may be another connection's: the object is shared by all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AckNews } from '../../src/tcp/ack-news.js';

/** What an ACK that tells nothing leaves there. */
const NOTHING = {
  now: 0,
  priorInFlight: 0,
  flightBytes: 0,
  advanced: false,
  synAcknowledged: false,
  ackedBytes: 0,
  deliveredBytes: 0,
  sackedBytes: 0,
  lostBytes: 0,
  isDuplicate: false,
  originalArrived: false,
  resentArrived: false,
  firstSentOnceAt: -1,
  lastSentOnceAt: -1,
  sackSentOnceAt: -1,
  duplicateReported: false,
  echoedTick: -1,
  ecnEcho: false,
  newestSentAt: -1,
  deliveryRate: 0,
};

/** Those of its fields that are of meaning without `window`, which each ACK has, and without a newest segment. */
function toldBy(news: AckNews): unknown {
  return Object.fromEntries(Object.keys(NOTHING).map((name) => [name, news[name as keyof AckNews]]));
}

/** An ACK that told of everything. */
function full(): AckNews {
  const news = new AckNews();
  for (const [name, empty] of Object.entries(NOTHING))
    Object.assign(news, { [name]: typeof empty === 'boolean' ? true : 7 });
  return news;
}

test('in the beginning nothing is told', () => {
  const news = new AckNews();
  assert.deepEqual(toldBy(news), NOTHING);
  assert.equal(news.isAppLimited, false);
});

test('what one ACK told is forgotten when the next begins', () => {
  const news = full();
  news.begin(0, 0, 0);
  assert.deepEqual(toldBy(news), NOTHING);
});

test('an ACK begins with the time and with what is on its way', () => {
  const news = full();
  news.begin(5000.5, 2000, 3000);
  assert.deepEqual(toldBy(news), { ...NOTHING, now: 5000.5, priorInFlight: 2000, flightBytes: 3000 });
});
