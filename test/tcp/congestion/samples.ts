// Acknowledgments as a sender reports them to its controller, made by hand.
import type { AckSample, Controller } from '../../../src/tcp/congestion/controller.js';

export const MSS = 1000;

/** A sample of an ACK for one full segment on a path of 100 ms, with what `fields` says otherwise. */
export function ack(fields: Partial<AckSample> = {}): AckSample {
  const ackedBytes = fields.ackedBytes ?? MSS;
  return {
    now: 0,
    ackedBytes,
    deliveredBytes: ackedBytes,
    lostBytes: 0,
    priorInFlight: 0,
    inFlight: 0,
    flightBytes: fields.priorInFlight ?? 0,
    windowLimited: true,
    rttMs: 100,
    srttMs: 100,
    minRttMs: 100,
    totalDelivered: 0,
    totalLost: 0,
    sentDelivered: 0,
    sentLost: 0,
    sentInFlight: -1,
    deliveryRate: 0,
    isAppLimited: false,
    ecnEcho: false,
    ...fields,
  };
}

/** The event of a loss or timeout with `flight` bytes on their way: nothing is delivered by it. */
export function flight(flightBytes: number, now = 0): AckSample {
  return ack({
    ackedBytes: 0,
    priorInFlight: flightBytes,
    inFlight: flightBytes,
    sentDelivered: -1,
    rttMs: -1,
    now,
  });
}

/** One episode of congestion from its beginning to its end, as the sender conducts it. */
export function lose(c: Controller, flightBytes: number, now = 0, cause: 'loss' | 'ecn' = 'loss'): void {
  c.onCongestion(flight(flightBytes, now), cause);
  c.cwnd = c.ssthresh;
  c.onRecovered?.(ack({ now, windowLimited: true }));
}

/** A lossless path whose round trips are as long as one says, driven one whole window at a time. */
export class Rounds {
  now = 0;
  totalDelivered = 0;

  constructor(
    readonly controller: Controller,
    /** Bytes that one ACK covers. */
    readonly bytesPerAck = MSS,
  ) {}

  /**
   * One window is sent at once and acknowledged after `rttMs`, the ACKs spread over the same time again.
   * @param rttOf round-trip time of the n-th ACK
   */
  round(rttOf: number | ((n: number) => number), fields: Partial<AckSample> = {}): void {
    const window = this.controller.cwnd;
    const sentDelivered = this.totalDelivered;
    for (let done = 0, n = 0; done < window; n++) {
      const ackedBytes = Math.min(this.bytesPerAck, window - done);
      const rttMs = typeof rttOf === 'number' ? rttOf : rttOf(n);
      done += ackedBytes;
      this.now += (rttMs * ackedBytes) / window;
      this.totalDelivered += ackedBytes;
      this.controller.onAck(
        ack({
          now: this.now,
          ackedBytes,
          rttMs,
          srttMs: rttMs,
          totalDelivered: this.totalDelivered,
          sentDelivered,
          priorInFlight: window,
          inFlight: window - ackedBytes,
          sentInFlight: window,
          ...fields,
        }),
      );
    }
  }
}
