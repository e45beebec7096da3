// A sender whose peer has no SACK against RFC 5681 §3.2 and RFC 6582 in plain words: seeded paths that lose and overtake, and
// after every ACK the same bytes in flight, the same window, the same segments sent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newReno } from '../../src/tcp/congestion/newreno.js';
import { ReferenceReduction } from '../rfc9937/reference-reduction.js';
import { Random } from '../tcp/harness.js';
import { ackBefore, flight, MSS, segmentsSent } from '../tcp/sacking.js';

const PEER_WINDOW = 60_000;
const SEEDS = 12;
const MOST_EVENTS = 150;

/** Segments count from 1. */
class ReferenceSender {
  una = 1;
  nxt = 1;
  inRecovery = false;
  readonly reduction = new ReferenceReduction(MSS);
  private recover = 0;
  private readonly lost = new Set<number>();
  private readonly resent = new Set<number>();
  /** Duplicate ACKs in a row, the bytes that they tell to have left the network, and the most that they can tell of. */
  private duplicates = 0;
  private told = 0;
  private mostTold = 0;
  /** A partial ACK: the first segment leaves again whatever the window is. */
  private isPartial = false;

  private get outstanding(): number {
    return MSS * (this.nxt - this.una);
  }

  get pipe(): number {
    return this.outstanding - MSS * this.lost.size + MSS * this.resent.size - this.told;
  }

  onAck(next: number): void {
    const before = this.pipe;
    const advanced = next > this.una;
    const delivered = advanced ? this.advance(next) : this.onDuplicate();
    const isThird = !this.inRecovery && this.duplicates === 3 && this.una > this.recover;
    this.isPartial = this.inRecovery && advanced && this.una < this.recover && this.outstanding > 0;
    const isLost = (isThird || this.isPartial) && !this.lost.has(this.una);
    if (isLost) this.lost.add(this.una);
    if (this.inRecovery && this.una >= this.recover) this.inRecovery = false;
    if (!this.inRecovery && this.lost.size > 0) {
      this.inRecovery = true;
      this.recover = this.nxt;
      this.reduction.begin(before);
    }
    if (this.inRecovery) this.reduction.onEvent(delivered, isLost ? MSS : 0, advanced);
    else this.reduction.rest();
  }

  /** What duplicates told of is among what is acknowledged now, but not the segment that was missing. */
  private advance(next: number): number {
    const bytes = MSS * (next - this.una);
    for (; this.una < next; this.una++) {
      this.lost.delete(this.una);
      this.resent.delete(this.una);
    }
    this.duplicates = 0;
    const among = Math.min(this.told, bytes - MSS);
    this.told = this.outstanding === 0 ? 0 : this.told - among;
    return bytes - among;
  }

  private onDuplicate(): number {
    if (this.outstanding === 0) return 0;
    if (this.duplicates++ === 0) {
      const possible = this.outstanding - MSS * this.lost.size - MSS;
      this.mostTold = Math.min(this.outstanding, Math.max(2 * MSS, possible));
    }
    const added = Math.max(0, Math.min(MSS, this.mostTold - this.told));
    this.told += added;
    return added;
  }

  sends(cwnd: number): number[] {
    const out: number[] = [];
    const send = (n: number) => {
      out.push(n);
      this.reduction.onSent();
    };
    if (this.isPartial) this.sendAgain(this.una, send);
    this.isPartial = false;
    for (;;) {
      if (this.pipe > 0 && cwnd - this.pipe < MSS) return out;
      const due = [...this.lost].find((n) => !this.resent.has(n));
      if (due !== undefined) this.sendAgain(due, send);
      else if (this.outstanding + MSS <= PEER_WINDOW) send(this.nxt++);
      else return out;
    }
  }

  private sendAgain(n: number, send: (n: number) => void): void {
    this.resent.add(n);
    send(n);
  }
}

/** The acknowledgments of a peer that has received these segments, in this order. */
class Receiver {
  private next = 1;
  private readonly beyond = new Set<number>();

  take(n: number): number {
    if (n >= this.next) this.beyond.add(n);
    while (this.beyond.delete(this.next)) this.next++;
    return this.next;
  }
}

function play(seed: number, loss: number, detour: number): number {
  const random = new Random(seed);
  const bench = flight(random.int(4, 24), {
    sack: false,
    waiting: 300,
    config: { congestion: newReno, sendBufferBytes: 1_000_000 },
    peer: { window: PEER_WINDOW },
  });
  bench.checkPayload = false;
  const reference = new ReferenceSender();
  const receiver = new Receiver();
  const onTheWay: { at: number; n: number; isAck: boolean }[] = [];
  const compare = (where: string) => {
    const { status } = bench;
    const window = reference.reduction.windowFor(status.ssthresh, reference.pipe);
    if (window !== null) assert.equal(status.cwnd, window, `${where}: cwnd`);
    const sent = segmentsSent(bench);
    assert.deepEqual(sent, reference.sends(status.cwnd), `${where}: sent`);
    const info = bench.connection.tcpInfo(bench.now);
    const got = [info.inFlightBytes, info.caState === 'recovery'];
    assert.deepEqual(got, [reference.pipe, reference.inRecovery], where);
    for (const n of sent) {
      const late = random.chance(detour) ? random.int(1, 15) : 0;
      if (!random.chance(loss)) onTheWay.push({ at: bench.now + 50 + late, n, isAck: false });
    }
  };

  compare(`seed ${seed}, first flight`);
  for (let events = 0; events < MOST_EVENTS; ) {
    onTheWay.sort((a, b) => a.at - b.at);
    const one = onTheWay.shift();
    if (one === undefined) return events;
    bench.advance(one.at - bench.now);
    if (bench.connection.rtx.tally.timeouts > 0) return events;
    if (!one.isAck) {
      onTheWay.push({ at: bench.now + 50, n: receiver.take(one.n), isAck: true });
      continue;
    }
    bench.peer(ackBefore(one.n));
    reference.onAck(one.n);
    compare(`seed ${seed}, event ${events++} at ${bench.now}`);
  }
  return MOST_EVENTS;
}

describe('without SACK, on a path that', () => {
  for (const [name, loss, detour] of [
    ['loses few', 0.03, 0],
    ['loses some', 0.12, 0],
    ['lets segments overtake', 0.01, 0.15],
  ] as const) {
    for (let seed = 1; seed <= SEEDS; seed++) {
      test(`RFC5681 §3.2, RFC6582 §3.2: ${name} (seed ${seed})`, () => {
        assert.ok(play(seed, loss, detour) >= 4);
      });
    }
  }
});
