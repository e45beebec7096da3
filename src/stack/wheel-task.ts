// Something other than a connection that a stack's timer wheel calls: one entry for a table that orders its deadlines itself.
import { WheelEntry } from './timer-wheel.js';

/** A call that the timer wheel makes when its deadline comes. */
export class WheelTask extends WheelEntry {
  /** @param run what to do; to be called again, it is armed again */
  constructor(readonly run: (now: number) => void) {
    super();
  }
}
