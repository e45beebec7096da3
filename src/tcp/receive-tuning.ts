// The size of the receive buffer follows the path: twice what the application takes in one round trip, so that a sender
// whose window doubles never finds ours in its way (dynamic right-sizing, Fisk and Feng 2001). A slow reader gets no more.
import { type Seq, seqAdd, seqDiff, seqGeq } from '../wire/seq.js';

/** Segments that a first round trip brings (RFC 6928): the buffer is large enough for them. */
const FIRST_SEGMENTS = 10;
/** Room beside the two windows, in segments, for what arrives while a measurement ends. */
const SPARE_SEGMENTS = 16;
/** A longer round trip than before counts for so much; a shorter one is believed at once. */
const LONGER_SHARE = 1 / 8;
/** Least round trip in ms: ticks of a timestamp are no finer. */
const LEAST_RTT_MS = 1;

/** Measures what arrives and what is read, for one connection whose buffer may grow. */
export class ReceiveTuning {
  /** Bytes that the receive buffer holds now. */
  capacity: number;
  /** Round-trip time as the receiver sees it, in ms; 0 before the first measurement. */
  rttMs = 0;
  /** Bytes read in the last full round trip that set a record. */
  private readPerRtt: number;
  private readNow = 0;
  private readSince: number;
  /** Without timestamps: a round trip has passed when what was granted at `grantedAt` has arrived. */
  private grant: Seq;
  private grantedAt: number;

  /**
   * @param initialBytes size at the beginning
   * @param maxBytes never more than this
   * @param mss payload bytes of a full segment of the peer
   * @param edge right edge of the window granted now
   */
  constructor(
    initialBytes: number,
    private readonly maxBytes: number,
    private readonly mss: number,
    edge: Seq,
    now: number,
  ) {
    this.capacity = initialBytes;
    // A window in use brings more than half of the buffer in a round trip, however large the segments are.
    this.readPerRtt = Math.min(FIRST_SEGMENTS * mss, initialBytes / 2);
    this.readSince = now;
    this.grant = edge;
    this.grantedAt = now;
  }

  /** Takes a round trip told by a timestamp that the peer echoed beside new data, in ms. */
  onRoundTrip(sampleMs: number): void {
    const sample = Math.max(LEAST_RTT_MS, sampleMs);
    if (this.rttMs === 0 || sample < this.rttMs) this.rttMs = sample;
    else this.rttMs += (sample - this.rttMs) * LONGER_SHARE;
  }

  /**
   * Data arrived, so that RCV.NXT is `next`; for peers without timestamps. What fills a whole window needs one round trip
   * at least, and the shortest such time is the nearest to it.
   * @param edge right edge of the window granted now
   */
  onArrival(next: Seq, edge: Seq, now: number): void {
    if (!seqGeq(next, this.grant)) return;
    const elapsed = Math.max(LEAST_RTT_MS, now - this.grantedAt);
    if (this.rttMs === 0 || elapsed < this.rttMs) this.rttMs = elapsed;
    this.grant = seqDiff(edge, next) > 0 ? edge : seqAdd(next, 1);
    this.grantedAt = now;
  }

  /** The application has read; the buffer grows when it read more in this round trip than in any before. */
  onRead(bytes: number, now: number): void {
    this.readNow += bytes;
    if (this.rttMs === 0 || now - this.readSince < this.rttMs) return;
    if (this.readNow > this.readPerRtt) this.grow();
    this.readNow = 0;
    this.readSince = now;
  }

  private grow(): void {
    const growth = (this.readNow - this.readPerRtt) / this.readPerRtt;
    // A sender in slow start will have doubled its window before the next measurement ends.
    const wanted = (2 * this.readNow + SPARE_SEGMENTS * this.mss) * (1 + 2 * Math.min(1, growth));
    this.capacity = Math.max(this.capacity, Math.min(this.maxBytes, Math.ceil(wanted)));
    this.readPerRtt = this.readNow;
  }
}
