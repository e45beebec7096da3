// The state of the other end, inferred from the segments of both directions. What we send counts as arrived unless the
// link says otherwise; a SYN or FIN of ours only counts once an answer proves it, and until then the state is unknown.
import { State } from '../tcp/state.js';
import { FIN, RST, SYN } from '../wire/segment.js';
import type { SegmentFacts } from './segment-facts.js';

/** What a received segment revealed beyond itself. */
export type Revelation = 'syns-crossed' | 'fins-crossed' | null;

/** Watches one connection from our end and tells in which state the peer must be. */
export class PeerState {
  private peerSyn = false;
  private peerSynAcked = false;
  private ourSynSent = false;
  private ourSynArrived = false;
  /** Number after our FIN, relative to ISS; null before it was sent. */
  private ourFinEnd: number | null = null;
  private ourFinArrived = false;
  /** Number after the peer's FIN, relative to IRS. */
  private peerFinEnd: number | null = null;
  private peerFinAcked = false;
  /** The peer's FIN already acknowledged ours: it closed second. */
  private peerClosedSecond = false;
  private reset = false;
  /** In which state our latest SYN or FIN had put the peer before it sent what was received last; null: unknown. */
  stateBeforeAnswer: State | null = null;

  /** True while a SYN or FIN of ours is on its way and nothing tells whether it arrived. */
  get doubtful(): boolean {
    if (this.reset) return false;
    return (this.ourSynSent && !this.ourSynArrived) || (this.ourFinEnd !== null && !this.ourFinArrived);
  }

  /** A segment of ours left, and the link did not lose it. */
  sent(facts: SegmentFacts): void {
    if (facts.flags & RST) {
      this.reset = true;
      return;
    }
    if (facts.flags & SYN) this.ourSynSent = true;
    if (facts.flags & FIN) this.ourFinEnd ??= facts.seq + facts.len + 1;
    if (facts.ack === null) return;
    if (this.peerSyn && facts.ack >= 1) this.peerSynAcked = true;
    if (this.peerFinEnd !== null && facts.ack >= this.peerFinEnd) this.peerFinAcked = true;
  }

  /** A segment of the peer arrived and was not dropped. Call `resolveCrossing` after showing what it revealed. */
  received(facts: SegmentFacts): Revelation {
    if (facts.flags & RST) {
      // Who refuses a SYN was never anything but CLOSED.
      this.stateBeforeAnswer = this.peerSyn ? null : State.CLOSED;
      this.reset = true;
      return null;
    }
    // Whoever sends a SYN has begun anew, whatever an RST had ended before.
    if (facts.flags & SYN) this.reset = false;
    let revealed: Revelation = null;
    if (facts.ack !== null && facts.ack >= 1) this.ourSynArrived = this.ourSynSent;
    if (facts.flags & SYN && !this.peerSyn) {
      this.peerSyn = true;
      if (this.ourSynSent && facts.ack === null) revealed = 'syns-crossed';
    }
    const coversOurFin = this.ourFinEnd !== null && facts.ack !== null && facts.ack >= this.ourFinEnd;
    if (coversOurFin) this.ourFinArrived = true;
    this.stateBeforeAnswer = this.state;
    if (facts.flags & FIN && this.peerFinEnd === null) {
      this.peerFinEnd = facts.seq + facts.len + 1;
      this.peerClosedSecond = coversOurFin;
      if (this.ourFinEnd !== null && !coversOurFin) revealed = 'fins-crossed';
    }
    return revealed;
  }

  /** Ours passed the peer's on the way: it arrives now. */
  resolveCrossing(revelation: Exclude<Revelation, null>): void {
    if (revelation === 'syns-crossed') this.ourSynArrived = true;
    else this.ourFinArrived = true;
  }

  /** The inferred state, or null while the peer has not shown itself. */
  get state(): State | null {
    if (this.reset) return State.CLOSED;
    if (!this.peerSyn) return null;
    if (!this.ourSynArrived) return State.SYN_SENT;
    if (!this.peerSynAcked) return State.SYN_RECEIVED;
    if (this.peerFinEnd === null) return this.ourFinArrived ? State.CLOSE_WAIT : State.ESTABLISHED;
    if (this.peerClosedSecond) return this.peerFinAcked ? State.CLOSED : State.LAST_ACK;
    if (this.ourFinArrived) return this.peerFinAcked ? State.TIME_WAIT : State.CLOSING;
    return this.peerFinAcked ? State.FIN_WAIT_2 : State.FIN_WAIT_1;
  }
}
