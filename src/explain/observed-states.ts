// The states of both ends of a captured connection, inferred from what each sent and acknowledged. A SYN or FIN counts as
// arrived when an answer proves it; until then the state of its receiver stays open, and is filled in afterwards.
import type { LadderRow } from '../observe/ladder-rows.js';
import { opposite, type Side } from '../observe/ladder-steps.js';
import { PeerState, type Revelation } from '../observe/peer-state.js';
import type { SegmentFacts } from '../observe/segment-facts.js';
import { STATE_NAMES, type State } from '../tcp/state.js';
import { ACK, SYN } from '../wire/segment.js';

/** Numbers of the synthetic handshake that stands for one that was not captured. */
const UNSEEN = { dir: 'in', packetId: 0, seqRaw: 0, ackRaw: null, len: 0, winRaw: 0, options: {} } as const;

/** Follows both ends of one connection. */
export class ObservedStates {
  /** Names of the states that each end passed through, as far as they showed. */
  readonly paths: Readonly<Record<Side, string[]>> = { A: [], B: [] };
  private readonly ends: Readonly<Record<Side, PeerState>> = { A: new PeerState(), B: new PeerState() };
  private readonly doubtful: Record<Side, LadderRow[]> = { A: [], B: [] };

  /** The handshake was not captured: both are taken for ESTABLISHED. */
  assumeEstablished(): void {
    const syn = { ...UNSEEN, flags: SYN, seq: 0, ack: null, retransmission: 0 };
    const synAck = { ...UNSEEN, flags: SYN | ACK, seq: 0, ack: 1, retransmission: 0 };
    const ack = { ...UNSEEN, flags: ACK, seq: 1, ack: 1, retransmission: 0 };
    this.pass('A', syn);
    this.pass('B', synAck);
    this.pass('A', ack);
    for (const side of ['A', 'B'] as const) this.show(side);
  }

  private pass(from: Side, facts: SegmentFacts): Revelation {
    this.ends[opposite(from)].sent(facts);
    return this.ends[from].received(facts);
  }

  /**
   * A segment crossed; sets the states of its row.
   * @returns what it revealed beside itself
   */
  segment(from: Side, facts: SegmentFacts, row: LadderRow): Revelation {
    const to = opposite(from);
    // Which of several copies arrives is never known; the doubt is the last one's.
    if (facts.retransmission > 0) this.doubtful[to] = [];
    const revealed = this.pass(from, facts);
    this.resolveDoubt(from);
    this.setColumn(row, from);
    if (this.ends[to].doubtful) this.doubtful[to].push(row);
    else this.setColumn(row, to);
    if (revealed === null) return null;
    // What crossed it on the way arrives now.
    this.ends[from].resolveCrossing(revealed);
    this.show(from);
    return revealed;
  }

  /** A row without effect on the states: it shows them as they are. */
  unchanged(row: LadderRow): void {
    for (const side of ['A', 'B'] as const) {
      const state = this.state(side);
      if (state === null || this.ends[side].doubtful) continue;
      this.put(row, side, state);
    }
  }

  /** The inferred state of an end, or null. */
  state(side: Side): State | null {
    return this.ends[side].state;
  }

  /** An answer of this end: now it is known what the segments of the other had done to it. */
  private resolveDoubt(side: Side): void {
    const end = this.ends[side];
    if (end.doubtful) return;
    const before = end.stateBeforeAnswer;
    for (const row of this.doubtful[side]) if (before !== null) this.put(row, side, before);
    if (this.doubtful[side].length > 0 && before !== null) this.note(side, STATE_NAMES[before]);
    this.doubtful[side] = [];
  }

  private setColumn(row: LadderRow, side: Side): void {
    const state = this.state(side);
    if (state === null) return;
    this.put(row, side, state);
    this.show(side);
  }

  private show(side: Side): void {
    const state = this.state(side);
    if (state !== null) this.note(side, STATE_NAMES[state]);
  }

  private note(side: Side, name: string): void {
    const path = this.paths[side];
    if (path.at(-1) !== name) path.push(name);
  }

  private put(row: LadderRow, side: Side, state: State): void {
    const value = { name: STATE_NAMES[state], read: false };
    if (side === 'A') row.a = value;
    else row.b = value;
  }
}
