// Ways to bring a connection into each state, with known numbers: SND.UNA = 101, 50 bytes (and perhaps a FIN) unacknowledged,
// RCV.NXT = 21, the receive window open or shut.
import assert from 'node:assert/strict';
import { Bench, type BenchOptions } from '../tcp/harness.js';
import type { Situation } from './segment-oracle.js';

const OPTIONS: BenchOptions = {
  config: { delayedAckMs: 0, receiveBufferBytes: 3000 },
  peer: { window: 1000 },
};

/** One state to test. */
export interface Prepared {
  bench: Bench;
  situation: Situation;
}

function exchanged(shut: boolean): Bench {
  const bench = Bench.established(OPTIONS);
  bench.peer('A 1 a1 [20]');
  bench.write(100);
  bench.peer('A 21 a101');
  bench.write(50);
  if (shut) bench.peer('A 21 a101 [1000]', 'A 1021 a101 [1000]', 'A 2021 a101 [980]');
  return bench;
}

const PREPARE: Record<string, (shut: boolean) => Bench> = {
  'SYN-SENT': () => Bench.synSent(OPTIONS),
  'SYN-RECEIVED (passive)': () => Bench.synReceived(OPTIONS),
  'SYN-RECEIVED (active)': () => Bench.synSent(OPTIONS).peer('S 0 <mss 1000>'),
  ESTABLISHED: exchanged,
  'FIN-WAIT-1': (shut) => exchanged(shut).shutdown(),
  'FIN-WAIT-2': (shut) => {
    const bench = exchanged(shut).shutdown();
    return bench.peer(`A ${bench.status.rcvNxt} a152`);
  },
  'CLOSE-WAIT': () => exchanged(false).peer('FA 21 a101'),
  CLOSING: () => exchanged(false).shutdown().peer('FA 21 a101'),
  'LAST-ACK': () => exchanged(false).peer('FA 21 a101').shutdown(),
  'TIME-WAIT': () => exchanged(false).shutdown().peer('A 21 a152').peer('FA 21 a152'),
};

/** Names of the situations. */
export const SITUATIONS = Object.keys(PREPARE);

/** Situations in which the receive window can be shut: those that can still receive. */
export const SHUTTABLE = ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2'];

/** A connection in the named state. */
export function prepare(name: string, shut: boolean): Prepared {
  const bench = PREPARE[name]!(shut);
  const state = name.replace(/ \(.*/, '');
  bench.settled(state);
  const early = state.startsWith('SYN');
  const finSent = ['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'].includes(state);
  const finAcked = state === 'FIN-WAIT-2' || state === 'TIME-WAIT';
  const peerFin = ['CLOSE-WAIT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'].includes(state);
  const nxt = early ? 1 : finSent ? 152 : 151;
  const situation: Situation = {
    state,
    passive: name.includes('passive'),
    una: early ? 0 : finAcked ? nxt : 101,
    nxt,
    rcvNxt: early ? 1 : (shut ? 3001 : 21) + (peerFin ? 1 : 0),
    rcvWnd: shut ? 0 : early ? 3000 : 2980,
    maxSndWnd: 1000,
  };
  const status = bench.status;
  assert.equal(status.sndUna, situation.una, `${name}: SND.UNA`);
  assert.equal(status.sndNxt, situation.nxt, `${name}: SND.NXT`);
  if (state !== 'SYN-SENT') {
    assert.equal(status.rcvNxt, situation.rcvNxt, `${name}: RCV.NXT`);
    if (!peerFin) assert.equal(status.rcvWnd, situation.rcvWnd, `${name}: RCV.WND`);
    else situation.rcvWnd = status.rcvWnd;
  }
  return { bench, situation };
}
