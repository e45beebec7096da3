// Which segment is which step of handshake and teardown (H1…H3, W1…W4), and the letters that teaching texts give to
// its numbers: x and y are the initial numbers of A and B, u the number of the first FIN, v that of its ACK, w that of
// the other FIN.
import { FIN, RST, SYN } from '../wire/segment.js';
import type { SegmentFacts } from './segment-facts.js';

/** A is the client (who opens actively), B the server. */
export type Side = 'A' | 'B';

/** The other end. */
export function opposite(side: Side): Side {
  return side === 'A' ? 'B' : 'A';
}

/** What the numbers of one segment are called; empty where they have no name. */
export interface StepLabel {
  step: string;
  seqLetter: string;
  ackLetter: string;
}

/** Where a FIN stands in its direction, relative to the initial number. */
export interface FinPlace {
  side: Side;
  /** Number of the FIN itself. */
  number: number;
}

const INITIAL: Readonly<Record<Side, string>> = { A: 'x', B: 'y' };

/** Follows one connection and names its steps. */
export class LadderSteps {
  firstFin: FinPlace | null = null;
  secondFin: FinPlace | null = null;
  /** Number of the first ACK of the first FIN, in the direction of who sent it. */
  ackOfFirstFin: number | null = null;
  /** A SYN was seen and acknowledged. */
  handshakeSeen = false;
  private synAckFrom: Side | null = null;
  private lastAckSeen = false;

  /** Names a segment that was not lost. Each step is given once; what repeats it keeps the letters only. */
  label(side: Side, facts: SegmentFacts): StepLabel {
    const label = { step: '', seqLetter: '', ackLetter: '' };
    if (facts.flags & RST) return label;
    if (facts.flags & SYN) this.labelSyn(label, side, facts);
    else if (this.synAckFrom === opposite(side) && !this.handshakeSeen) this.labelThird(label, side, facts);
    if (facts.flags & FIN) this.labelFin(label, side, facts);
    else this.labelAckOfFin(label, side, facts);
    return label;
  }

  private labelSyn(label: StepLabel, side: Side, facts: SegmentFacts): void {
    label.seqLetter = INITIAL[side];
    label.step = facts.ack === null ? 'H1' : 'H2';
    if (facts.ack === null) return;
    // More than one where data came with the SYN.
    label.ackLetter = `${INITIAL[opposite(side)]}+${facts.ack}`;
    if (this.synAckFrom === opposite(side)) this.handshakeSeen = true;
    this.synAckFrom = side;
  }

  private labelThird(label: StepLabel, side: Side, facts: SegmentFacts): void {
    if (facts.ack === null || facts.ack < 1) return;
    this.handshakeSeen = true;
    label.step = 'H3';
    if (facts.seq === 1) label.seqLetter = `${INITIAL[side]}+1`;
    if (facts.ack === 1) label.ackLetter = `${INITIAL[opposite(side)]}+1`;
  }

  private labelFin(label: StepLabel, side: Side, facts: SegmentFacts): void {
    const number = facts.seq + facts.len;
    if (this.firstFin === null) {
      this.firstFin = { side, number };
      label.step = 'W1';
    }
    if (this.firstFin.side === side) {
      if (facts.len === 0) label.seqLetter = 'u';
      if (this.covers(facts, this.secondFin)) label.ackLetter = 'w+1';
      return;
    }
    const first = this.secondFin === null;
    this.secondFin ??= { side, number };
    if (first) label.step = 'W3';
    if (facts.len === 0) label.seqLetter = 'w';
    if (!this.covers(facts, this.firstFin)) return;
    label.ackLetter = 'u+1';
    if (this.ackOfFirstFin !== null) return;
    this.ackOfFirstFin = facts.seq;
    if (first) label.step = 'W2+W3';
  }

  private labelAckOfFin(label: StepLabel, side: Side, facts: SegmentFacts): void {
    if (this.firstFin === null) return;
    if (side !== this.firstFin.side) {
      if (this.ackOfFirstFin !== null || !this.covers(facts, this.firstFin)) return;
      this.ackOfFirstFin = facts.seq;
      label.step = 'W2';
      label.seqLetter = 'v';
      label.ackLetter = 'u+1';
    } else if (this.covers(facts, this.secondFin)) {
      if (!this.lastAckSeen) label.step = 'W4';
      this.lastAckSeen = true;
      if (facts.seq === this.firstFin.number + 1) label.seqLetter = 'u+1';
      label.ackLetter = 'w+1';
    }
  }

  private covers(facts: SegmentFacts, fin: FinPlace | null): boolean {
    return fin !== null && facts.ack !== null && facts.ack > fin.number;
  }
}
