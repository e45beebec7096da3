// The sender of RFC 8985 and RFC 9937 once more, as plain as can be: a list of segments of one size, looked at as a whole with
// every acknowledgment. The implementation, which does the same with as little work as possible, is held against it.
import { ReferenceReduction } from '../rfc9937/reference-reduction.js';

/** What the path measures, as the sender knows it. */
export interface RoundTrips {
  readonly minRttMs: number;
  readonly srttMs: number;
}

/** An ACK: of everything before segment `next`, with stretches of segments reported, and one that came twice. */
export interface Report {
  readonly next: number;
  readonly blocks: readonly (readonly [first: number, last: number])[];
  readonly twice: number | null;
  /** The timestamp that it echoes, in ms of the sender's clock; null without timestamps. */
  readonly echo: number | null;
}

interface Segment {
  readonly n: number;
  sentAt: number;
  sentBefore: number;
  everResent: boolean;
  arrived: boolean;
  lost: boolean;
  /** Held lost and sent again, and that transmission is thought to be on its way. */
  resent: boolean;
}

/** What would show that the present recovery was needless (RFC 3522, RFC 3708). */
interface Undo {
  /** Its first segment, and when something was sent again first. */
  readonly from: number;
  /** The highest one that was sent again. */
  until: number;
  repeatedAt: number | null;
  /** Retransmissions of which no duplicate was reported. */
  unreported: number;
}

/** See the head of this file. Segments count from 1. */
export class ReferenceSender {
  /** SND.UNA and SND.NXT. */
  una = 1;
  nxt = 1;
  inRecovery = false;
  /** When something will be overdue that is not yet; Infinity when nothing waits. */
  deadline = Number.POSITIVE_INFINITY;
  reorderings = 0;
  reportsOfDuplicates = 0;

  /** @param segmentBytes payload of every segment */
  constructor(private readonly segmentBytes: number) {
    this.reduction = new ReferenceReduction(segmentBytes);
  }

  private readonly segments: Segment[] = [];
  private latest: { sentAt: number; n: number } | null = null;
  private rttMs = 0;
  private highest = 0;
  private multiplier = 1;
  private recoveriesLeft = 0;
  private widenedUntil = 0;
  private recover = 0;
  private undo: Undo | null = null;
  readonly reduction: ReferenceReduction;

  private get flight(): Segment[] {
    return this.segments.slice(this.una - 1);
  }

  /** RFC 6675 §4: a segment that is not held lost and was sent again counts twice. */
  get pipe(): number {
    return this.bytes((one) => !one.arrived && !one.lost) + this.resentBytes;
  }

  /** Bytes of the flight of which this holds. */
  private bytes(holds: (one: Segment) => boolean): number {
    return this.segmentBytes * this.flight.filter(holds).length;
  }

  get lostBytes(): number {
    return this.bytes((one) => one.lost && !one.arrived);
  }

  get sackedBytes(): number {
    return this.bytes((one) => one.arrived);
  }

  get resentBytes(): number {
    return this.bytes((one) => one.resent && !one.arrived);
  }

  /** The segments that leave now, given the window and the room that the peer has. */
  sends(now: number, cwnd: number, peerWindow: number): number[] {
    const out: number[] = [];
    for (;;) {
      const { pipe } = this;
      if (pipe > 0 && cwnd - pipe < this.segmentBytes) return out;
      const due = this.flight.find((one) => one.lost && !one.resent && !one.arrived);
      if (due === undefined && this.segmentBytes * (this.nxt + 1 - this.una) > peerWindow) return out;
      if (due === undefined) this.sendNew(now);
      else this.sendAgain(due, now);
      this.reduction.onSent();
      out.push(due === undefined ? this.nxt - 1 : due.n);
    }
  }

  private sendNew(now: number): void {
    const n = this.nxt++;
    const fresh = { everResent: false, arrived: false, lost: false, resent: false };
    this.segments.push({ n, sentAt: now, sentBefore: 0, ...fresh });
  }

  private sendAgain(one: Segment, now: number): void {
    one.sentBefore = one.sentAt;
    one.sentAt = now;
    one.everResent = one.resent = true;
    if (this.undo === null) return;
    this.undo.unreported++;
    this.undo.until = Math.max(this.undo.until, one.n);
    this.undo.repeatedAt ??= now;
  }

  /** An ACK arrives; `before` and `after` are the round trips known before and after its measurement. */
  onReport({ next, blocks, twice, echo }: Report, now: number, before: RoundTrips, after: RoundTrips): void {
    const pipeBefore = this.pipe;
    const advanced = next > this.una;
    const news: Segment[] = [];
    for (; this.una < next; this.una++) {
      const one = this.segments[this.una - 1]!;
      if (one.arrived) continue;
      this.arrives(one, now, before, echo);
      news.push(one);
    }
    if (twice !== null) this.onTwice(twice);
    for (const [first, last] of blocks) {
      for (const one of this.segments.slice(first - 1, last)) {
        if (one.arrived || one.n < this.una) continue;
        // What an ACK of something beyond a hole echoes came before the hole (RFC 7323 §4.3).
        this.arrives(one, now, before, null);
        news.push(one);
      }
    }
    const delivered = this.segmentBytes * news.length;
    const lost = this.detect(now, after);
    this.follow(advanced, twice !== null, echo, pipeBefore);
    this.count(delivered, lost, advanced);
  }

  /** RFC 8985 §6.2 steps 1 to 3. */
  private arrives(one: Segment, now: number, { minRttMs }: RoundTrips, echo: number | null): void {
    one.arrived = true;
    if (one.everResent && this.isOfTheFirst(one, now, minRttMs, echo)) return;
    this.rttMs = now - one.sentAt;
    if (this.latest === null || isLater(one, this.latest)) this.latest = { sentAt: one.sentAt, n: one.n };
    if (one.n >= this.highest) this.highest = one.n;
    else if (!one.everResent) this.reorderings++;
  }

  /** The echo is older; or, without one, what comes sooner than any round trip, or fits the transmission before better. */
  private isOfTheFirst(one: Segment, now: number, minRttMs: number, echo: number | null): boolean {
    const ageOfLast = now - one.sentAt;
    const ageOfFirst = now - one.sentBefore;
    const isLikely = Math.abs(ageOfFirst - this.rttMs) < Math.abs(ageOfLast - this.rttMs);
    return (echo === null ? isLikely : echo < Math.floor(one.sentAt)) || ageOfLast < minRttMs;
  }

  /** Step 4, and the retransmissions that turn out needless (RFC 3708). */
  private onTwice(n: number): void {
    this.reportsOfDuplicates++;
    if (this.una >= this.widenedUntil) {
      this.multiplier++;
      this.recoveriesLeft = 16;
      this.widenedUntil = this.nxt;
    }
    const { undo } = this;
    if (undo !== null && n >= undo.from && n <= undo.until && undo.unreported > 0) undo.unreported--;
  }

  /** Step 5. Returns the number of segments newly held lost. */
  private detect(now: number, { minRttMs, srttMs }: RoundTrips): number {
    this.deadline = Number.POSITIVE_INFINITY;
    const { latest, flight } = this;
    if (latest === null || flight.length === 0) return 0;
    const reported = flight.filter((one) => one.arrived).length;
    const isCertain = this.reorderings === 0 && (this.inRecovery || reported >= 3);
    const window = isCertain ? 0 : Math.min((this.multiplier * minRttMs) / 4, srttMs);
    let lost = 0;
    for (const one of flight) {
      if (one.arrived || (one.lost && !one.resent) || !isLater(latest, one)) continue;
      const due = one.sentAt + this.rttMs + window;
      if (due > now) {
        this.deadline = Math.min(this.deadline, due);
        continue;
      }
      one.lost = true;
      one.resent = false;
      lost++;
    }
    return lost;
  }

  /** The reordering timer. */
  onDeadline(now: number, known: RoundTrips): void {
    const pipeBefore = this.pipe;
    const lost = this.detect(now, known);
    if (lost === 0) return;
    this.follow(false, false, null, pipeBefore);
    this.count(0, lost, false);
  }

  /** Recovery begins and ends (RFC 6675 §5), or is taken back. */
  private follow(advanced: boolean, toldTwice: boolean, echo: number | null, pipeBefore: number): void {
    const isNeedless = (undo: Undo) => {
      if (undo.repeatedAt === null) return advanced;
      const isOriginalEchoed = advanced && echo !== null && echo < Math.floor(undo.repeatedAt);
      return isOriginalEchoed || (undo.unreported === 0 && toldTwice);
    };
    if (this.inRecovery) {
      const { undo } = this;
      if (undo !== null && isNeedless(undo)) {
        for (const one of this.flight) one.lost = false;
        this.undo = null;
        this.leave();
      } else if (this.una >= this.recover) {
        this.leave();
      }
    }
    if (this.inRecovery || this.lostBytes === 0) return;
    this.inRecovery = true;
    this.recover = this.nxt;
    this.undo = { from: this.una, until: 0, unreported: 0, repeatedAt: null };
    this.reduction.begin(pipeBefore);
  }

  private leave(): void {
    this.inRecovery = false;
    if (this.recoveriesLeft > 0 && --this.recoveriesLeft === 0) this.multiplier = 1;
  }

  private count(delivered: number, lost: number, advanced: boolean): void {
    if (this.inRecovery) this.reduction.onEvent(delivered, lost, advanced);
    else this.reduction.rest();
  }
}

function isLater(one: { sentAt: number; n: number }, than: { sentAt: number; n: number }): boolean {
  return one.sentAt > than.sentAt || (one.sentAt === than.sentAt && one.n > than.n);
}
