// The round trip without queues, and when it must be looked for anew (BBR §5.3.4.3, §5.5.7).
import { MIN_RTT_FILTER_MS, PROBE_RTT_INTERVAL_MS } from './parameters.js';
import type { RateSample } from './rate-sample.js';

/** Two minima: of 10 s for the model, and of 5 s to time PROBE-RTT. */
export class MinRtt {
  /** The estimate in ms, Infinity before the first measurement. */
  ms = Number.POSITIVE_INFINITY;
  /** No round trip as short as the least was seen for 5 s. */
  isProbeDue = false;
  private at = 0;
  private probeMs = Number.POSITIVE_INFINITY;
  private probeAt = 0;

  /** The connection begins. */
  begin(now: number): void {
    this.at = now;
    this.probeAt = now;
  }

  /** The handshake's round trip, which is the first. */
  start(rttMs: number): void {
    this.ms = rttMs;
    this.probeMs = rttMs;
  }

  /** UpdateMinRTT. */
  update(rs: RateSample): void {
    const { now, rttMs } = rs;
    this.isProbeDue = now > this.probeAt + PROBE_RTT_INTERVAL_MS;
    if (rttMs >= 0 && (rttMs < this.probeMs || this.isProbeDue)) {
      this.probeMs = rttMs;
      this.probeAt = now;
    }
    if (this.probeMs < this.ms || now > this.at + MIN_RTT_FILTER_MS) {
      this.ms = this.probeMs;
      this.at = this.probeAt;
    }
  }

  /** PROBE-RTT is over: the next one is due in 5 s, whatever it measured. */
  probed(now: number): void {
    this.probeAt = now;
  }
}
