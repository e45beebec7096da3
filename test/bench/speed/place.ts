// Where the bench takes place: one namespace for the load, one for what the kernel's TCP serves, a veth pair between them
// for each setting. A TUN device of ours stands in the namespace of the load.
import { chooseCongestionControl, makeNamespace, must, removeNamespace } from '../namespace.js';
import { type Kind, type Setting, settingText } from './plan.js';

/** Buffers as the kernel has them by default, no memory of earlier runs, and ports enough for many connections. */
const KNOBS: Readonly<Record<string, string>> = {
  'net/ipv4/tcp_no_metrics_save': '1',
  'net/ipv4/ip_local_port_range': '1024 65535',
  // The load closes first. What is over stays no longer than it takes: ports are needed anew at once.
  'net/ipv4/tcp_max_tw_buckets': '1000',
  'net/ipv4/tcp_tw_reuse': '1',
  'net/core/somaxconn': '4096',
  'net/ipv4/tcp_max_syn_backlog': '4096',
  'net/ipv6/conf/all/disable_ipv6': '1',
  'net/ipv6/conf/default/disable_ipv6': '1',
};

/**
 * What ours speaks too, or, where the host does not let a namespace have that, what every kernel has. Not whatever the host
 * prefers: BBR goes by rates that it believes in, and finds other ones in every run on a path this short.
 */
const CONGESTION_CONTROLS = ['cubic', 'reno'];

/** What a device of the kernel does by itself. */
const OFFLOADS = ['tx', 'rx', 'sg', 'tso', 'gso', 'gro'];

/** Networks of a setting by the third number of their addresses: the veth pair, and a device for each kind. */
const NETWORK: Record<Kind, number> = {
  node: 0,
  kernel: 0,
  ours: 1,
  register: 2,
  crude: 3,
  workers: 4,
  crowded: 5,
  packet: 6,
  lwip: 7,
  slirp: 8,
};

/** Addresses of both ends of one device. */
export interface Ends {
  readonly host: string;
  readonly own: string;
}

/** What a device holds until it is read, the same as for ours: nothing shall be lost there. */
const QUEUE_PACKETS = 10_000;

/** The namespaces and what is between them. */
export class Place {
  readonly load: string;
  readonly served: string;
  /** Congestion control of the kernel's senders. */
  readonly congestionControl: string;
  private readonly settings: string[] = [];

  /** @throws Error when the machine does not allow it */
  constructor() {
    const prefix = `synwave-bench-${process.pid}`;
    this.load = `${prefix}-load`;
    this.served = `${prefix}-served`;
    makeNamespace(this.load, KNOBS);
    makeNamespace(this.served, KNOBS);
    this.congestionControl = chooseCongestionControl(this.load, CONGESTION_CONTROLS);
    chooseCongestionControl(this.served, CONGESTION_CONTROLS);
  }

  /** Addresses for a kind of TCP in a setting; the veth pair of that setting is there afterwards. */
  ends(kind: Kind, setting: Setting): Ends {
    const number = this.numberOf(setting);
    if (kind === 'packet') this.layFrameCable(number, setting);
    if (kind === 'lwip') this.makeTunnel(number, setting);
    const network = `10.${number}.${NETWORK[kind]}`;
    if (kind === 'slirp') return { host: `${network}.100`, own: `${network}.2` };
    return { host: `${network}.1`, own: `${network}.${kind === 'kernel' ? 3 : 2}` };
  }

  /** Name of the interface at the served end of the cable for frames in a setting. */
  cable(setting: Setting): string {
    return `frames${this.numberOf(setting)}`;
  }

  /** Name of the TUN device that waits in the namespace of the load for somebody else's stack. */
  tunnel(setting: Setting): string {
    return `tunnel${this.numberOf(setting)}`;
  }

  /** Removes everything. Safe at any time. */
  close(): void {
    removeNamespace(this.load);
    removeNamespace(this.served);
  }

  private numberOf(setting: Setting): number {
    const text = settingText(setting);
    const known = this.settings.indexOf(text);
    if (known >= 0) return known + 1;
    const number = this.settings.push(text);
    this.layCable(number, setting);
    return number;
  }

  /** A veth pair whose served end has no address of the kernel's: what is there speaks Ethernet itself. */
  private layFrameCable(number: number, { mtu }: Setting): void {
    const device = `frames${number}`;
    const peer = ['peer', 'name', device, 'netns', this.served];
    must('ip', '-n', this.load, 'link', 'add', device, 'type', 'veth', ...peer);
    must('ip', '-n', this.load, 'addr', 'add', `10.${number}.${NETWORK.packet}.1/24`, 'dev', device);
    for (const netns of [this.load, this.served]) {
      must('ip', '-n', netns, 'link', 'set', device, 'mtu', String(mtu), 'up');
    }
  }

  /** A device with its kernel's end set up, so that a program has only to open it. */
  private makeTunnel(number: number, { mtu }: Setting): void {
    const device = `tunnel${number}`;
    const ip = (...words: string[]) => must('ip', '-n', this.load, ...words);
    ip('tuntap', 'add', 'dev', device, 'mode', 'tun');
    ip('addr', 'add', `10.${number}.${NETWORK.lwip}.1/24`, 'dev', device);
    ip('link', 'set', device, 'mtu', String(mtu), 'txqueuelen', String(QUEUE_PACKETS), 'up');
  }

  private layCable(number: number, { mtu, offload }: Setting): void {
    const device = `veth${number}`;
    const peer = ['peer', 'name', device, 'netns', this.served];
    must('ip', '-n', this.load, 'link', 'add', device, 'type', 'veth', ...peer);
    for (const [netns, lasts] of [
      [this.load, [1]],
      [this.served, [2, 3]],
    ] as const) {
      for (const last of lasts) {
        must('ip', '-n', netns, 'addr', 'add', `10.${number}.0.${last}/24`, 'dev', device);
      }
      must('ip', '-n', netns, 'link', 'set', device, 'mtu', String(mtu), 'up');
      if (!offload) {
        const off = OFFLOADS.flatMap((name) => [name, 'off']);
        must('ip', 'netns', 'exec', netns, 'ethtool', '-K', device, ...off);
      }
    }
  }
}
