// From the news of an ACK to what a congestion controller is told.
import type { AckNews } from './ack-news.js';
import type { AckSample } from './congestion/controller.js';
import type { Connection } from './connection.js';
import { pipe } from './losses.js';

/** Filled for each event; controllers read it and keep nothing. */
const sample: AckSample = {
  now: 0,
  ackedBytes: 0,
  deliveredBytes: 0,
  lostBytes: 0,
  priorInFlight: 0,
  inFlight: 0,
  flightBytes: 0,
  windowLimited: false,
  rttMs: -1,
  srttMs: 0,
  minRttMs: 0,
  totalDelivered: 0,
  totalLost: 0,
  sentDelivered: -1,
  sentLost: 0,
  sentInFlight: 0,
  deliveryRate: 0,
  isAppLimited: false,
  ecnEcho: false,
  hasSack: false,
  acks: 1,
};

/** The sample of the event under way; valid until the next call. */
export function congestionSample(c: Connection, news: AckNews): AckSample {
  const { rate, rtt } = c;
  const hasNewest = news.newestSentAt >= 0;
  sample.now = news.now;
  sample.ackedBytes = news.ackedBytes;
  sample.deliveredBytes = news.deliveredBytes;
  sample.lostBytes = news.lostBytes;
  sample.priorInFlight = news.priorInFlight;
  sample.inFlight = pipe(c);
  sample.flightBytes = usedWindow(c, news);
  sample.windowLimited = c.windowLimited;
  sample.rttMs = roundTripOf(news);
  sample.srttMs = rtt.srtt;
  sample.minRttMs = rtt.minRtt;
  sample.totalDelivered = rate.delivered;
  sample.totalLost = rate.lost;
  sample.sentDelivered = hasNewest ? news.delivered : -1;
  sample.sentLost = hasNewest ? news.lost : 0;
  sample.sentInFlight = hasNewest ? news.inFlight : 0;
  sample.isAppLimited = hasNewest && news.isAppLimited;
  sample.deliveryRate = news.deliveryRate;
  sample.ecnEcho = news.ecnEcho;
  sample.hasSack = c.sackAgreed;
  sample.acks = news.acks;
  return sample;
}

/**
 * What a reduction is measured by. While a batch of ACKs is processed nothing is sent, so the flight is short of a window
 * that was full when it was last sent into; then the window counts (RFC 9438 §4.6).
 */
function usedWindow(c: Connection, news: AckNews): number {
  const { cwnd } = c.congestion;
  return c.windowLimited ? cwnd : Math.min(news.flightBytes, cwnd);
}

/** The round trip of the segment sent last among those that were sent only once: it waited least for its ACK. */
function roundTripOf(news: AckNews): number {
  if (news.lastSentOnceAt >= 0) return news.now - news.lastSentOnceAt;
  return news.sackSentOnceAt >= 0 ? news.now - news.sackSentOnceAt : -1;
}
