// The sender against the reference: seeded paths that lose, delay, overtake and repeat, and after every event the same segments
// held lost, the same bytes in flight, the same window, the same segments sent at the same time.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newReno } from '../../src/tcp/congestion/newreno.js';
import { type Bench, Random } from '../tcp/harness.js';
import { edges, flight, MSS } from '../tcp/sacking.js';
import { ReferenceSender, type Report, type RoundTrips } from './reference-sender.js';

const PEER_WINDOW = 60_000;
/** End of the time in which `lossAtFirst` counts. */
const BEGINNING = 50_350;
const SEEDS = 8;
/** Compared at most, and at least. */
const MOST_EVENTS = 150;
const LEAST_EVENTS = 3;
/** Beside a report of what came twice. */
const MOST_BLOCKS = 3;

interface Path {
  readonly loss: number;
  /** Chance of a loss in the first round trips, while the window is large. */
  readonly lossAtFirst?: number;
  /** Chance that a segment takes longer, and how much longer at most. */
  readonly detour: number;
  readonly detourMs: number;
  readonly repeat: number;
  readonly ackLoss: number;
}

interface Arrival {
  readonly at: number;
  readonly n: number;
  /** Its timestamp. */
  readonly sentAt: number;
}

/** The peer: what it has, and what it says of it. */
class Receiver {
  private next = 1;
  private readonly beyond: number[] = [];
  /** TS.Recent, and the acknowledgment that left last (RFC 7323 §4.3). */
  private recent = 0;

  take({ n, sentAt }: Arrival, stamps: boolean): Report {
    if (n <= this.next && sentAt >= this.recent) this.recent = Math.floor(sentAt);
    const isHere = n < this.next || this.beyond.includes(n);
    if (!isHere) this.beyond.push(n);
    while (this.beyond.includes(this.next)) this.beyond.splice(this.beyond.indexOf(this.next++), 1);
    // The stretch of the latest arrival first, also where that came twice (RFC 2883 §4).
    const blocks: [number, number][] = [];
    const latest = isHere && n > this.next ? [n] : [];
    for (const one of [...latest, ...[...this.beyond].reverse()]) {
      if (blocks.length === MOST_BLOCKS || blocks.some(([first, last]) => first <= one && one <= last))
        continue;
      blocks.push(this.stretchOf(one));
    }
    return { next: this.next, blocks, twice: isHere ? n : null, echo: stamps ? this.recent : null };
  }

  private stretchOf(n: number): [number, number] {
    let [first, last] = [n, n];
    while (this.beyond.includes(first - 1)) first--;
    while (this.beyond.includes(last + 1)) last++;
    return [first, last];
  }
}

function ackOf({ next, blocks, twice, echo }: Report, mss: number, now: number): string {
  const reported = [...(twice === null ? [] : [[twice, twice] as const]), ...blocks];
  const options = echo === null ? [] : [`ts ${Math.floor(now - 49_000)} ${echo}`];
  if (reported.length > 0) options.push(`sack ${reported.map(([a, b]) => edges(a, b, mss)).join(' ')}`);
  return `A 1 a${(next - 1) * mss + 1}${options.length > 0 ? ` <${options.join(', ')}>` : ''}`;
}

function roundTrips(bench: Bench): RoundTrips {
  const { minRttMs, rttMs } = bench.connection.tcpInfo(bench.now);
  return { minRttMs, srttMs: rttMs };
}

/** Plays a path until something happens that the reference does not know. Returns the events compared. */
function play(seed: number, path: Path, stamps: boolean): number {
  const random = new Random(seed);
  // Timestamps take twelve octets of each segment.
  const mss = stamps ? MSS - 12 : MSS;
  const bench = flight(random.int(2, path.lossAtFirst === undefined ? 20 : 50), {
    waiting: 400,
    timestamps: stamps,
    // The wrap of the numbers comes early, and more than half of them are below it.
    iss: [0x10000000, 0x7fffc000, 0xa0000000, 0xffff8000][seed % 4]!,
    config: { congestion: newReno, sendBufferBytes: 1_000_000 },
    peer: { window: PEER_WINDOW },
  });
  bench.checkPayload = false;
  const reference = new ReferenceSender(mss);
  const receiver = new Receiver();
  const arrivals: Arrival[] = [];
  const reports: { at: number; report: Report }[] = [];
  let lastReportAt = 0;

  const send = (numbers: readonly number[]) => {
    const sentAt = bench.now;
    for (const n of numbers) {
      if (random.chance(sentAt < BEGINNING ? (path.lossAtFirst ?? path.loss) : path.loss)) continue;
      const detour = random.chance(path.detour) ? random.int(1, path.detourMs) : 0;
      arrivals.push({ at: bench.now + 50 + detour, n, sentAt });
      if (random.chance(path.repeat))
        arrivals.push({ at: bench.now + 50 + detour + random.int(0, 20), n, sentAt });
    }
  };
  const compare = (where: string) => {
    const { status } = bench;
    const window = reference.reduction.windowFor(status.ssthresh, reference.pipe);
    if (window !== null) assert.equal(status.cwnd, window, `${where}: cwnd`);
    const sent = bench.take().map((s) => (s.seq - 1) / mss + 1);
    assert.deepEqual(sent, reference.sends(bench.now, status.cwnd, PEER_WINDOW), `${where}: sent`);
    const info = bench.connection.tcpInfo(bench.now);
    const got = [
      info.lostBytes,
      info.sackedBytes,
      info.resentBytes,
      info.inFlightBytes,
      info.caState === 'recovery',
      info.reordSeen,
      info.dsackDups,
    ];
    const { lostBytes, sackedBytes, resentBytes, pipe, inRecovery, reorderings, reportsOfDuplicates } =
      reference;
    const expected = [
      lostBytes,
      sackedBytes,
      resentBytes,
      pipe,
      inRecovery,
      reorderings,
      reportsOfDuplicates,
    ];
    assert.deepEqual(got, expected, where);
    send(sent);
  };

  compare(`seed ${seed}, first flight`);
  for (let events = 0; events < MOST_EVENTS; events++) {
    arrivals.sort((a, b) => a.at - b.at);
    const data = arrivals[0]?.at ?? Number.POSITIVE_INFINITY;
    const report = reports[0]?.at ?? Number.POSITIVE_INFINITY;
    const next = Math.min(data, report, reference.deadline);
    if (next === Number.POSITIVE_INFINITY) return events;
    const before = roundTrips(bench);
    bench.advance(next - bench.now);
    const where = `seed ${seed}, event ${events} at ${bench.now}`;
    if (bench.connection.rtx.tally.timeouts > 0 || bench.connection.rtx.probeOut) return events;
    if (reference.deadline <= next) {
      reference.onDeadline(next, before);
      compare(where);
    } else if (data <= report) {
      const said = receiver.take(arrivals.shift()!, stamps);
      // No two at one moment: of what leaves then, only the numbers tell which was the later.
      lastReportAt = Math.max(lastReportAt + 1 / 32, next + 50 + random.int(0, 1));
      if (!random.chance(path.ackLoss)) reports.push({ at: lastReportAt, report: said });
    } else {
      const { report: said } = reports.shift()!;
      bench.peer(ackOf(said, mss, bench.now));
      reference.onReport(said, next, before, roundTrips(bench));
      compare(where);
    }
  }
  return MOST_EVENTS;
}

const PATHS: Record<string, Path> = {
  'loses some': { loss: 0.05, detour: 0, detourMs: 0, repeat: 0, ackLoss: 0 },
  'loses many, and ACKs': { loss: 0.2, detour: 0, detourMs: 0, repeat: 0, ackLoss: 0.2 },
  'loses most of a flight': { loss: 0.1, lossAtFirst: 0.6, detour: 0, detourMs: 0, repeat: 0, ackLoss: 0 },
  'lets segments overtake': { loss: 0, detour: 0.1, detourMs: 60, repeat: 0, ackLoss: 0 },
  'lets few overtake by little': { loss: 0.02, detour: 0.03, detourMs: 20, repeat: 0, ackLoss: 0 },
  'does all of it': { loss: 0.05, detour: 0.05, detourMs: 120, repeat: 0.05, ackLoss: 0.05 },
};

for (const stamps of [false, true]) {
  describe(`as the reference has it, ${stamps ? 'with' : 'without'} timestamps, on a path that`, () => {
    for (const [name, path] of Object.entries(PATHS)) {
      for (let seed = 1; seed <= SEEDS; seed++) {
        test(`RFC8985 §6.2, RFC9937 §6, RFC6675 §4: ${name} (seed ${seed})`, () => {
          assert.ok(play(seed, path, stamps) >= LEAST_EVENTS);
        });
      }
    }
  });
}
