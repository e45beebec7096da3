// slirp4netns between the load and a server on the loopback interface of the other namespace.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { must } from '../namespace.js';
import type { Place } from './place.js';
import type { Setting } from './plan.js';
import { processorSecondsOf, residentBytesOf } from './process-numbers.js';
import type { Memory, Subject, Usage } from './subject.js';

const MOST_MTU = 65_520;
/** The descriptor by which it tells that it is ready. */
const READY = 3;

/** One process of it, with a TAP device in the namespace of the load. */
export class Slirp implements Subject {
  readonly kind = 'slirp';
  readonly features = '';

  private constructor(
    readonly address: string,
    private readonly child: ChildProcess,
    private readonly server: Subject,
  ) {}

  /**
   * Starts it.
   * @param server on the loopback interface of the namespace that is served
   */
  static async start(place: Place, setting: Setting, server: Subject): Promise<Slirp> {
    const { host, own } = place.ends('slirp', setting);
    const device = `tap${host.split('.')[1]}`;
    const mtu = Math.min(setting.mtu, MOST_MTU);
    const network = `${own.slice(0, own.lastIndexOf('.'))}.0/24`;
    const options = [
      `--mtu=${mtu}`,
      `--cidr=${network}`,
      `--ready-fd=${READY}`,
      '--netns-type=path',
      '--disable-dns',
    ];
    const words = ['slirp4netns', ...options, `/run/netns/${place.load}`, device];
    const child = spawn('nsenter', [`--net=/run/netns/${place.served}`, '--', ...words], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const ready = once(child.stdio[READY] as Readable, 'data').then(() => true);
    const ended = once(child, 'exit').then(() => false);
    if (!(await Promise.race([ready, ended]))) throw new Error('slirp4netns does not run here');
    must('ip', '-n', place.load, 'addr', 'add', `${host}/24`, 'dev', device);
    must('ip', '-n', place.load, 'link', 'set', device, 'mtu', String(mtu), 'up');
    return new Slirp(own, child, server);
  }

  async usage(): Promise<Usage> {
    return { ...(await this.server.usage()), ...processorSecondsOf(this.child.pid!) };
  }

  async memory(): Promise<Memory> {
    return { heapBytes: 0, residentBytes: this.residentBytes() };
  }

  residentBytes(): number {
    return residentBytesOf(this.child.pid!);
  }

  async profile(): Promise<void> {}

  async profiled(): Promise<void> {}

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
