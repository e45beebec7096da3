// What the run and its worker processes tell each other.

/** Asks the worker to run cases unbroken and to tell of each what it takes, or in the watched build what it meets. */
export interface SurveyRequest {
  readonly kind: 'survey';
  readonly cases: readonly number[];
  /** Cases that take longer are no judges, so that nothing more needs to be known of them. */
  readonly slowestCaseMs: number;
}

/** Asks whether a mutant is found out by one of these cases, tried in this order. */
export interface JudgeRequest {
  readonly kind: 'judge';
  readonly mutant: number;
  readonly cases: readonly number[];
  /** For each case, after how many switches it counts as endless. */
  readonly limits: readonly number[];
}

export type Request = SurveyRequest | JudgeRequest;

/** A worker has loaded the tests. */
export interface Loaded {
  readonly kind: 'loaded';
  readonly names: readonly string[];
  /** In the watched build: numbers of the mutants that would change something at loading. */
  readonly metByLoading: Uint32Array;
}

/** One case, unbroken. */
export interface Surveyed {
  readonly kind: 'surveyed';
  readonly index: number;
  readonly ms: number;
  /** Switches that it passes. */
  readonly work: number;
  /** Why it fails, or null. */
  readonly failure: string | null;
  /** Is quick enough, and passes also a second time in the same process. */
  readonly repeats: boolean;
  /** In the watched build: mutants that would change something in it. */
  readonly met: Uint32Array;
}

/** The verdict upon one mutant; `unsure` when the case that found it out fails without it as well by now. */
export interface Judged {
  readonly kind: 'judged';
  readonly mutant: number;
  readonly verdict: 'killed' | 'endless' | 'survived' | 'unsure';
  /** The case that found it out, or -1. */
  readonly by: number;
}

export type Reply = Loaded | Surveyed | Judged;
