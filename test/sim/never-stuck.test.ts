// Whatever a peer does with windows and acknowledgments, and however long the link is full: what is in flight or waits
// to be sent is watched by a timer, so that no connection can be stuck for ever (RFC 9293 §3.8.3, §3.8.6.1).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { State } from '../../src/tcp/state.js';
import { Bench } from '../tcp/harness.js';
import { Random } from '../tcp/random.js';

const SEEDS = Number(process.env.SYNWAVE_SIM_SEEDS ?? 1500);
const STEPS = 120;
const NEVER = 1e9;

/** One peer: what it offers, and whether it takes back what it had offered. */
class Peer {
  private edge = 0;

  constructor(private readonly shrinks: boolean) {}

  /** `A 1 aN wM` with a window that suits its habits. */
  acknowledges(upTo: number, wanted: number): string {
    const window = this.shrinks ? wanted : Math.max(wanted, this.edge - upTo);
    this.edge = Math.max(this.edge, upTo + window);
    return `A 1 a${upTo} w${Math.min(window, 65_535)}`;
  }
}

function establish(random: Random): Bench {
  const config = {
    r2Ms: NEVER,
    orphanMs: NEVER,
    nagle: random.pick([true, false]),
    delayedAckMs: random.pick([0, 40]),
    windowScale: -1,
  };
  const peer = { options: 'mss 1000', window: random.pick([500, 3000, 20_000]) };
  return random.chance(0.5) ? Bench.established({ config, peer }) : Bench.accepted({ config, peer });
}

function step(bench: Bench, peer: Peer, random: Random): string {
  const { sndUna, sndNxt, sndWnd } = bench.status;
  const window = random.pick([0, 0, 100, 999, 1000, 3000, 20_000]);
  switch (
    random.pick([
      'write',
      'ack',
      'ack',
      'duplicate',
      'window',
      'wait',
      'wait',
      'timer',
      'full',
      'fin',
      'path',
    ])
  ) {
    case 'write': {
      const length = random.pick([1, 500, 1000, 5000, 30_000]);
      bench.write(length, random.chance(0.75));
      return `write ${length}`;
    }
    case 'ack': {
      const line = peer.acknowledges(sndNxt > sndUna ? random.int(sndUna + 1, sndNxt) : sndUna, window);
      bench.peer(line);
      return line;
    }
    case 'duplicate':
    case 'window': {
      const line = peer.acknowledges(sndUna, random.chance(0.5) ? sndWnd : window);
      bench.peer(line);
      return line;
    }
    case 'wait': {
      const ms = random.pick([1, 50, 250, 3000]);
      bench.advance(ms);
      return `wait ${ms}`;
    }
    case 'timer':
      if (Number.isFinite(bench.untilTimer)) bench.advance(Math.max(0, bench.untilTimer));
      return 'wait for the timer';
    case 'full':
      bench.writable = !bench.writable;
      bench.flush();
      return `link ${bench.writable ? 'takes' : 'is full'}`;
    case 'fin':
      if (random.chance(0.15)) bench.shutdown();
      return 'shutdown, perhaps';
    default:
      if (random.chance(0.1)) bench.connection.onPathMss(600, bench.connection.snd.una);
      bench.flush();
      return 'path MTU, perhaps';
  }
}

function assertWatched(bench: Bench): void {
  const c = bench.connection;
  if (!bench.writable) c.heldBack(bench.now);
  const end = c.finQueued ? (c.finSeq + 1) | 0 : c.finSeq;
  const unsent = (end - c.snd.nxt) | 0;
  if (c.inFlight === 0 && unsent <= 0) return;
  assert.notEqual(
    c.nextTimeout(),
    Number.POSITIVE_INFINITY,
    `in flight ${c.inFlight}, unsent ${unsent}, no timer`,
  );
}

test(`${SEEDS} peers with changing windows: data in flight or waiting always has a timer`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed);
    const bench = establish(random);
    bench.checkPayload = false;
    bench.checkWindow = false;
    const peer = new Peer(random.chance(0.5));
    const history: string[] = [];
    try {
      for (let i = 0; i < STEPS; i++) {
        const { state } = bench.connection;
        if (state < State.ESTABLISHED || state === State.TIME_WAIT) break;
        history.push(step(bench, peer, random));
        if (bench.connection.state !== State.CLOSED) assertWatched(bench);
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}\n${history.slice(-15).join('\n')}`, {
        cause: error,
      });
    }
  }
});
