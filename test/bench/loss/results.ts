// What measurements of one path come to: each variant beside that of the kernel with the same controller.

import { mean, quantile, type Ratio, ratioOf, standardError } from '../statistics.js';
import type { Measurement } from './measure.js';
import { type Cell, pairOf, type Variant } from './plan.js';

/** Below it a cell is marked. */
export const LEAST_RATIO = 0.95;

/** A variant's numbers on one path. */
export interface VariantResult {
  readonly pair: string;
  /** The controller that was asked for, and the one that the sender had. */
  readonly controller: string;
  readonly controllerUsed: string;
  /** Mbit/s, or milliseconds a response. */
  readonly values: readonly number[];
  readonly mean: number;
  readonly standardError: number;
  /** Of responses. */
  readonly median: number;
  readonly p95: number;
  /** Connections that ended before their response did. */
  readonly failures: number;
  /** How good it is compared with the kernel: more Mbit/s or fewer milliseconds give more than 1. Null for the kernel. */
  readonly ratio: Ratio | null;
  readonly measurements: readonly Measurement[];
}

/** A path's numbers. */
export interface CellResult {
  readonly cell: Cell;
  readonly bulk: readonly VariantResult[];
  readonly responses: readonly VariantResult[];
}

/** Puts measurements together by path and variant, in the order of `cells`. Paths without any are left out. */
export function resultsOf(cells: readonly Cell[], measurements: readonly Measurement[]): CellResult[] {
  const results: CellResult[] = [];
  for (const cell of cells) {
    const own = measurements.filter((one) => sameCell(one.job.cell, cell));
    if (own.length === 0) continue;
    results.push({ cell, bulk: variantsOf(own, 'bulk'), responses: variantsOf(own, 'responses') });
  }
  return results;
}

function sameCell(a: Cell, b: Cell): boolean {
  return a.rttMs === b.rttMs && a.loss === b.loss && a.reorder === b.reorder && a.rateMbit === b.rateMbit;
}

const sameVariant = (a: Variant, b: Variant) => pairOf(a) === pairOf(b) && a.controller === b.controller;

function variantsOf(measurements: readonly Measurement[], what: 'bulk' | 'responses'): VariantResult[] {
  const own = measurements.filter((one) => one.job.what === what);
  const groups: Measurement[][] = [];
  for (const one of own) {
    const group = groups.find(([first]) => sameVariant(first!.job.variant, one.job.variant));
    if (group === undefined) groups.push([one]);
    else group.push(one);
  }
  const results = groups.map(resultOf);
  return results.map((result) => ({ ...result, ratio: compare(result, results, what) }));
}

function resultOf(group: readonly Measurement[]): VariantResult {
  const [first] = group;
  const values = group.flatMap((one) => one.fetched?.timesMs ?? [one.goodputMbit ?? 0]);
  return {
    pair: pairOf(first!.job.variant),
    controller: first!.job.variant.controller,
    controllerUsed: usedBy(group),
    values,
    mean: mean(values),
    standardError: standardError(values),
    median: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    failures: group.reduce((sum, one) => sum + (one.fetched?.failures ?? 0), 0),
    ratio: null,
    measurements: group,
  };
}

/** A kernel tells it only while a connection stands. */
function usedBy(group: readonly Measurement[]): string {
  const [first] = group;
  const told = group.map((one) => one.counters.controller).find((name) => name !== '?');
  return told ?? first!.job.variant.controller;
}

function compare(
  result: VariantResult,
  all: readonly VariantResult[],
  what: 'bulk' | 'responses',
): Ratio | null {
  if (result.pair === 'kernel-kernel') return null;
  const kernel = all.find((one) => one.pair === 'kernel-kernel' && one.controller === result.controller);
  if (kernel === undefined) return null;
  return what === 'bulk' ? ratioOf(result.values, kernel.values) : ratioOf(kernel.values, result.values);
}
