// Fast Open over paths that lose, double and reorder, with every kind of cookie: whatever becomes of the SYN's data, the
// stream is exact. SYNWAVE_SIM_SEEDS=n looks at n worlds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Event } from '../../src/tcp/connection.js';
import type { FastOpenOutcome } from '../../src/tcp/fast-open.js';
import { State } from '../../src/tcp/state.js';
import { pattern } from '../tcp/notation.js';
import { Pair, type Path, type Side } from '../tcp/pair.js';
import { Random } from '../tcp/random.js';
import { COOKIE, FixedCookies, FORMER, OnePath } from './fixtures.js';

const SEEDS = Number(process.env.SYNWAVE_SIM_SEEDS ?? 400);
/** Fewer worlds need not show every outcome. */
const SEEDS_FOR_ALL = 100;
const WRONG = 'ffffffffffffffff';

/** Reads everything, answers with so many bytes when it has what was sent early, and closes behind the end. */
class Application {
  received: number[] = [];
  private answered = false;

  constructor(
    private readonly side: Side,
    private readonly expected: number,
    private readonly answer: Uint8Array,
  ) {}

  turn(now: number): void {
    const { connection } = this.side;
    if (connection === null || connection.state === State.CLOSED || connection.state === State.LISTEN) return;
    for (let bytes = connection.receive(1e6, now); bytes !== null; bytes = connection.receive(1e6, now)) {
      this.received.push(...bytes);
    }
    if (this.answered || this.received.length < this.expected) return;
    // A client says all it has with its call.
    if (connection.role === 'active' || connection.send(this.answer, true, now) === this.answer.length) {
      this.answered = true;
      connection.shutdownWrite(now);
    }
  }
}

function worldOf(seed: number) {
  const random = new Random(seed);
  const loss = random.pick([0, 0.05, 0.3]);
  const path: Path = () => {
    if (random.chance(loss)) return [];
    const delay = () => 10 + random.next() * random.pick([0, 0, 30]);
    return random.chance(0.1) ? [delay(), delay()] : [delay()];
  };
  const cookie = random.pick([null, COOKIE, COOKIE, COOKIE, FORMER, WRONG]);
  const options = {
    sack: random.chance(0.7),
    timestamps: random.chance(0.7),
    windowScale: random.pick([-1, 8]),
  };
  const early = pattern(0, random.int(0, 3000), 7);
  const answer = pattern(0, random.int(0, 30_000), 151);
  const cache = new OnePath({
    cookie: cookie === null ? null : Buffer.from(cookie, 'hex'),
    mss: random.pick([0, 500, 1460]),
  });
  const pair = new Pair(
    {
      path,
      early,
      iss: random.pick([0, -5, 0x7fff_fff0]),
      config: { fastOpen: true, ...options },
      environment: { fastOpenCache: cache },
    },
    {
      path,
      iss: random.pick([1000, -700]),
      config: {
        ...options,
        fastOpen: random.chance(0.9),
        fastOpenPending: random.pick([0, 16, 16, 16]),
        synData: random.pick(['queue', 'accept', 'discard']),
        synDataBytes: random.pick([1460, 1460, 300]),
        receiveBufferBytes: random.pick([500, 10_000, 262_144]),
        receiveBufferMaxBytes: 0,
      },
      environment: { fastOpenCookies: new FixedCookies() },
    },
  );
  return {
    pair,
    early,
    answer,
    ends: [new Application(pair.a, answer.length, early), new Application(pair.b, early.length, answer)],
  };
}

test('RFC7413 §4.2.2: the stream is exact, whatever becomes of the SYN and its data', () => {
  const outcomes = new Map<FastOpenOutcome, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { pair, early, answer, ends } = worldOf(seed);
    pair.application = () => {
      for (const end of ends) end.turn(pair.now);
    };
    pair.start().runToQuiescence({ steps: 100_000, until: 3_600_000 });
    const why = `seed ${seed}\n${pair.tail()}`;
    assert.deepEqual([pair.a.error, pair.b.error], [null, null], why);
    assert.ok(Buffer.from(ends[1]!.received).equals(early), `what the client sent: ${why}`);
    assert.ok(Buffer.from(ends[0]!.received).equals(answer), `what the server sent: ${why}`);
    assert.ok(pair.a.events & Event.CLOSED || pair.a.state === 'CLOSED', why);
    const outcome = pair.a.connection!.fastOpen!.outcome;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  if (SEEDS < SEEDS_FOR_ALL) return;
  for (const seen of ['accepted', 'partly accepted', 'refused', 'cookie received', 'given up'] as const) {
    assert.ok((outcomes.get(seen) ?? 0) > 0, `${seen} did not occur`);
  }
});
