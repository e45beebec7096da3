// Starts whoever is measured, each kind in its namespace, and keeps the processes for all rounds.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Remote } from '../remote.js';
import type { Place } from './place.js';
import { CROWD, type Kind, PORT, type Setting, settingText } from './plan.js';
import { residentBytesOf } from './process-numbers.js';
import { compiled } from './programs.js';
import { Slirp } from './slirp.js';
import type { Memory, Subject, Usage } from './subject.js';

/** Where slirp4netns leads to when it is asked for its own address. */
const LOOPBACK = '127.0.0.1';

/** All processes of a run that are measured. */
export class Subjects {
  private readonly started = new Map<string, Promise<Subject>>();
  private readonly all: Subject[] = [];
  private behindSlirp: Subject | null = null;

  constructor(private readonly place: Place) {}

  /** The process of that kind and setting. Rejects when it cannot be started. */
  get(kind: Kind, setting: Setting): Promise<Subject> {
    const key = `${kind} ${settingText(setting)}`;
    let subject = this.started.get(key);
    if (subject === undefined) {
      subject = this.start(kind, setting);
      this.started.set(key, subject);
    }
    return subject;
  }

  /** Ends them all, at once. */
  kill(): void {
    for (const subject of this.all.splice(0)) subject.kill();
    this.behindSlirp?.kill();
    this.behindSlirp = null;
    this.started.clear();
  }

  private async start(kind: Kind, setting: Setting): Promise<Subject> {
    const { host, own } = this.place.ends(kind, setting);
    if (kind === 'kernel' || kind === 'lwip') {
      const server = kind === 'kernel' ? this.startKernel(own) : this.startLwip(own, setting);
      this.all.push(server);
      await server.usage();
      return server;
    }
    if (kind === 'slirp') return this.startSlirp(setting);
    const module = new URL(kind === 'crude' ? './crude-end.js' : './node-end.js', import.meta.url);
    const netns = kind === 'node' || kind === 'packet' ? this.place.served : this.place.load;
    const remote = Remote.start(module, netns, null, ['--expose-gc']);
    const process = new NodeProcess(kind, own, remote);
    this.all.push(process);
    const device = {
      setting,
      hostAddress: `${host}/24`,
      address: `${own}/24`,
      interface: this.place.cable(setting),
    };
    const idle = kind === 'crowded' ? CROWD : 0;
    const order = { kind, host: own, idle, device: kind === 'node' ? null : device };
    process.features = await remote.ask<string>('open', order);
    return process;
  }

  private startKernel(own: string): Subject {
    const program = compiled('server');
    if (program === null) throw new Error('no C compiler: the kernel is measured by node:net only');
    return new ServerInC('kernel', own, this.place.served, [program, own, String(PORT.sink)]);
  }

  /** One server stands behind all of them: on the loopback interface, where slirp4netns lets the load in. */
  private async startSlirp(setting: Setting): Promise<Subject> {
    this.behindSlirp ??= this.startKernel(LOOPBACK);
    const slirp = await Slirp.start(this.place, setting, this.behindSlirp);
    this.all.push(slirp);
    await slirp.usage();
    return slirp;
  }

  private startLwip(own: string, setting: Setting): Subject {
    const program = compiled('lwip');
    if (program === null) throw new Error('no C compiler, or no lwIP: Debian has it as liblwip-dev');
    const device = [this.place.tunnel(setting), own, setting.mtu, Number(setting.offload)].map(String);
    return new ServerInC('lwip', own, this.place.load, [program, ...device, String(PORT.sink)]);
  }
}

class NodeProcess implements Subject {
  features = '';

  constructor(
    readonly kind: Kind,
    readonly address: string,
    private readonly remote: Remote,
  ) {}

  usage(): Promise<Usage> {
    return this.remote.ask('usage');
  }

  memory(): Promise<Memory> {
    return this.remote.ask('memory');
  }

  residentBytes(): number {
    return residentBytesOf(this.remote.pid);
  }

  profile(): Promise<void> {
    return this.remote.ask('profile');
  }

  profiled(file: string): Promise<void> {
    return this.remote.ask('profiled', file);
  }

  kill(): void {
    this.remote.kill();
  }
}

/** A server in C. It answers lines with lines. */
class ServerInC implements Subject {
  readonly features = '';
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: AsyncIterator<string>;

  constructor(
    readonly kind: Kind,
    readonly address: string,
    netns: string,
    argv: readonly string[],
  ) {
    const words = [`--net=/run/netns/${netns}`, '--', ...argv];
    this.child = spawn('nsenter', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdin.on('error', () => {});
    const reader: Interface = createInterface(this.child.stdout);
    this.lines = reader[Symbol.asyncIterator]();
  }

  async usage(): Promise<Usage> {
    this.child.stdin.write('usage\n');
    const { done, value } = await this.lines.next();
    if (done === true) throw new Error(`the server in C on ${this.kind} has ended`);
    return JSON.parse(value) as Usage;
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
