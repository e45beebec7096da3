// Whoever is measured, as the driver sees it: where it is reached, and what it has used so far.
import type { Kind } from './plan.js';

/** Payload and time of the processor since the beginning of a process. */
export interface Usage {
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Connections of the idle service that were accepted. */
  readonly accepted: number;
  /** Segments of TCP, both ways; absent where nobody counts them. */
  readonly segments?: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

/** What a process holds. */
export interface Memory {
  /** Objects and buffers; 0 for a program without a heap that is collected. */
  readonly heapBytes: number;
  readonly residentBytes: number;
}

/** A process whose TCP is measured. Its services listen on the ports of `PORT`. */
export interface Subject {
  readonly kind: Kind;
  readonly address: string;
  /** What its device does for it, in words; empty where that is the kernel's affair. */
  readonly features: string;
  usage(): Promise<Usage>;
  memory(): Promise<Memory>;
  /** Resident memory right now, without asking the process. */
  residentBytes(): number;
  /** Begins a V8 profile, where there is a V8. */
  profile(): Promise<void>;
  /** Ends it, into a file. */
  profiled(file: string): Promise<void>;
  /** Ends the process at once. */
  kill(): void;
}
