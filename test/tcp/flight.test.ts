// The flight against a plain array of records: whatever is pushed, acknowledged, marked, cut or joined, the sums, the
// order and the hints are those of a recount.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Flight, isCovered, Mark, type SendSnapshot } from '../../src/tcp/flight.js';
import { seqAdd, seqDiff } from '../../src/wire/seq.js';

const { SACKED, LOST, RESENT, EVER_RESENT, APP_LIMITED } = Mark;

/** One record of the model. Positions count from the beginning of the stream and do not wrap. */
interface Record {
  end: number;
  marks: number;
  sentAt: number;
  sentBefore: number;
  noted: number;
}

type Step = readonly [kind: number, a: number, b: number];

const KINDS = [
  'push',
  'push',
  'push',
  'push',
  'ack',
  'ack',
  'sack',
  'sack',
  'lose',
  'lose',
  'resendDue',
  'resendAny',
  'overdue',
  'split',
  'cut',
  'merge',
  'extend',
  'judge',
  'loseAll',
  'loseNone',
  'forgetSacks',
] as const;

function snapshotOf(n: number): SendSnapshot {
  return {
    delivered: n,
    deliveredAt: n + 0.25,
    firstSentAt: n + 0.5,
    lost: 2 * n,
    inFlight: 3 * n,
    isAppLimited: n % 3 === 0,
  };
}

/** A flight and its model, side by side. */
class Twin {
  readonly flight = new Flight();
  readonly records: Record[] = [];
  start = 0;
  judged = 0;
  private clock = 100;
  private notes = 0;

  constructor(private readonly origin: number) {
    this.flight.start = origin | 0;
  }

  private seq(position: number): number {
    return seqAdd(this.origin | 0, position);
  }

  private begin(i: number): number {
    return i === 0 ? this.start : this.records[i - 1]!.end;
  }

  private get end(): number {
    return this.records.at(-1)?.end ?? this.start;
  }

  step(kind: (typeof KINDS)[number], a: number, b: number): void {
    const { flight, records } = this;
    const count = records.length;
    const i = count === 0 ? 0 : a % count;
    if (kind === 'push') {
      this.push(1 + (a % 1500));
      return;
    }
    if (count === 0) return;
    const record = records[i]!;
    switch (kind) {
      case 'ack':
        this.acknowledge(this.start + 1 + (a % (b % 4 === 0 ? this.end - this.start : 2000)));
        break;
      case 'sack':
        flight.unmark(i, LOST | RESENT);
        flight.setMark(i, SACKED);
        record.marks = (record.marks & ~(LOST | RESENT)) | SACKED;
        break;
      case 'lose':
        if (record.marks & SACKED) break;
        flight.unmark(i, RESENT);
        flight.setMark(i, LOST);
        record.marks = (record.marks & ~RESENT) | LOST;
        break;
      case 'resendDue': {
        const due = records.findIndex(isDue);
        if (due >= 0) this.resend(due);
        break;
      }
      case 'resendAny':
        if (!(record.marks & SACKED)) this.resend(i);
        break;
      case 'overdue':
        flight.unmark(i, RESENT);
        record.marks &= ~RESENT;
        break;
      case 'split':
        this.split(i, b);
        break;
      case 'cut':
        this.cut(i, 1 + (b % 700));
        break;
      case 'merge':
        if (i + 1 < count && isDue(record) && isDue(records[i + 1]!)) this.merge(i);
        break;
      case 'extend':
        records.at(-1)!.end += 1 + (b % 100);
        flight.extendLast(this.seq(this.end));
        break;
      case 'judge':
        this.judged = flight.judged = Math.max(this.judged, a % (count + 1));
        break;
      case 'loseAll': {
        const before = this.sum((r) => (r.marks & (LOST | SACKED)) === LOST);
        const lost = flight.loseAll();
        for (const r of records) if (!(r.marks & SACKED)) r.marks = (r.marks & ~RESENT) | LOST;
        assert.equal(lost, this.sum((r) => (r.marks & (LOST | SACKED)) === LOST) - before);
        this.judged = count;
        break;
      }
      case 'loseNone':
        flight.loseNone();
        for (const r of records) r.marks &= ~LOST;
        this.judged = 0;
        break;
      case 'forgetSacks':
        flight.forgetSacks();
        for (const r of records) if (r.marks & SACKED) r.marks &= ~SACKED;
        this.judged = 0;
        break;
    }
  }

  private push(length: number): void {
    const noted = snapshotOf(++this.notes);
    const end = this.end + length;
    this.flight.push(this.seq(end), ++this.clock, noted);
    const marks = noted.isAppLimited ? APP_LIMITED : 0;
    this.records.push({ end, marks, sentAt: this.clock, sentBefore: 0, noted: this.notes });
  }

  private resend(i: number): void {
    const noted = snapshotOf(++this.notes);
    const r = this.records[i]!;
    this.flight.resent(i, ++this.clock, noted);
    r.marks = (r.marks & ~APP_LIMITED) | RESENT | EVER_RESENT | (noted.isAppLimited ? APP_LIMITED : 0);
    r.sentBefore = r.sentAt;
    r.sentAt = this.clock;
    r.noted = this.notes;
  }

  /** As the sender does it: whole records are dropped, the next one is trimmed. */
  private acknowledge(upTo: number): void {
    const position = Math.min(upTo, this.end);
    while (this.records.length > 0 && this.records[0]!.end <= position) {
      this.start = this.records.shift()!.end;
      this.flight.shift();
      if (this.judged > 0) this.judged--;
    }
    if (this.records.length > 0 && position > this.start) {
      this.flight.trim(this.seq(position));
      this.start = position;
    }
  }

  private split(i: number, by: number): void {
    const length = this.records[i]!.end - this.begin(i);
    if (length < 2) return;
    const at = this.begin(i) + 1 + (by % (length - 1));
    this.flight.split(i, this.seq(at));
    this.records.splice(i, 0, { ...this.records[i]!, end: at });
    if (this.judged > i) this.judged++;
  }

  private cut(i: number, bytes: number): void {
    const begin = this.begin(i);
    const { end } = this.records[i]!;
    this.flight.cut(i, bytes);
    const pieces: Record[] = [];
    for (let at = begin; at < end; at += bytes) {
      pieces.push({ ...this.records[i]!, end: Math.min(end, at + bytes) });
    }
    this.records.splice(i, 1, ...pieces);
    if (this.judged > i) this.judged += pieces.length - 1;
  }

  private merge(i: number): void {
    this.flight.merge(i);
    this.records[i]!.end = this.records[i + 1]!.end;
    this.records.splice(i + 1, 1);
    if (this.judged > i) this.judged--;
  }

  sum(which: (r: Record) => boolean): number {
    return this.records.reduce((n, r, i) => n + (which(r) ? r.end - this.begin(i) : 0), 0);
  }

  check(): void {
    const { flight, records } = this;
    assert.equal(flight.count, records.length, 'records');
    assert.equal(flight.start, this.seq(this.start), 'start');
    assert.equal(
      flight.sackedBytes,
      this.sum((r) => (r.marks & SACKED) !== 0),
      'sackedBytes',
    );
    assert.equal(flight.sackedCount, records.filter((r) => r.marks & SACKED).length, 'sackedCount');
    assert.equal(
      flight.lostBytes,
      this.sum((r) => (r.marks & (LOST | SACKED)) === LOST),
      'lostBytes',
    );
    assert.equal(
      flight.resentBytes,
      this.sum((r) => (r.marks & RESENT) !== 0),
      'resentBytes',
    );
    assert.equal(flight.dueBytes, this.sum(isDue), 'dueBytes');
    assert.equal(flight.judged, this.judged, 'judged');
    assert.equal(flight.nextDue(), records.findIndex(isDue), 'nextDue');
    for (const mss of [1, 536, 4000]) {
      const full = Math.ceil((this.end - this.start) / mss);
      assert.equal(flight.segments(mss), Math.max(full, records.length), 'segments');
    }
    const noted = snapshotOf(0);
    for (const [i, r] of records.entries()) {
      assert.equal(flight.end(i), this.seq(r.end), `end of ${i}`);
      assert.equal(flight.begin(i), this.seq(this.begin(i)), `begin of ${i}`);
      assert.equal(flight.length(i), r.end - this.begin(i), `length of ${i}`);
      assert.equal(flight.mark(i), r.marks, `marks of ${i}`);
      assert.equal(flight.sentAt(i), r.sentAt, `time of ${i}`);
      if (r.marks & EVER_RESENT) assert.equal(flight.sentBefore(i), r.sentBefore, `time before of ${i}`);
      flight.snapshot(i, noted);
      assert.deepEqual(noted, snapshotOf(r.noted), `what was noted of ${i}`);
      for (const within of [this.begin(i), r.end - 1])
        assert.equal(flight.indexOf(this.seq(within)), i, `indexOf ${within}`);
    }
  }
}

function isDue(r: Record): boolean {
  return (r.marks & (LOST | RESENT | SACKED)) === LOST;
}

const steps = fc.array(fc.tuple(fc.nat(KINDS.length - 1), fc.nat(100_000), fc.nat(100_000)), {
  minLength: 30,
  maxLength: 120,
  size: 'max',
}) as fc.Arbitrary<Step[]>;
const origins = fc.constantFrom(0, 0x7fffff00, 0xfffffe00, 0x12345678);

describe('flight', () => {
  for (let seed = 1; seed <= 16; seed++) {
    test(`sums, order, marks and hints are those of a recount, also across the wrap of sequence numbers (seed ${seed})`, () => {
      fc.assert(
        fc.property(origins, steps, (origin, list) => {
          const twin = new Twin(origin);
          for (const [kind, a, b] of list) {
            twin.step(KINDS[kind]!, a, b);
            twin.check();
          }
        }),
        { numRuns: 25, seed },
      );
    });
  }

  test('the ring keeps its order when it grows with its head in the middle, by pushes and by cuts', () => {
    const twin = new Twin(0xffffff00);
    for (let round = 0; round < 30; round++) {
      for (let i = 0; i < 7 + round; i++) twin.step('push', 99 + i, 0);
      twin.step('ack', 450, 1);
      twin.step('split', 3, 17);
      twin.step('split', 0, 5);
      twin.check();
    }
    assert.ok(twin.records.length > 64);
  });

  test('isCovered wants the whole record', () => {
    const flight = new Flight();
    flight.start = -10;
    flight.push(10, 1, snapshotOf(1));
    assert.equal(isCovered(flight, 0, -10, 10), true);
    assert.equal(isCovered(flight, 0, -9, 10), false);
    assert.equal(isCovered(flight, 0, -10, 9), false);
    assert.equal(isCovered(flight, 0, -20, 20), true);
  });

  test('what is due is found without walking past what was looked at before', () => {
    // A flight whose front is under repair: every acknowledgment takes the first record, and asks for the next due one.
    const flight = new Flight();
    const records = 4000;
    for (let i = 1; i <= records; i++) flight.push(100 * i, i, snapshotOf(i));
    for (let i = 0; i < records; i++) flight.setMark(i, LOST);
    for (let i = 0; i < records / 2; i++) flight.resent(flight.nextDue(), records + i, snapshotOf(i));
    let looks = 0;
    const isDueOriginal = flight.isDue.bind(flight);
    flight.isDue = (i) => {
      looks++;
      return isDueOriginal(i);
    };
    for (let i = 0; i < records / 2 - 1; i++) {
      flight.shift();
      assert.equal(flight.begin(flight.nextDue()), (records / 2) * 100);
    }
    assert.ok(looks < 2 * records, `${looks} records looked at`);
    assert.equal(seqDiff(flight.end(flight.count - 1), flight.start), (records / 2 + 1) * 100);
  });
});
