// The few statistics that the tables show.

/** Mean of at least one number. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The value below which the share `q` (0…1) of the numbers lies, by the nearest rank. NaN for none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Standard error of the mean; 0 for fewer than two numbers, of which nothing can be said. */
export function standardError(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/** A ratio of two means, with the error that those of its parts give it. */
export interface Ratio {
  readonly value: number;
  readonly error: number;
}

/** mean(a) / mean(b). */
export function ratioOf(a: readonly number[], b: readonly number[]): Ratio {
  const value = mean(a) / mean(b);
  const relative = Math.hypot(standardError(a) / mean(a), standardError(b) / mean(b));
  return { value, error: value * relative };
}

/** Jain's index: 1 when all have the same, 1/n when one has everything. */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return squares === 0 ? Number.NaN : (sum * sum) / (shares.length * squares);
}

/** A number measured several times. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Median, least and greatest of at least one number. The median of an even count lies between the middle two. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1]!;
  const lower = sorted[(sorted.length - 1) >> 1]!;
  return { median: (lower + upper) / 2, low: sorted[0]!, high: sorted.at(-1)! };
}
