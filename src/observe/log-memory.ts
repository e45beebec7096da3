// What the log must remember of a connection between two records: since when it is in its state, its congestion phase,
// the agreed window scales. One object per connection, none per segment.
import type { Logger } from 'pino';
import type { Connection } from '../tcp/connection.js';
import type { SegmentOut } from '../tcp/segment-out.js';
import { State } from '../tcp/state.js';
import { TIMER_NAMES, Timer } from '../tcp/timers.js';
import type { CongestionPhase, TimerOp } from '../tcp/trace.js';
import { formatEndpoint } from '../wire/address.js';
import { type SegmentView, SYN } from '../wire/segment.js';
import { encodedOptions } from './segment-facts.js';

/** The largest window shift that counts (RFC 7323 §2.3). */
const MAX_SHIFT = 14;

/** The log's notes on one connection. */
export class LogMemory {
  /** Made with the first record. */
  private child: Logger | null = null;
  /** Clock milliseconds. */
  openedAt: number;
  enteredStateAt: number;
  phase: CongestionPhase = 'slow_start';
  /** Window-scale options seen on the SYNs, -1 for none. */
  private ourShift = -1;
  private peerShift = -1;
  private synTimerRuns = false;

  constructor(now: number) {
    this.openedAt = now;
    this.enteredStateAt = now;
  }

  /** The connection's own logger: a child of `parent` that carries the connection's names on every record. */
  logger(parent: Logger, connection: Connection): Logger {
    if (this.child === null) {
      const { local, localPort, remote, remotePort } = connection.tuple;
      this.child = parent.child({
        conn: `c${connection.id}`,
        l: formatEndpoint(local, localPort),
        r: formatEndpoint(remote, remotePort),
        role: connection.role,
      });
    }
    return this.child;
  }

  /** Lets go of the child logger; a segment that still comes makes another. */
  release(): void {
    this.child = null;
  }

  /** Reads the window-scale option of a SYN from the peer. */
  noteReceivedSyn(segment: SegmentView): void {
    this.peerShift = Math.min(segment.windowScale, MAX_SHIFT);
  }

  /** Reads the window-scale option of a SYN of ours. */
  noteSentSyn(segment: SegmentOut): void {
    this.ourShift = Math.min(encodedOptions(segment.options, segment.optionsLength, 0).ws ?? -1, MAX_SHIFT);
  }

  /** The window that a field means: unscaled on SYNs, and unless both sides sent the option (RFC 7323 §2.2). */
  window(dir: 'in' | 'out', flags: number, field: number): number {
    if (flags & SYN || this.ourShift < 0 || this.peerShift < 0) return field;
    return field * 2 ** (dir === 'in' ? this.peerShift : this.ourShift);
  }

  /** Name of a timer: the retransmission timer is `synrto` as long as it was started for a SYN. */
  timerName(connection: Connection, timer: Timer, op: TimerOp): string {
    if (timer !== Timer.RETRANSMISSION) return TIMER_NAMES[timer];
    const handshake = connection.state === State.SYN_SENT || connection.state === State.SYN_RECEIVED;
    if (op === 'stop') {
      const wasForSyn = this.synTimerRuns || handshake;
      this.synTimerRuns = false;
      return wasForSyn ? 'synrto' : 'rto';
    }
    this.synTimerRuns = handshake;
    return handshake ? 'synrto' : 'rto';
  }
}
