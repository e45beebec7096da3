// The wire of a measurement, in a process of its own so that neither end's work delays its packets.
import { type Bridge, type BridgeWayStats, bridgeLinks } from '../../../src/link/bridge.js';
import type { Impairments } from '../../../src/link/impair-options.js';
import { PreciseClock } from '../../../src/link/precise-clock.js';
import { tunLink } from '../../../src/link/tun.js';
import { SystemClock } from '../../../src/stack/clock.js';
import { answerParent } from '../remote.js';
import { cpuMsSince } from './counters.js';

/** One end: where its device goes, and the kernel's address on it. */
export interface WireEndOptions {
  readonly netns: string;
  readonly hostAddress: string;
}

/** Asked for by the parent. */
export interface WireOptions {
  readonly left: WireEndOptions;
  readonly right: WireEndOptions;
  readonly seed: number;
  /** Faults of both directions. */
  readonly faults: Impairments;
  /** Wake-ups by Node's own timers, for a comparison. Default false. */
  readonly coarse?: boolean;
}

/** What crossed, and what the processor did for it. */
export interface WireReport {
  readonly leftToRight: BridgeWayStats;
  readonly rightToLeft: BridgeWayStats;
  readonly cpuMs: number;
}

/** Name of the device at both ends. */
export const WIRE_DEVICE = 'wire0';

const precise = new PreciseClock();
let bridge: Bridge | null = null;
let cpuBefore = process.cpuUsage();

async function open({ left, right, seed, faults, coarse }: WireOptions): Promise<void> {
  cpuBefore = process.cpuUsage();
  const device = (end: WireEndOptions) => tunLink({ name: WIRE_DEVICE, busyPollUs: 0, ...end });
  bridge = bridgeLinks(await device(left), await device(right), {
    ...faults,
    seed,
    clock: coarse === true ? new SystemClock() : precise,
    onFailure: (error) => {
      throw error;
    },
  });
}

function report(): WireReport {
  const { leftToRight, rightToLeft } = bridge!;
  return { leftToRight, rightToLeft, cpuMs: cpuMsSince(cpuBefore) };
}

async function close(): Promise<void> {
  await bridge?.close();
  bridge = null;
}

answerParent({ open, report, close }, close);
