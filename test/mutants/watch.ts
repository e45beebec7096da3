// What the watched build calls: it notes which mutants would change something in the run of a case. A case in which every
// mutated expression has the value of the original cannot find the mutant out and need not be asked.

let noted: Uint8Array | null = null;
/** While a mutated expression is tried, functions that it calls note nothing. */
let trying = false;

/** Notes in `into` every mutant that would change something from now on; null ends it. */
export function noteMet(into: Uint8Array | null): void {
  noted = into;
}

/** The mutant would change something whenever this is passed. */
export function $met(mutant: number): void {
  if (noted !== null && !trying) noted[mutant] = 1;
}

/** `mutated` computes the expression as the mutant of that number has it. */
export function $watch(mutants: readonly number[], value: unknown, mutated: (mutant: number) => unknown) {
  if (noted !== null && !trying) for (const one of mutants) compare(one, value, mutated, false);
  return value;
}

/** The same where it only matters whether it holds. */
export function $watchTruth(
  mutants: readonly number[],
  value: unknown,
  mutated: (mutant: number) => unknown,
) {
  if (noted !== null && !trying) for (const one of mutants) compare(one, value, mutated, true);
  return value;
}

/** The left side of `&&`: the mutants `left` leave the right side out, `right` the left one. */
export function $and(left: readonly number[], right: number, value: unknown): unknown {
  if (!value) $met(right);
  else for (const one of left) $met(one);
  return value;
}

/** The left side of `||`. */
export function $or(left: readonly number[], right: number, value: unknown): unknown {
  $and(left, right, !value);
  return value;
}

/** The mutant would change something where the two differ. */
export function $differs(mutant: number, original: () => unknown, mutated: () => unknown): void {
  if (noted === null || trying || noted[mutant] === 1) return;
  trying = true;
  let value: unknown;
  try {
    value = original();
  } finally {
    trying = false;
  }
  compare(mutant, value, mutated, false);
}

function compare(
  mutant: number,
  value: unknown,
  mutated: (mutant: number) => unknown,
  asTruth: boolean,
): void {
  if (noted![mutant] === 1) return;
  trying = true;
  let other: unknown;
  try {
    other = mutated(mutant);
  } catch {
    noted![mutant] = 1;
    return;
  } finally {
    trying = false;
  }
  if (asTruth ? Boolean(other) !== Boolean(value) : !Object.is(other, value)) noted![mutant] = 1;
}
