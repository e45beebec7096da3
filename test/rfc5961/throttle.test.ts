// How many challenge ACKs a peer may draw (RFC 5961 §7), and how many answers to segments beside the window.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplyThrottle } from '../../src/tcp/challenge-ack.js';

test('RFC 5961 §7: so many challenge ACKs in a window of time, whenever it begins, and as many in the next', () => {
  const throttle = new ReplyThrottle(2, 5000);
  const answers = [100, 200, 300, 5099, 5100, 5101, 5102, 20_000].map((now) => throttle.allowChallenge(now));
  assert.deepEqual(answers, [true, true, false, false, true, true, false, true]);
});

test('RFC 9293 §3.10.7.4: an ACK for what lies beside the window at most every half second', () => {
  const throttle = new ReplyThrottle(2, 5000);
  const answers = [100, 599, 600, 601, 1099, 1100].map((now) => throttle.allowOutOfWindow(now));
  assert.deepEqual(answers, [true, false, true, false, false, true]);
});
