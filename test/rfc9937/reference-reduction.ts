// Proportional rate reduction (RFC 9937 §6) in its own words: what the window is after each event of a recovery.

/** One reduction after the other. */
export class ReferenceReduction {
  private flightThen = 0;
  private delivered = 0;
  private sent = 0;
  /** What the last event counts for; null when it counts for nothing. */
  private share: { delivered: number; isSafe: boolean } | null = null;

  /** @param segmentBytes payload of a full segment */
  constructor(private readonly segmentBytes: number) {}

  /** A recovery begins, with so much thought to be on its way before the ACK that began it. */
  begin(inFlight: number): void {
    this.flightThen = Math.max(inFlight, this.segmentBytes);
    this.delivered = this.sent = 0;
  }

  /** An event of a recovery: bytes that arrived, bytes newly held lost, and whether SND.UNA moved. */
  onEvent(delivered: number, lost: number, advanced: boolean): void {
    this.share = null;
    if (delivered === 0 && (this.delivered > 0 || lost === 0)) return;
    this.delivered += delivered;
    this.share = { delivered, isSafe: advanced && lost === 0 };
  }

  /** What happens is no part of a recovery. */
  rest(): void {
    this.share = null;
  }

  onSent(): void {
    this.sent += this.segmentBytes;
  }

  /** The window after the last event, before anything leaves; null where it stays. */
  windowFor(ssthresh: number, inFlight: number): number | null {
    const { share, delivered, sent, segmentBytes } = this;
    if (share === null) return null;
    const room = Math.max(delivered - sent, share.delivered) + (share.isSafe ? segmentBytes : 0);
    const proportion = Math.ceil((delivered * ssthresh) / this.flightThen) - sent;
    const allowed = inFlight > ssthresh ? proportion : Math.min(ssthresh - inFlight, room);
    return inFlight + Math.max(allowed, sent === 0 ? segmentBytes : 0);
  }
}
