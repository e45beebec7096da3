// What the connections of a serving verb carried, by port, for the document of `--json`. Told by the core's events, so
// that the numbers are those of the log's records.
import { SilentTrace } from '../observe/silent-trace.js';
import type { Connection } from '../tcp/connection.js';
import { State, type Transition } from '../tcp/state.js';

/** The connections of one port, or of several. */
export interface Carried {
  /** Handshakes that ended in ESTABLISHED. */
  connections: number;
  /** Payload bytes received in order. */
  bytesIn: number;
  /** Payload bytes that the peers acknowledged. */
  bytesOut: number;
}

function nothing(): Carried {
  return { connections: 0, bytesIn: 0, bytesOut: 0 };
}

/** Counts as connections open and end: complete when the stack is closed, which ends the last of them. */
export class ServedTally extends SilentTrace {
  private readonly ports = new Map<number, Carried>();

  /** What connections to this port carried. */
  on(port: number): Carried {
    return this.ports.get(port) ?? nothing();
  }

  /** The sum of all ports. */
  get total(): Carried {
    const sum = nothing();
    for (const { connections, bytesIn, bytesOut } of this.ports.values()) {
      sum.connections += connections;
      sum.bytesIn += bytesIn;
      sum.bytesOut += bytesOut;
    }
    return sum;
  }

  override stateChanged(connection: Connection, transition: Transition): void {
    if (transition.to === State.ESTABLISHED) this.of(connection).connections++;
  }

  override connectionClosed(connection: Connection): void {
    const carried = this.of(connection);
    carried.bytesIn += connection.bytesReceived;
    carried.bytesOut += connection.bytesAcknowledged;
  }

  private of(connection: Connection): Carried {
    const port = connection.tuple.localPort;
    let carried = this.ports.get(port);
    if (carried === undefined) {
      carried = nothing();
      this.ports.set(port, carried);
    }
    return carried;
  }
}
