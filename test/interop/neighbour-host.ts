// A host beside the lab's kernel, joined to it by a cable (veth): a namespace of its own for links that need an interface.
// The kernel has the usual addresses on the cable; the host has the stack's, or none.
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { type EthernetLinkOptions, ethernetLink } from '../../src/link/ethernet.js';
import { rawLink } from '../../src/link/raw.js';
import {
  KERNEL,
  KERNEL_V6,
  type Lab,
  makePatient,
  type Program,
  STACK,
  STACK_V6,
  type StackLink,
} from './lab.js';

/** The host's end of the cable, and the kernel's. */
export const HOST_DEVICE = 'eth0';
export const KERNEL_DEVICE = 'cable0';

/** How to make the host. */
export interface NeighbourOptions {
  /** Whether the host itself has the stack's addresses, as raw sockets want it. Default false. */
  readonly ownsAddresses?: boolean;
}

/** The host. It is removed when the test ends, or with it `close`. */
export class NeighbourHost {
  private constructor(
    private readonly lab: Lab,
    readonly netns: string,
  ) {}

  static open(t: TestContext, lab: Lab, { ownsAddresses = false }: NeighbourOptions = {}): NeighbourHost {
    const netns = `${lab.netns}-host`;
    must('ip', 'netns', 'add', netns);
    t.after(() => void spawnSync('ip', ['netns', 'del', netns]));
    const pair = ['link', 'add', KERNEL_DEVICE, 'type', 'veth', 'peer', 'name', HOST_DEVICE];
    must('ip', '-n', lab.netns, ...pair, 'netns', netns);
    must('ip', '-n', netns, 'link', 'set', 'lo', 'up');
    const host = new NeighbourHost(lab, netns);
    host.bringUp(lab.netns, KERNEL_DEVICE, [`${KERNEL}/24`, `${KERNEL_V6}/64`]);
    host.bringUp(netns, HOST_DEVICE, ownsAddresses ? [`${STACK}/24`, `${STACK_V6}/64`] : []);
    makePatient(lab.netns, KERNEL_DEVICE);
    host.keepOrder(lab.netns, KERNEL_DEVICE);
    host.keepOrder(netns, HOST_DEVICE);
    return host;
  }

  /** Opens raw sockets on the host, for the stack's addresses. */
  async raw(...ports: number[]): Promise<StackLink> {
    const link = await rawLink({ address: [STACK, STACK_V6], ports, netns: this.netns });
    return { link, addresses: link.addresses };
  }

  /** Joins the cable, as a station of its own with the stack's addresses. */
  async ethernet(options: Omit<EthernetLinkOptions, 'interface' | 'netns'> = {}): Promise<StackLink> {
    const link = await ethernetLink({ interface: HOST_DEVICE, netns: this.netns, ...options });
    return { link, addresses: [`${STACK}/24`, `${STACK_V6}/64`] };
  }

  /** Starts a program on the host. */
  start(argv: readonly string[]): Program {
    return this.lab.startOutside(['nsenter', `--net=/run/netns/${this.netns}`, '--', ...argv]);
  }

  /** The host's firewall, as text. */
  ruleset(): string {
    return this.run('nft', 'list', 'ruleset');
  }

  /** Runs a command on the host to its end. @returns what it printed @throws Error with what it complained about */
  run(...argv: string[]): string {
    return must('nsenter', `--net=/run/netns/${this.netns}`, '--', ...argv);
  }

  /**
   * Has one processor receive all that comes over the cable. A packet is otherwise queued on the processor that sent it, and what
   * the kernel's process sends is overtaken by what our ACKs set free on another. Where the kernel cannot steer, that remains.
   */
  private keepOrder(netns: string, device: string): void {
    const knob = `/sys/class/net/${device}/queues/rx-0/rps_cpus`;
    // `ip netns exec` brings the namespace's own view of /sys.
    spawnSync('ip', ['netns', 'exec', netns, 'sh', '-c', 'echo 1 >"$0"', knob]);
  }

  private bringUp(netns: string, device: string, addresses: readonly string[]): void {
    // Else the kernel's first packets would be router solicitations, and it could solicit no neighbour for a second.
    for (const knob of ['router_solicitations', 'accept_dad', 'dad_transmits']) {
      this.lab.knob(`net.ipv6.conf.${device}.${knob}`, '0', netns);
    }
    for (const address of addresses) {
      const noDad = address.includes(':') ? ['nodad'] : [];
      must('ip', '-n', netns, 'addr', 'add', address, 'dev', device, ...noDad);
    }
    must('ip', '-n', netns, 'link', 'set', device, 'up');
  }
}

function must(...argv: readonly string[]): string {
  const result = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
  return result.stdout;
}
