// For `--trace`: the state changes of the stack's connections, between the packets that cause them.
import { SilentTrace } from '../observe/silent-trace.js';
import type { Connection } from '../tcp/connection.js';
import { STATE_NAMES, type Transition } from '../tcp/state.js';
import type { SegmentView } from '../wire/segment.js';

/** Tells each transition in a line. */
export class StateLines extends SilentTrace {
  constructor(private readonly tell: (line: string) => void) {
    super();
  }

  override stateChanged(
    connection: Connection,
    transition: Transition,
    _segment: SegmentView | null,
    _now: number,
  ): void {
    const { from, to, why } = transition;
    this.tell(`               c${connection.id} ${STATE_NAMES[from]} -> ${STATE_NAMES[to]}: ${why}`);
  }
}
