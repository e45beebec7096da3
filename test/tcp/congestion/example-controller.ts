// Keeps a few segments waiting at the bottleneck: enough that it never idles, too few to delay anybody.
import type { AckSample, Controller } from '../../../src/tcp/congestion/controller.js';

const [FEWEST, MOST] = [2, 6]; // segments

class FewWaiting implements Controller {
  readonly name = 'few-waiting';
  cwnd: number;
  ssthresh = Number.MAX_SAFE_INTEGER;
  private roundBegin = 0; // sample.totalDelivered when the round trip began
  private roundRttMs = Number.POSITIVE_INFINITY; // least of the round trip

  constructor(
    private mss: number,
    private readonly initialSegments: number,
  ) {
    this.cwnd = mss * initialSegments;
  }
  get inSlowStart() {
    return this.cwnd < this.ssthresh;
  }
  setMss(mss: number) {
    this.cwnd = Math.round((this.cwnd / this.mss) * mss); // as many segments as before
    this.mss = mss;
  }
  onAck(sample: AckSample) {
    if (sample.rttMs >= 0) this.roundRttMs = Math.min(this.roundRttMs, sample.rttMs);
    if (this.inSlowStart && sample.windowLimited) this.cwnd += Math.min(sample.ackedBytes, 2 * this.mss);
    if (sample.sentDelivered < this.roundBegin || this.roundRttMs === Number.POSITIVE_INFINITY) return;
    this.adjust(sample); // once a round trip
    this.roundBegin = sample.totalDelivered;
    this.roundRttMs = Number.POSITIVE_INFINITY;
  }
  private adjust(sample: AckSample) {
    const waiting = this.cwnd * (1 - sample.minRttMs / this.roundRttMs); // bytes in the queue
    if (waiting > MOST * this.mss) {
      this.cwnd -= Math.floor(waiting / 2);
      this.ssthresh = Math.min(this.ssthresh, this.cwnd); // slow start is over
    } else if (waiting < FEWEST * this.mss && sample.windowLimited && !this.inSlowStart) {
      this.cwnd += this.mss;
    }
  }
  onCongestion() {
    this.ssthresh = Math.max(Math.floor(this.cwnd / 2), 2 * this.mss); // the sender lets cwnd sink to it
  }
  onTimeout(_sample: AckSample, isFirst: boolean) {
    if (isFirst) this.onCongestion();
    this.cwnd = this.mss;
  }
  onSpurious(priorCwnd: number, priorSsthresh: number) {
    this.cwnd = Math.max(this.cwnd, priorCwnd);
    this.ssthresh = Math.max(this.ssthresh, priorSsthresh);
  }
  onIdle() {
    this.cwnd = Math.min(this.cwnd, this.initialSegments * this.mss);
  }
}

export const fewWaiting = (mss: number, segments: number): Controller => new FewWaiting(mss, segments);
