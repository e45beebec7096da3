// What a run needs of the world that it is played in.
import type { State } from '../tcp/state.js';
import type { Rig } from './rig.js';
import type { Actor } from './stage.js';

/** The other end, and the way in which time passes. */
export interface PlayedWorld {
  readonly rig: Rig;
  readonly peer: Actor;
  /** What the other end is called: `Linux 6.18`. */
  readonly peerName: { readonly en: string; readonly zh: string };
  /** Lets time pass until the condition holds; false when it does not within `limitMs`. */
  until(holds: () => boolean, limitMs: number): Promise<boolean>;
  /** Longest wait for a condition, unless told otherwise, ms. */
  readonly patienceMs: number;
  wait(ms: number): Promise<void>;
  /** States of the other end's connections that should not be there when all is over. */
  leftovers(): string[];
  /** Reads the other end's state, holding the link meanwhile; null where it is known anyway. */
  readonly readState: ((expected: State) => Promise<State>) | null;
  close(): Promise<void>;
}
