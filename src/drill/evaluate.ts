// Computes the expressions of snippets, and tells which names they need.
import type { CodeExpression, Statement, Value } from './code.js';

/** Functions that snippets may call. */
export const FUNCTIONS: ReadonlyMap<string, (...args: number[]) => number> = new Map([
  ['abs', Math.abs],
  ['min', Math.min],
  ['max', Math.max],
  ['round', Math.round],
  ['int', Math.trunc],
  ['float', Number],
]);

/** The names that a snippet needs and does not define itself. */
export function namesIn(statements: readonly Statement[]): { reads: string[]; writes: string[] } {
  const reads: string[] = [];
  const writes: string[] = [];
  const walk = (e: CodeExpression): void => {
    if (e.kind === 'name') reads.push(e.name);
    for (const operand of operandsOf(e)) walk(operand);
  };
  for (const statement of statements) {
    if (statement.kind === 'assert') {
      walk(statement.test);
      if (statement.message !== null) walk(statement.message);
    } else if (statement.kind === 'print') {
      for (const arg of statement.args) walk(arg);
    } else {
      walk(statement.value);
      if (statement.op !== '') reads.push(statement.name);
      writes.push(statement.name);
    }
  }
  return { reads, writes };
}

function operandsOf(e: CodeExpression): readonly CodeExpression[] {
  switch (e.kind) {
    case 'unary':
      return [e.operand];
    case 'binary':
      return [e.left, e.right];
    case 'compare':
      return [e.first, ...e.rest.map(([, operand]) => operand)];
    case 'call':
      return e.args;
    default:
      return [];
  }
}

/**
 * Computes an expression.
 * @param lookup the value of a name
 */
export function evaluate(e: CodeExpression, lookup: (name: string) => Value): Value {
  switch (e.kind) {
    case 'value':
      return e.value;
    case 'name':
      return lookup(e.name);
    case 'unary':
      return applyUnary(e.op, evaluate(e.operand, lookup));
    case 'compare':
      return compareAll(e, lookup);
    case 'call':
      return FUNCTIONS.get(e.name)!(...e.args.map((arg) => Number(evaluate(arg, lookup))));
    case 'binary': {
      const left = evaluate(e.left, lookup);
      // As in Python, the value of the operand that decides.
      if (e.op === 'or') return isTrue(left) ? left : evaluate(e.right, lookup);
      if (e.op === 'and') return isTrue(left) ? evaluate(e.right, lookup) : left;
      return applyBinary(e.op, left, evaluate(e.right, lookup));
    }
  }
}

/** Whether a value counts as true. */
export function isTrue(value: Value): boolean {
  return value !== 0 && value !== '' && value !== false;
}

function compareAll(e: CodeExpression & { kind: 'compare' }, lookup: (name: string) => Value): boolean {
  let left = evaluate(e.first, lookup);
  for (const [op, operand] of e.rest) {
    const right = evaluate(operand, lookup);
    if (!compareOnce(op, left, right)) return false;
    left = right;
  }
  return true;
}

function compareOnce(op: string, a: Value, b: Value): boolean {
  const [x, y] = typeof a === 'string' || typeof b === 'string' ? [a, b] : [Number(a), Number(b)];
  if (op === '==') return x === y;
  if (op === '!=') return x !== y;
  if (op === '<') return x < y;
  if (op === '<=') return x <= y;
  if (op === '>') return x > y;
  return x >= y;
}

function applyUnary(op: string, value: Value): Value {
  if (op === 'not') return !isTrue(value);
  if (op === '-') return -Number(value);
  return op === '~' ? ~Number(value) : Number(value);
}

/** Applies `+ - * / // % & | ^ << >>`; used for `+=` and its kin too. */
export function applyBinary(op: string, a: Value, b: Value): Value {
  if (op === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
  const x = Number(a);
  const y = Number(b);
  switch (op) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return x / y;
    case '//':
      return Math.floor(x / y);
    case '%':
      return x - y * Math.floor(x / y);
    case '&':
      return x & y;
    case '|':
      return x | y;
    case '^':
      return x ^ y;
    case '<<':
      return x * 2 ** y;
    default:
      return Math.floor(x / 2 ** y);
  }
}
