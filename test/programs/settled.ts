// The wait for what a program leaves behind on a stack to be no more than TIME-WAIT.
import type { Stack } from '../../src/stack/stack.js';
import { STATE_NAMES, State } from '../../src/tcp/state.js';
import { until } from './place.js';

/** Waits for the ends of all connections. @throws AssertionError naming those that stay */
export function settled(...stacks: Stack[]): Promise<void> {
  const rest = () =>
    stacks
      .flatMap((stack) => [...stack.connections()])
      .filter(({ connection }) => connection.state !== State.TIME_WAIT);
  const shown = () => rest().map((one) => `${one.tuple.localPort} ${STATE_NAMES[one.connection.state]}`);
  return until(
    () => `only TIME-WAIT is left, not ${shown().join(', ')}`,
    () => rest().length === 0,
  );
}
