// Stands in for `node:test` in the tests that judge mutants: it collects the cases, so that each can be run again and again
// in one process, alone.

/** One test case. */
export interface Case {
  /** `rfc9293/reset.test.js: in ESTABLISHED > an RST …`. */
  readonly name: string;
  readonly body: () => unknown;
}

/** What the loaded test files have registered so far. */
export const cases: Case[] = [];

const path: string[] = [];

/** Begins a file: its cases carry its name. */
export function beginFile(name: string): void {
  path.length = 0;
  path.push(`${name}:`);
}

/** As much of a test's context as judges use. A test that skips itself judges nothing. */
const CONTEXT = { skip() {}, diagnostic() {} };

type Body = (context?: typeof CONTEXT) => unknown;

function bodyOf(given: readonly unknown[]): Body | null {
  const last = given.at(-1);
  return typeof last === 'function' ? (last as Body) : null;
}

function isSkipped(given: readonly unknown[]): boolean {
  return given.some((one) => typeof one === 'object' && one !== null && 'skip' in one && Boolean(one.skip));
}

/** `node:test`'s `test`. */
export function test(name: string, ...given: unknown[]): void {
  const body = bodyOf(given);
  if (body === null || isSkipped(given)) return;
  cases.push({ name: [...path, name].join(' '), body: () => body(CONTEXT) });
}

/** `node:test`'s `describe`. */
export function describe(name: string, ...given: unknown[]): void {
  const body = bodyOf(given);
  if (body === null || isSkipped(given)) return;
  path.push(`${name} >`);
  body();
  path.pop();
}

export { test as it };
export default test;
