// How the run of a script ends: the results that users see, and the errors by which the runner comes to them.

/** What did not come as the script says. */
export interface DrillFailure {
  /** Line of the script, from 1. */
  readonly line: number;
  /** What is wrong, in a clause. */
  readonly message: string;
  /** In the notation of scripts, or null when the message says it all. */
  readonly expected: string | null;
  readonly got: string | null;
}

/** How a script ended. */
export interface DrillResult {
  /** Name or path, as given. */
  readonly script: string;
  readonly verdict: 'pass' | 'fail' | 'skip';
  /** Why it was skipped, or null. */
  readonly reason: string | null;
  readonly failure: DrillFailure | null;
  /** Events played, of how many. */
  readonly played: number;
  readonly events: number;
  /** Time that passed for the script, in milliseconds. */
  readonly scriptMs: number;
  /** What happened, line by line: packets and calls. */
  readonly transcript: readonly string[];
  /** The ladder of its connections; empty where the subject tells nothing of itself. */
  readonly ladder: readonly string[];
  /** Ids of the rules that the script's header names. */
  readonly proves: readonly string[];
}

/** The script asks for something that cannot be done here: it is skipped, never passed. Code `ERR_DRILL_UNSUPPORTED`. */
export class Unsupported extends Error {
  readonly code = 'ERR_DRILL_UNSUPPORTED';
}

/** The subject did not do what the script says. Code `ERR_DRILL_MISMATCH`. */
export class Mismatch extends Error {
  readonly code = 'ERR_DRILL_MISMATCH';

  constructor(
    readonly line: number,
    message: string,
    readonly expected: string | null = null,
    readonly got: string | null = null,
  ) {
    super(message);
  }
}
