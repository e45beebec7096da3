// DCTCP (RFC 8257): the window shrinks in proportion to the share of bytes that met congestion marks. For networks under
// one hand only, with routers that mark early: it must not compete with others on the Internet (RFC 8257 §5).
import type { AckSample, CongestionCause, Controller } from './controller.js';
import { NewReno } from './newreno.js';

/** Estimation gain g (RFC 8257 §4.2). */
const GAIN = 1 / 16;

class Dctcp extends NewReno {
  override readonly name = 'dctcp';
  readonly exactEcn = true;
  /** DCTCP.Alpha: moving average of the share of marked bytes. The worst is assumed of an unknown path (§4.2). */
  alpha = 1;
  /** The observation window ends when something sent after this many bytes were delivered is delivered (§3.3). */
  private observationBegin = 0;
  private bytesDelivered = 0;
  private bytesMarked = 0;
  /** A mark has reduced the window within the last window of data: until something sent after `reducedAt` is delivered. */
  private isReduced = false;
  private reducedAt = 0;
  private cwndBeforeMark = 0;

  override onAck(sample: AckSample): void {
    this.observe(sample);
    if (sample.ecnEcho) this.reduceForMark(sample);
    // RFC 3168 §6.1.2: an ACK that echoes marks lets nothing grow.
    else super.onAck(sample);
  }

  /** RFC 8257 §3.3. */
  private observe(sample: AckSample): void {
    this.bytesDelivered += sample.deliveredBytes;
    if (sample.ecnEcho) this.bytesMarked += sample.deliveredBytes;
    if (sample.sentDelivered >= this.reducedAt) this.isReduced = false;
    if (sample.sentDelivered < this.observationBegin || this.bytesDelivered === 0) return;
    this.alpha += GAIN * (this.bytesMarked / this.bytesDelivered - this.alpha);
    this.beginObservation(sample.totalDelivered);
  }

  private beginObservation(totalDelivered: number): void {
    this.observationBegin = totalDelivered;
    this.bytesDelivered = 0;
    this.bytesMarked = 0;
  }

  /** Once for a window of data (RFC 8257 §3.3). */
  private reduceForMark(sample: AckSample): void {
    if (this.isReduced) return;
    this.isReduced = true;
    this.reducedAt = sample.totalDelivered;
    this.cwndBeforeMark = this.cwnd;
    const remaining = this.remaining(sample, 'ecn');
    this.ssthresh = Math.max(remaining, 2 * this.mss);
    this.cwnd = Math.min(this.cwnd, Math.max(remaining, this.mss));
  }

  protected override remaining(sample: AckSample, cause: CongestionCause | 'timeout'): number {
    if (cause === 'ecn') return Math.floor(this.cwnd * (1 - this.alpha / 2));
    // RFC 8257 §3.5: a loss halves the window, but nothing reduces it twice in a window of data: marks that came before
    // the loss are part of that half.
    if (cause === 'loss' && this.isReduced) return Math.min(this.cwnd, Math.floor(this.cwndBeforeMark / 2));
    return super.remaining(sample, cause);
  }

  /** The ACKs of recovery were not seen, so their share of marks is unknown. */
  override onRecovered(sample: AckSample): void {
    super.onRecovered(sample);
    this.beginObservation(sample.totalDelivered);
  }
}

/**
 * DCTCP. Without ECN it behaves as NewReno.
 * @param mss payload bytes of a full segment
 * @param initialWindowSegments initial window in segments
 */
export function dctcp(mss: number, initialWindowSegments: number): Controller & { readonly alpha: number } {
  return new Dctcp(mss, initialWindowSegments);
}
