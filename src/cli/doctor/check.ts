// The form of a doctor's check, its result and its line on the terminal. The checks themselves stand beside this file.
import type { LinkChoice } from '../link-choice.js';
import type { StackSettings } from '../options.js';
import { paint, type Terminal } from '../terminal.js';
import type { AddressWithPrefix } from '../values.js';

/** How a check ended. Only `FAIL` makes `doctor` exit with 3. */
export type Verdict = 'ok' | 'warn' | 'FAIL' | 'skip';

/** A remedy that `doctor --fix` may carry out. */
export interface Fix {
  /** The command that a person would type; printed before it is done. */
  readonly command: string;
  apply(): void;
}

/** One line of the report. */
export interface Finding {
  /** Stable name of the check, such as `tun-node`. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found. */
  readonly found: string;
  /** What it means for the user; empty when all is well. */
  readonly meaning?: string;
  /** What to do about it. */
  readonly remedy?: string;
  readonly fix?: Fix;
}

/** What the user asked to examine. */
export interface Subject {
  readonly netns: string;
  readonly link: LinkChoice;
  /** Name of the link's device or interface; empty for links without one of their own. */
  readonly device: string;
  readonly addresses: readonly AddressWithPrefix[];
  /** Ports on which the stack is to listen. */
  readonly ports: readonly number[];
}

/** The subject that the options of a stack describe. */
export function subjectOf(settings: StackSettings, ports: readonly number[]): Subject {
  const { netns, link, addresses } = settings;
  return { netns, link, device: 'device' in link ? link.device : '', addresses, ports };
}

/** Examines one thing. Never throws for what it finds; never leaves anything behind. */
export type Check = (subject: Subject) => Finding | Finding[] | Promise<Finding | Finding[]>;

const COLORS = { ok: 'green', warn: 'yellow', FAIL: 'red', skip: 'dim' } as const;

/** Prints a finding: one line, and what it means and what to do when it is not well. */
export function printFinding(terminal: Terminal, finding: Finding): void {
  const verdict = paint(terminal, COLORS[finding.verdict], finding.verdict.padEnd(4));
  terminal.complain(`${verdict}  ${finding.check.padEnd(14)} ${finding.found}`);
  const indent = ' '.repeat(21);
  if (finding.meaning) terminal.complain(`${indent}${finding.meaning}`);
  if (finding.remedy)
    terminal.complain(`${indent}-> ${finding.remedy}${finding.fix ? '  (--fix does it)' : ''}`);
}
