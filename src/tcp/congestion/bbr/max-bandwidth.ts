// The highest delivery rate of this and the previous cycle of PROBE-BW (BBR §5.5.3–5.5.6).
import type { RateSample } from './rate-sample.js';

/** A maximum over two slots of time. Bytes per ms. */
export class MaxBandwidth {
  /** The estimate, 0 before the first sample. */
  value = 0;
  private current = 0;
  private previous = 0;

  /** A slow sample of an idle application says nothing about the path; a fast one does (BBR §5.5.4). */
  update(rs: RateSample): void {
    const rate = rs.deliveryRate;
    if (rs.isAppLimited && rate < this.value) return;
    this.current = Math.max(this.current, rate);
    this.value = Math.max(this.value, rate);
  }

  /** A cycle is over. One without any sample is not counted, so that the estimate cannot vanish. */
  advance(): void {
    if (this.current === 0) return;
    this.previous = this.current;
    this.current = 0;
    this.value = this.previous;
  }
}
