// Tests on numbers as rules write them: `5`, `>0`, `1..3`, and the error that every faulty rule raises.

/** A test: a number for equality, or text such as `>0`, `<=3`, `!=1`, `1..3`. */
export type NumberTest = number | string;

/** A rule that cannot be understood. `code` is `ERR_SYNWAVE_RULE`. */
export class RuleError extends Error {
  readonly code = 'ERR_SYNWAVE_RULE';

  /**
   * @param problem what is wrong, and what to write instead
   * @param text the rule, when it was given as text
   * @param column where in `text` the trouble begins, from 1; 0 for a rule given as an object
   */
  constructor(
    problem: string,
    readonly text = '',
    readonly column = 0,
  ) {
    super(column > 0 ? `link rule, column ${column}: ${problem} In: ${text}` : `link rule: ${problem}`);
    this.name = 'RuleError';
  }
}

const COMPARISON = /^(>=|<=|!=|>|<|=)?(-?\d+)$/;
const RANGE = /^(-?\d+)\.\.(-?\d+)$/;

/**
 * Makes a predicate of a test.
 * @throws RuleError naming the forms that are understood
 */
export function compileNumberTest(what: string, test: NumberTest): (value: number) => boolean {
  if (typeof test === 'number') return (value) => value === test;
  const range = RANGE.exec(test);
  if (range !== null) {
    const least = Number(range[1]);
    const most = Number(range[2]);
    return (value) => value >= least && value <= most;
  }
  const comparison = COMPARISON.exec(test);
  if (comparison === null) {
    throw new RuleError(`${what} is "${test}"; write a number, or a test like >0, <=3, !=1 or 1..3.`);
  }
  const limit = Number(comparison[2]);
  switch (comparison[1]) {
    case '>':
      return (value) => value > limit;
    case '>=':
      return (value) => value >= limit;
    case '<':
      return (value) => value < limit;
    case '<=':
      return (value) => value <= limit;
    case '!=':
      return (value) => value !== limit;
    default:
      return (value) => value === limit;
  }
}

/**
 * Control bits from their letters: S F R A P U E C, in any order.
 * @throws RuleError for another letter
 */
export function flagsFromLetters(letters: string): number {
  let flags = 0;
  for (const letter of letters.toUpperCase()) {
    const bit = 'FSRPAUEC'.indexOf(letter);
    if (bit < 0) {
      throw new RuleError(`"${letters}" are not flags; use the letters S F R A P U E C, for example SA.`);
    }
    flags |= 1 << bit;
  }
  return flags;
}
