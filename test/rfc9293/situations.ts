// Every state with known numbers: SND.UNA = 101, 50 bytes (and perhaps a FIN) unacknowledged, RCV.NXT = 21, the receive
// window open or shut. The numbers stand here as the documents have them, and a connection that is brought there must agree.
import assert from 'node:assert/strict';
import { Bench, type BenchOptions } from '../tcp/harness.js';
import type { Situation } from './segment-oracle.js';

const OPTIONS: BenchOptions = {
  config: { delayedAckMs: 0, receiveBufferBytes: 3000 },
  peer: { window: 1000 },
};

/** A state with its numbers. */
export interface Named {
  readonly name: string;
  readonly situation: Situation;
}

/** 20 bytes each came and went; 50 of ours are on their way. With a shut window 2980 more came, with `room` left over. */
function exchanged(shut: boolean, room = 0): Bench {
  const bench = Bench.established(OPTIONS);
  bench.peer('A 1 a1 [20]');
  bench.write(100);
  bench.peer('A 21 a101');
  bench.write(50);
  if (shut) bench.peer('A 21 a101 [1000]', 'A 1021 a101 [1000]', `A 2021 a101 [${980 - room}]`);
  return bench;
}

/** As `exchanged`, and the peer's FIN is next: with a shut window it takes the last number. */
function beforeFin(shut: boolean): { bench: Bench; fin: string } {
  return { bench: exchanged(shut, 1), fin: `FA ${shut ? 3000 : 21} a101` };
}

const PREPARE: Record<string, (shut: boolean) => Bench> = {
  'SYN-SENT': () => Bench.synSent(OPTIONS),
  'SYN-RECEIVED (passive)': () => Bench.synReceived(OPTIONS),
  'SYN-RECEIVED (active)': () => Bench.synSent(OPTIONS).peer('S 0 <mss 1000>'),
  ESTABLISHED: (shut) => exchanged(shut),
  'FIN-WAIT-1': (shut) => exchanged(shut).shutdown(),
  'FIN-WAIT-2': (shut) => {
    const bench = exchanged(shut).shutdown();
    return bench.peer(`A ${bench.status.rcvNxt} a152`);
  },
  'CLOSE-WAIT': (shut) => {
    const { bench, fin } = beforeFin(shut);
    return bench.peer(fin);
  },
  CLOSING: (shut) => {
    const { bench, fin } = beforeFin(shut);
    return bench.shutdown().peer(fin);
  },
  'LAST-ACK': (shut) => {
    const { bench, fin } = beforeFin(shut);
    return bench.peer(fin).shutdown();
  },
  'TIME-WAIT': (shut) => {
    const { bench, fin } = beforeFin(shut);
    return bench.shutdown().peer(`A ${bench.status.rcvNxt} a152`).peer(fin.replace('a101', 'a152'));
  },
};

/** All situations in which a connection is there: each state, and again with a shut window where that can be. */
export const SITUATIONS: readonly Named[] = Object.keys(PREPARE).flatMap((name) => {
  const situation = (shut: boolean) => numbersOf(name, shut);
  const open = { name, situation: situation(false) };
  return name.startsWith('SYN')
    ? [open]
    : [open, { name: `${name}, window shut`, situation: situation(true) }];
});

function numbersOf(name: string, shut: boolean): Situation {
  const state = name.replace(/ \(.*/, '');
  const passive = name.includes('passive');
  const common = { state, passive, sndWnd: 1000, maxSndWnd: 1000 };
  if (state.startsWith('SYN')) {
    const sndWnd = state === 'SYN-SENT' ? 0 : 1000;
    return { ...common, una: 0, nxt: 1, sndWnd, wl1: 0, wl2: 0, rcvNxt: 1, rcvWnd: 3000 };
  }
  const finSent = ['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'].includes(state);
  const finAcked = state === 'FIN-WAIT-2' || state === 'TIME-WAIT';
  const peerFin = ['CLOSE-WAIT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'].includes(state);
  const nxt = finSent ? 152 : 151;
  const una = finAcked ? nxt : 101;
  const rcvNxt = shut ? 3001 : peerFin ? 22 : 21;
  // The last segment to arrive told of the window: the FIN, the ACK of ours, or the last data.
  const lastData = shut ? 2021 : 21;
  const wl1 = peerFin ? rcvNxt - 1 : finAcked ? rcvNxt : lastData;
  return { ...common, una, nxt, wl1, wl2: una, rcvNxt, rcvWnd: shut ? 0 : peerFin ? 2979 : 2980 };
}

/** A connection in the named situation. */
export function prepare({ name, situation }: Named): Bench {
  const [way, shut] = name.split(', ');
  const bench = PREPARE[way!]!(shut !== undefined);
  bench.settled(situation.state);
  const { sndUna, sndNxt, sndWnd, rcvNxt, rcvWnd } = bench.status;
  const { una, nxt, ...numbers } = situation;
  assert.deepEqual(
    [sndUna, sndNxt, sndWnd],
    [una, nxt, numbers.sndWnd],
    `${name}: SND.UNA, SND.NXT, SND.WND`,
  );
  if (situation.state === 'SYN-SENT') return bench;
  assert.deepEqual([rcvNxt, rcvWnd], [numbers.rcvNxt, numbers.rcvWnd], `${name}: RCV.NXT, RCV.WND`);
  return bench;
}
