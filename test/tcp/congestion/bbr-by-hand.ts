// One BBR flow whose model of the path is set by a test, and acknowledgments made by hand: for rules that a simulated path
// meets only now and then.
import { Phase } from '../../../src/tcp/congestion/bbr/phase.js';
import { RateSample } from '../../../src/tcp/congestion/bbr/rate-sample.js';
import { type Bbr, bbr } from '../../../src/tcp/congestion/bbr.js';
import type { AckSample, LostSegment } from '../../../src/tcp/congestion/controller.js';
import { emptySample } from './path.js';

export const MSS = 1000;

/** What the flow knows, and where it stands. */
export interface Knowledge {
  phase?: Phase;
  /** Bytes per ms. Default 1000. */
  rate?: number;
  /** Default 50. */
  rttMs?: number;
  /** Default: what the rate needs for that round trip. */
  cwnd?: number;
  /** When the connection began. Default 0; the flow is looked at a second later. */
  beganAt?: number;
}

/** A rate sample with nothing but what is told. */
export function rateSample(fields: Partial<RateSample>): RateSample {
  return Object.assign(new RateSample(), fields);
}

/** See the head of this file. A round trip is under way, of which nothing is acknowledged yet. */
export class ByHand {
  readonly flow: Bbr = bbr(MSS, 10);
  readonly rate: number;
  readonly rttMs: number;
  now: number;
  delivered = 1_000_000;
  lost = 0;

  constructor(known: Knowledge = {}) {
    const { phase = Phase.CRUISE, rate = 1000, rttMs = 50, beganAt = 0 } = known;
    const { flow } = this;
    this.rate = rate;
    this.rttMs = rttMs;
    this.now = beganAt + 1000;
    flow.onSent(MSS, true, false, beganAt);
    flow.onHandshake(rttMs);
    flow.maxBw.update(rateSample({ deliveryRate: rate }));
    flow.bw = rate;
    flow.phase = phase;
    if (phase !== Phase.STARTUP) flow.fullPipe.concede();
    flow.fullPipe.restart(rate);
    flow.cwnd = known.cwnd ?? rate * rttMs;
    flow.pacingRate = rate;
    flow.delivered = this.delivered;
    flow.rounds.restart(this.delivered);
    flow.cycleAt = this.now;
    flow.probeWaitMs = 2500;
  }

  /** Bytes that fill the path. */
  get bdp(): number {
    return this.rate * this.rttMs;
  }

  /** Nothing was delivered; `fields` say what else is told. */
  sample(fields: Partial<AckSample> = {}): AckSample {
    return {
      ...emptySample(this.now),
      priorInFlight: this.flow.cwnd,
      inFlight: this.flow.cwnd,
      srttMs: this.rttMs,
      minRttMs: this.rttMs,
      totalDelivered: this.delivered,
      totalLost: this.lost,
      ...fields,
    };
  }

  /** One segment of the round trip under way is acknowledged, a millisecond later. */
  ack(fields: Partial<AckSample> = {}): this {
    const { deliveredBytes = MSS } = fields;
    this.now++;
    const before = this.delivered;
    this.delivered += deliveredBytes;
    this.flow.onAck(
      this.sample({
        ackedBytes: deliveredBytes,
        deliveredBytes,
        sentDelivered: Math.max(0, before - this.bdp),
        sentLost: this.lost,
        sentInFlight: this.flow.cwnd,
        inFlight: this.flow.cwnd - deliveredBytes,
        rttMs: this.rttMs,
        deliveryRate: this.rate,
        ...fields,
      }),
    );
    return this;
  }

  /** The same, of a segment that was sent when the round trip had begun: it ends. */
  endRound(fields: Partial<AckSample> = {}): this {
    return this.ack({ sentDelivered: this.delivered, ...fields });
  }

  /** A segment is held lost; by default one sent after every loss so far, with the window in flight. */
  lose(fields: Partial<LostSegment> = {}): this {
    const { bytes = MSS } = fields;
    const sentLost = this.lost;
    this.lost += bytes;
    this.flow.onSegmentLost(
      { seq: 2 * this.lost, bytes, sentLost, sentInFlight: this.flow.cwnd, isAppLimited: false, ...fields },
      this.now,
    );
    return this;
  }
}
