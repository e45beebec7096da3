// What can be asked of an impaired link, and the check that it makes sense. How it is done stands in impair.ts.
import type { Clock } from '../stack/clock.js';
import type { BurstLoss } from './impair-random.js';
import type { Rule } from './impair-rules.js';

/** Packets that an impaired link keeps for later, both directions together; the next one is dropped. */
export const DEFAULT_MAX_STORED_PACKETS = 16_384;
/** Bytes that an impaired link keeps for later, both directions together. */
export const DEFAULT_MAX_STORED_BYTES = 64 * 1024 * 1024;
/** Default of `queueBytes`: 100 packets of 1500 bytes. */
export const DEFAULT_QUEUE_BYTES = 150_000;
/** Later packets that overtake a reordered one, unless told otherwise. */
export const DEFAULT_REORDER_DISTANCE = 3;
/** Longest wait of a reordered packet for others to overtake it. */
export const DEFAULT_REORDER_MAX_MS = 100;

/** Which way a packet goes, from the stack's view. */
export type Direction = 'in' | 'out';

/** Random packets let others overtake them. */
export interface Reordering {
  /** Probability per packet. */
  probability: number;
  /** Later packets of the same direction that go first. Default 3. */
  distance?: number;
  /** It goes after this time in any case. Default 100 ms. */
  maxMs?: number;
}

/** Random packets are damaged; checksums are not corrected. */
export interface Corruption {
  /** Probability per packet. */
  probability: number;
  /** Bits inverted, at random places of the whole packet. Default 1. */
  bits?: number;
}

/** Random faults and the shape of one direction. Probabilities are 0…1 per packet; everything is off by default. */
export interface Impairments {
  loss?: number;
  burstLoss?: BurstLoss;
  duplicate?: number;
  /** A number is the probability. */
  reorder?: number | Reordering;
  /** A number is the probability. */
  corrupt?: number | Corruption;
  /** Propagation delay. */
  delayMs?: number;
  /** Varies the delay evenly within ± this; packets still leave in their order. */
  jitterMs?: number;
  /** Bottleneck, in bits per second of IP packet (or frame). */
  rate?: number;
  /** Bytes that wait for the bottleneck before further ones are lost. Default 150 000; larger is bufferbloat. */
  queueBytes?: number;
}

/** Settings of `impair`. Those at the top level count for both directions unless `in` or `out` says otherwise. */
export interface ImpairOptions extends Impairments {
  clock: Clock;
  in?: Impairments;
  out?: Impairments;
  /** Seed of all random decisions, an integer. Default 1. */
  seed?: number;
  /** Scripted faults, as objects or as text (see `parseRule`). The first that acts decides. */
  rules?: readonly (Rule | string)[];
  /** Hears of every fault. Must not throw. */
  onAct?: ((event: ActEvent) => void) | undefined;
  /** Packets kept for later. Default 16 384. */
  maxStoredPackets?: number;
  /** Bytes kept for later. Default 64 MiB. */
  maxStoredBytes?: number;
}

/** What was done to a packet. */
export type ActName =
  | 'drop'
  | 'delay'
  | 'dup'
  | 'reorder'
  | 'corrupt'
  | 'hold'
  | 'release'
  | 'rewrite'
  | 'inject';

/**
 * One fault. The regular delay of the link is not one. For `dup` one event per copy, for `reorder` one when the packet
 * is set aside.
 */
export interface ActEvent {
  act: ActName;
  dir: Direction;
  packetId: number;
  /** Which match of its rule this was, from 1; 0 when no rule was involved. */
  nth: number;
  /** The rule as text; `loss`, `burst-loss`, `duplicate`, `reorder`, `corrupt`, `queue` or `limit` for other causes. */
  rule: string;
  /** The clock's milliseconds. */
  time: number;
  /** The packet as it is after the act; valid during the call only. */
  packet: Uint8Array;
  /** What a function of the user's threw; the packet then went on unchanged. */
  error?: unknown;
}

/**
 * The settings of one direction.
 * @throws RangeError (`ERR_OUT_OF_RANGE`) naming the setting
 */
export function impairmentsOf(options: ImpairOptions, dir: Direction): Impairments {
  const { loss, burstLoss, duplicate, reorder, corrupt, delayMs, jitterMs, rate, queueBytes } = options;
  const both = { loss, burstLoss, duplicate, reorder, corrupt, delayMs, jitterMs, rate, queueBytes };
  const own = options[dir] ?? {};
  const merged: Record<string, unknown> = { ...both };
  for (const [name, value] of Object.entries(own)) if (value !== undefined) merged[name] = value;
  const impairments = Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== undefined),
  ) as Impairments;
  check(impairments);
  return impairments;
}

/** The long form of `reorder`. */
export function reorderingOf(value: number | Reordering | undefined): Required<Reordering> {
  const { probability, distance, maxMs } = typeof value === 'object' ? value : { probability: value ?? 0 };
  return {
    probability,
    distance: distance ?? DEFAULT_REORDER_DISTANCE,
    maxMs: maxMs ?? DEFAULT_REORDER_MAX_MS,
  } as Required<Reordering>;
}

/** The long form of `corrupt`. */
export function corruptionOf(value: number | Corruption | undefined): Required<Corruption> {
  return typeof value === 'object'
    ? { probability: value.probability, bits: value.bits ?? 1 }
    : { probability: value ?? 0, bits: 1 };
}

function check(options: Impairments): void {
  const reorder = reorderingOf(options.reorder);
  const corrupt = corruptionOf(options.corrupt);
  probability('loss', options.loss);
  probability('duplicate', options.duplicate);
  probability('reorder', reorder.probability);
  probability('corrupt', corrupt.probability);
  probability('burstLoss.enter', options.burstLoss?.enter);
  probability('burstLoss.leave', options.burstLoss?.leave);
  probability('burstLoss.lossBad', options.burstLoss?.lossBad);
  probability('burstLoss.lossGood', options.burstLoss?.lossGood);
  within('reorder.distance', reorder.distance, 1, 1000);
  within('reorder.maxMs', reorder.maxMs, 0, 1e9);
  within('corrupt.bits', corrupt.bits, 1, 1000);
  within('delayMs', options.delayMs, 0, 1e9);
  within('jitterMs', options.jitterMs, 0, 1e9);
  within('rate', options.rate, 1, 1e15);
  within('queueBytes', options.queueBytes, 1, Number.MAX_SAFE_INTEGER);
}

function probability(name: string, value: number | undefined): void {
  within(name, value, 0, 1, 'a probability from 0 to 1');
}

function within(name: string, value: number | undefined, least: number, most: number, what?: string): void {
  if (value === undefined || (value >= least && value <= most)) return;
  const wanted = what ?? `a number from ${least} to ${most}`;
  throw Object.assign(new RangeError(`impair: ${name} is ${value}; give ${wanted}.`), {
    code: 'ERR_OUT_OF_RANGE',
  });
}
