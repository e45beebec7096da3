// What a sender went through: the counters that explain a number, the same for the kernel and for ours.

/** Counters of one end since its beginning; -1 where an end does not know. */
export interface SenderCounters {
  /** The congestion controller that was at work. */
  readonly controller: string;
  /** Segments sent again, retransmission timeouts, tail loss probes, and times that fast recovery was entered. */
  readonly retransmissions: number;
  readonly timeouts: number;
  readonly probes: number;
  readonly recoveries: number;
  /** Reductions of the window that were taken back as needless. */
  readonly undone: number;
  /** Time of the processor that the process took, in milliseconds. Of the kernel's work only what the process paid for. */
  readonly cpuMs: number;
}

/** The processor's time of this process since `since`, in milliseconds. */
export function cpuMsSince(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}
