// What a run came to: assertions that held or failed, and what a student needs to see which.
import type { LadderDocument } from '../observe/ladder.js';
import type { Inspected } from './inspect.js';
import type { Scenario, Text, UnsafeSwitch, Variant, World } from './scenario.js';

/** One assertion. */
export interface Assertion {
  readonly what: Text;
  readonly ok: boolean;
  /** Lines for a failure: what was asked for, what came. */
  readonly detail: readonly Text[];
}

/** What tshark said of the capture of a run. */
export interface Verdict {
  readonly segments: number;
  readonly badChecksums: number;
  readonly unexpected: number;
  readonly completeness: readonly number[];
}

/** The outcome of one run. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly world: World;
  readonly seed: number;
  readonly mslMs: number;
  readonly clientPort: number;
  readonly peerName: Text;
  readonly unsafe: readonly UnsafeSwitch[];
  readonly ladders: readonly LadderDocument[];
  readonly assertions: Assertion[];
  /** Segments taken apart. */
  readonly inspected: readonly Inspected[];
  /** Path of the capture. */
  readonly capture: string;
  /** The log, line by line. */
  readonly log: readonly string[];
  /** States that our stack was in. */
  readonly states: readonly string[];
  /** Null where there is no tshark. */
  verdict: Verdict | null;
}

/** Whether everything held. */
export function passed(outcome: Outcome): boolean {
  return outcome.assertions.every((assertion) => assertion.ok);
}

/** A sentence that is the same in both languages. */
export function same(words: string): Text {
  return { en: words, zh: words };
}
