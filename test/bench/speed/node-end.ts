// A process of Node whose TCP is measured: the kernel's by `node:net`, or ours on a TUN device.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import net from 'node:net';
import { createStack } from '../../../src/index.js';
import { Bypass } from '../../../src/interpose/bypass.js';
import { interpose } from '../../../src/interpose/interpose.js';
import { answerParent } from '../remote.js';
import { type DeviceOptions, openDevice } from './device.js';
import type { Kind } from './plan.js';
import { type Moved, type NetLike, serveAll } from './services.js';
import type { Memory, Usage } from './subject.js';

/** What the parent wants opened; a device only for ours. */
export interface NodeEndOptions {
  readonly kind: Kind;
  /** Where the services listen. */
  readonly host: string;
  readonly device: DeviceOptions | null;
}

let moved: Moved = { bytesIn: 0, bytesOut: 0, accepted: 0 };
let profiler: Session | null = null;

/** Opens the services. Returns what the device does for the stack, in words; an empty text where there is none. */
async function open({ kind, host, device }: NodeEndOptions): Promise<string> {
  if (device === null) {
    moved = await serveAll(net as NetLike, host);
    return '';
  }
  const { link, address, features } = await openDevice(device);
  const stack = await createStack({ link, addresses: [address] });
  if (kind === 'register') {
    interpose(stack.core, new Bypass());
    moved = await serveAll(net as NetLike, host);
  } else {
    moved = await serveAll(stack.net as unknown as NetLike, host);
  }
  return features;
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { ...moved, userSeconds: user / 1e6, systemSeconds: system / 1e6 };
}

/** What the process holds after a collection of garbage. */
function memory(): Memory {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, residentBytes: rss };
}

async function profile(): Promise<void> {
  profiler = new Session();
  profiler.connect();
  await profiler.post('Profiler.enable');
  await profiler.post('Profiler.start');
}

/** Ends what `profile` began, and leaves it in a file that Chrome's and VS Code's tools open. */
async function profiled(file: string): Promise<void> {
  const { profile } = await profiler!.post('Profiler.stop');
  writeFileSync(file, JSON.stringify(profile));
  profiler!.disconnect();
  profiler = null;
}

answerParent({ open, usage, memory, profile, profiled }, async () => {});
