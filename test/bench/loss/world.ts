// Where a measurement takes place: two namespaces, a wire between them, and ends in them. The kernel of a namespace is an
// end itself, or routes between the wire and the device of an end of ours: so every kind of end meets the same wire, and
// several in one namespace share it.
import { spawnSync } from 'node:child_process';
import type { Impairments } from '../../../src/link/impair-options.js';
import { makeNamespace, must, removeNamespace } from '../namespace.js';
import { Remote } from '../remote.js';
import type { OurEndOptions } from './our-end.js';
import { WIRE_DEVICE, type WireOptions, type WireReport } from './wire-end.js';

/** Whose TCP an end is. */
export type Kind = 'kernel' | 'ours';
/** Data flows from left to right. */
export type Side = 'left' | 'right';

/** The wire comes before the ends: packets that wait for a processor wait in a queue that the path does not have. */
const WIRE_PRIORITY = 20;
const END_PRIORITY = 10;

/** The programs. */
const WIRE_END = './wire-end.js';
const END: Record<Kind, string> = { kernel: './kernel-end.js', ours: './our-end.js' };

/** Twice what the largest bandwidth-delay product here and its queue hold (100 Mbit/s × 100 ms): no buffer is the limit. */
const BUFFER_BYTES = 8 * 1024 * 1024;

const ADDRESSES = {
  left: { wire: '10.1.0.1', host: '10.1.9.1', ours: '10.1.9.2' },
  right: { wire: '10.2.0.1', host: '10.2.9.1', ours: '10.2.9.2' },
} as const;

/** Knobs of each namespace: nothing is remembered between runs, buffers do not bind, the kernel routes. */
const KNOBS: Readonly<Record<string, string>> = {
  'net/ipv4/tcp_no_metrics_save': '1',
  'net/ipv4/tcp_wmem': `4096 ${BUFFER_BYTES} ${4 * BUFFER_BYTES}`,
  'net/ipv4/tcp_rmem': `4096 ${BUFFER_BYTES} ${4 * BUFFER_BYTES}`,
  'net/ipv4/ip_forward': '1',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  'net/ipv6/conf/all/disable_ipv6': '1',
  'net/ipv6/conf/default/disable_ipv6': '1',
};

/** Two namespaces, and processes in them that serve one run after the other: to start them costs more than to measure. */
export class World {
  private static count = 0;
  private readonly names: Record<Side, string>;
  private readonly processes = new Map<string, Remote>();

  /** Makes the namespaces. @throws Error when the machine does not allow it */
  constructor() {
    const prefix = `synwave-bench-${process.pid}-${++World.count}`;
    this.names = { left: `${prefix}-left`, right: `${prefix}-right` };
    for (const netns of Object.values(this.names)) {
      makeNamespace(netns, KNOBS);
    }
  }

  /** Name of one of them. */
  netns(side: Side): string {
    return this.names[side];
  }

  /** The process that runs `module`, in the namespace of `side` or in the caller's. */
  process(module: string, side: Side | null): Remote {
    const key = `${module} ${side}`;
    const known = this.processes.get(key);
    if (known?.isAlive === true) return known;
    const priority = module === WIRE_END ? WIRE_PRIORITY : END_PRIORITY;
    const started = Remote.start(
      new URL(module, import.meta.url),
      side === null ? null : this.names[side],
      priority,
    );
    this.processes.set(key, started);
    return started;
  }

  /** Starts every kind of process, and waits until each answers. */
  async warm(): Promise<void> {
    const all = [this.process(WIRE_END, null)];
    for (const side of ['left', 'right'] as const) {
      for (const kind of ['kernel', 'ours'] as const) all.push(this.process(END[kind], side));
    }
    await Promise.all(all.map((remote) => remote.ask('close')));
  }

  /** Ends the processes and removes the namespaces. Safe at any time, and at once. */
  close(): void {
    for (const remote of this.processes.values()) remote.kill();
    this.processes.clear();
    for (const netns of Object.values(this.names)) removeNamespace(netns);
  }
}

/** Whether the kernel has a congestion controller, tried in a namespace where it would be used. */
export function kernelHas(world: World, controller: string): boolean {
  const route = ['route', 'replace', '10.255.0.0/24', 'dev', 'lo', 'congctl', controller];
  return spawnSync('ip', ['-n', world.netns('left'), ...route]).status === 0;
}

/** An end of a run. */
export interface End {
  readonly remote: Remote;
  /** Where it can be reached from the other side. */
  readonly address: string;
}

/** A wire and its ends, for one run. */
export class Run {
  private readonly used: Remote[] = [];

  private constructor(
    private readonly world: World,
    private readonly wire: Remote,
  ) {
    this.used.push(wire);
  }

  /**
   * Lays the wire.
   * @param coarse see `WireOptions`
   */
  static async open(world: World, seed: number, faults: Impairments, coarse = false): Promise<Run> {
    const run = new Run(world, world.process(WIRE_END, null));
    const end = (side: Side) => ({
      netns: world.netns(side),
      hostAddress: `${ADDRESSES[side].wire}/32`,
    });
    const options: WireOptions = { left: end('left'), right: end('right'), seed, faults, coarse };
    await run.guarded(run.wire.ask('open', options));
    for (const side of ['left', 'right'] as const) run.route(side, null);
    return run;
  }

  /**
   * Starts an end.
   * @param controller name of its congestion controller
   */
  async end(side: Side, kind: Kind, controller: string): Promise<End> {
    const remote = this.world.process(END[kind], side);
    this.used.push(remote);
    // The only way in which a namespace that is not the machine's first may choose any controller that there is.
    if (kind === 'kernel') this.route(side, controller);
    const { host, ours, wire } = ADDRESSES[side];
    const options: OurEndOptions = {
      hostAddress: `${host}/24`,
      address: `${ours}/8`,
      controller,
      bufferBytes: BUFFER_BYTES,
    };
    await this.guarded(remote.ask('open', options));
    return { remote, address: kind === 'ours' ? ours : wire };
  }

  /** What has crossed the wire. */
  report(): Promise<WireReport> {
    return this.wire.ask('report');
  }

  /** Ends the ends, then the wire. The namespaces and the processes stay; one that cannot end in order is killed. */
  async close(): Promise<void> {
    for (const remote of this.used.reverse()) await remote.ask('close').catch(() => remote.kill());
  }

  private async guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  private route(side: Side, controller: string | null): void {
    const chosen = controller === null ? [] : ['congctl', controller];
    const { wire } = ADDRESSES[side];
    const route = ['route', 'replace', 'default', 'dev', WIRE_DEVICE, 'src', wire, ...chosen];
    must('ip', '-n', this.world.netns(side), ...route);
  }
}
