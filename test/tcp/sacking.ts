// A sender in the midst of a transfer to a peer with SACK, whose round trip is known: where the tests of loss recovery
// begin.
import { Bench, type BenchOptions } from './bench.js';

/** Payload bytes of every segment. */
export const MSS = 1000;

export interface FlightOptions extends BenchOptions {
  /** Of the handshake, the only measurement so far. Default 100. */
  rttMs?: number;
  /** Default true. */
  sack?: boolean;
  timestamps?: boolean;
  /** The peer agrees to ECN, which `config` must offer. */
  ecn?: boolean;
  /** Segments that wait behind the flight, as far as the window keeps them back. */
  waiting?: number;
}

/**
 * ESTABLISHED; `segments` of them have left at this moment, numbered from 1. The congestion window takes as many, and
 * the peer's window more. Peers with timestamps have to bring their own: see `stamp`.
 */
export function flight(segments: number, options: FlightOptions = {}): Bench {
  const { rttMs = 100, sack = true, timestamps = false, ecn = false, waiting = 0, ...more } = options;
  const offered = ['mss 1000', ...(sack ? ['sackOK'] : []), ...(timestamps ? ['ts 500 0'] : [])].join(', ');
  const bench = Bench.synSent({
    ...more,
    config: { sack, timestamps, nagle: false, initialWindowSegments: segments, ...more.config },
    peer: { window: 60_000, ...more.peer, options: offered },
  });
  bench.advance(rttMs);
  bench.peer(`${ecn ? 'SAE' : 'SA'} 0 a1 <${offered}>`).settled('ESTABLISHED');
  // Timestamps take twelve octets of each segment.
  const payload = bench.status.sendMss;
  bench.write((segments + waiting) * payload);
  return bench;
}

/** `first` to `last` of the segments of `flight`, from 1, as a SACK block or an acknowledgment's number. */
export function edges(first: number, last: number, mss = MSS): string {
  return `${(first - 1) * mss + 1}:${last * mss + 1}`;
}

/** An ACK of everything before segment `n`, with these segments reported: `[3, 5]` for three to five. */
export function ackBefore(n: number, ...reported: (readonly [number, number])[]): string {
  const sack = reported.map(([first, last]) => edges(first, last)).join(' ');
  return `A 1 a${(n - 1) * MSS + 1}${sack === '' ? '' : ` <sack ${sack}>`}`;
}

/** Numbers of the segments that left since the last look, from 1. */
export function segmentsSent(bench: Bench): number[] {
  return bench.take().map((s) => Math.floor((s.seq - 1) / MSS) + 1);
}
