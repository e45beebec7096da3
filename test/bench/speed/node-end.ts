// A process of Node whose TCP is measured: the kernel's by `node:net`, or ours on a TUN device.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import net from 'node:net';
import { createStack, type StackStats, type StackWorkers, stackWorkers } from '../../../src/index.js';
import { Bypass } from '../../../src/interpose/bypass.js';
import { interpose } from '../../../src/interpose/interpose.js';
import { answerParent } from '../remote.js';
import { FIXED_ISN, openCrowd } from './crowd.js';
import { type DeviceOptions, openDevice, openInterface } from './device.js';
import { type Kind, PORT, QUEUES } from './plan.js';
import { type Moved, type NetLike, serveAll } from './services.js';
import type { Memory, Usage } from './subject.js';

/** What the parent wants opened; a device only for ours. */
export interface NodeEndOptions {
  readonly kind: Kind;
  /** Where the services listen. */
  readonly host: string;
  readonly device: DeviceOptions | null;
  /** Connections that rest in the stack before anything is measured. */
  readonly idle: number;
}

let moved: Moved = { bytesIn: 0, bytesOut: 0, accepted: 0 };
let workers: StackWorkers | null = null;
let stats: StackStats | null = null;
let profiler: Session | null = null;

/** Opens the services. Returns what the device does for the stack, in words; an empty text where there is none. */
async function open({ kind, host, device, idle }: NodeEndOptions): Promise<string> {
  if (device === null) {
    moved = await serveAll(net as NetLike, host);
    return '';
  }
  if (kind === 'workers') {
    workers = await openWorkers(host, device);
    return '';
  }
  const { link, address, features } = await (kind === 'packet' ? openInterface : openDevice)(device);
  const isn = idle > 0 ? ({ fixed: FIXED_ISN } as const) : 'rfc6528';
  const stack = await createStack({ link, addresses: [address], isn });
  stats = stack.stats;
  if (kind === 'register') {
    interpose(stack.core, new Bypass());
    moved = await serveAll(net as NetLike, host);
  } else {
    moved = await serveAll(stack.net as unknown as NetLike, host);
    await openCrowd(stack, host, PORT.idle, idle);
  }
  return features;
}

function openWorkers(host: string, { setting, hostAddress, address }: DeviceOptions): Promise<StackWorkers> {
  return stackWorkers({
    module: new URL('./worker-end.js', import.meta.url),
    workers: QUEUES,
    link: { hostAddress, mtu: setting.mtu, offload: setting.offload },
    addresses: [address],
    data: host,
  });
}

async function usage(): Promise<Usage> {
  if (workers !== null) moved = sum((await workers.metrics()).map(({ service }) => service as Moved));
  const { user, system } = process.cpuUsage();
  const segments = stats === null ? 0 : stats.tcp.inSegs + stats.tcp.outSegs;
  return { ...moved, segments, userSeconds: user / 1e6, systemSeconds: system / 1e6 };
}

function sum(all: readonly Moved[]): Moved {
  const total: Moved = { bytesIn: 0, bytesOut: 0, accepted: 0 };
  for (const name of Object.keys(total) as (keyof Moved)[]) {
    for (const each of all) total[name] += each[name];
  }
  return total;
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
