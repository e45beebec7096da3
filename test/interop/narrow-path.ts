// A host of the kernel behind a router: the lab's namespace forwards between the stack's device and a link that takes
// smaller packets than either end's device.
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Lab, Program } from './lab.js';

/** A namespace behind the lab's. */
export class FarHost {
  private constructor(
    private readonly lab: Lab,
    private readonly netns: string,
  ) {}

  /**
   * Makes it, to be removed when the test ends. It offers the MSS of an Ethernet, as a host with a tunnel somewhere on its
   * way does: else the stack would have no reason to try packets that the narrow link does not take.
   * @param mtu of the link between router and host; below 1280 it carries no IPv6
   */
  static open(t: TestContext, lab: Lab, mtu: number): FarHost {
    const netns = `${lab.netns}-far`;
    const hasIpv6 = mtu >= 1280;
    must('ip', 'netns', 'add', netns);
    t.after(() => void spawnSync('ip', ['netns', 'del', netns]));
    const pair = ['link', 'add', 'far0', 'mtu', String(mtu), 'type', 'veth', 'peer', 'name', 'eth0'];
    must('ip', '-n', lab.netns, ...pair, 'mtu', String(mtu), 'netns', netns);
    for (const [space, device, host] of [
      [lab.netns, 'far0', 1],
      [netns, 'eth0', 2],
    ] as const) {
      must('ip', '-n', space, 'addr', 'add', `10.77.0.${host}/24`, 'dev', device);
      if (hasIpv6) must('ip', '-n', space, 'addr', 'add', `fd00:77::${host}/64`, 'dev', device, 'nodad');
      must('ip', '-n', space, 'link', 'set', device, 'up');
    }
    const route = (...words: string[]) => must('ip', '-n', netns, ...words);
    route('route', 'add', 'default', 'via', '10.77.0.1', 'advmss', '1460');
    if (hasIpv6) route('-6', 'route', 'add', 'default', 'via', 'fd00:77::1', 'advmss', '1440');
    for (const knob of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']) {
      if (!lab.knob(knob, '1')) throw new Error(`cannot set ${knob}`);
    }
    return new FarHost(lab, netns);
  }

  /** Starts a program there. */
  start(argv: readonly string[]): Program {
    return this.lab.startOutside(['nsenter', `--net=/run/netns/${this.netns}`, '--', ...argv]);
  }

  /** Starts `kernel-peer.ts` there. */
  peer(...argv: readonly string[]): Program {
    return this.start([
      process.execPath,
      fileURLToPath(new URL('./kernel-peer.js', import.meta.url)),
      ...argv,
    ]);
  }
}

function must(...argv: readonly string[]): void {
  const result = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
}
