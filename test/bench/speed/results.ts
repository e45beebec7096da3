// What was measured, in the form in which it is kept and from which the document is made.
import type { Start } from '../start/measure.js';
import type { Endurance } from './endurance.js';
import type { Case, Kind } from './plan.js';

/** One kind of TCP in one case; a number for each round. */
export interface Measured {
  readonly kind: Kind;
  /** Gbit/s of bulk, microseconds of `ping` (the median), bytes of `memory`, else operations per second. */
  readonly values: readonly number[];
  /** 99th percentile of an operation's time in microseconds; empty where operations were not timed. */
  readonly p99Us: readonly number[];
  /** The processor's time of the measured process per gigabyte of payload; empty where it is not about bytes. */
  readonly userPerGb: readonly number[];
  readonly systemPerGb: readonly number[];
  /** Of `memory`: growth of the process, and of all the kernel's slabs, for each connection. */
  readonly residentBytes: readonly number[];
  readonly slabBytes: readonly number[];
  /** Operations that failed, and measurements that did; what the last of these said. */
  readonly failures: number;
  readonly error: string | null;
  /** What the device did for the stack. */
  readonly features: string;
  /** Of the cases that last. */
  readonly endurance?: Endurance;
}

/** A case with all that was measured of it. */
export interface Result {
  readonly case: Case;
  readonly measured: readonly Measured[];
}

/** One function of the suite of small ones. */
export interface Micro {
  readonly group: string;
  readonly name: string;
  readonly medianNs: number;
  readonly p99Ns: number;
  /** Garbage of one call in bytes, or null when it is not known. */
  readonly heapBytes: number | null;
}

/** A whole run. */
export interface Run {
  readonly machine: Machine;
  readonly date: string;
  readonly quick: boolean;
  readonly rounds: number;
  readonly seconds: number;
  /** The run went ahead of everything else on the machine. */
  readonly realTime: boolean;
  readonly tools: readonly string[];
  /** Which lwIP was measured; null where none is installed, absent in runs that knew of none. */
  readonly lwip?: string | null;
  /** As `lwip`, of slirp4netns. */
  readonly slirp?: string | null;
  /** Congestion control of the kernel's senders; absent in runs that did not look. */
  readonly congestionControl?: string;
  readonly results: readonly Result[];
  readonly micro: readonly Micro[];
  /** Start-up, where it was measured. */
  readonly start?: readonly Start[];
}

/** Where it ran. */
export interface Machine {
  readonly processors: number;
  readonly model: string;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly v8: string;
  /** What else wanted the processors when the run began: the load average of the last minute. */
  readonly loadAverage: number;
  /** The share of the processors' time that others took from this machine during the run; null where it does not tell. */
  readonly stolenShare: number | null;
}
