// Several stations on one Ethernet: the kernel, a stack by libpcap and a stack on a TAP device, joined by a bridge. They find
// each other, find out that an address is taken, and follow a station that changes its MAC address.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createStack, type SynwaveStack } from '../../src/create-stack.js';
import { ethernetLink } from '../../src/link/ethernet.js';
import { tapLink } from '../../src/link/tap.js';
import type { StackNotice } from '../../src/stack/notices.js';
import { KERNEL, KERNEL_V6, Lab, obstacle, until } from './lab.js';
import { NeighbourHost } from './neighbour-host.js';

const skip = obstacle('nc', 'ping', 'bridge');
const PORT = 7;
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

interface Station {
  readonly name: string;
  readonly v4: string;
  readonly v6: string;
}

const BY_PCAP: Station = { name: 'libpcap', v4: '10.9.0.2', v6: 'fd00:9::2' };
const ON_TAP: Station = { name: 'tap', v4: '10.9.0.3', v6: 'fd00:9::3' };
const HOST: Station = { name: 'kernel', v4: KERNEL, v6: KERNEL_V6 };

/** A bridge beside the lab's kernel, which is on it by its cable. */
class BridgedPlace {
  readonly netns: string;
  private readonly stacks: SynwaveStack[] = [];
  private readonly host: NeighbourHost;

  private constructor(t: TestContext, lab: Lab) {
    this.host = NeighbourHost.open(t, lab);
    this.netns = this.host.netns;
    this.ip('link', 'add', 'br0', 'type', 'bridge');
    this.ip('link', 'set', 'br0', 'up');
    this.ip('link', 'set', 'eth0', 'master', 'br0');
    this.ip('link', 'add', 'sta', 'type', 'veth', 'peer', 'name', 'port');
    this.ip('link', 'set', 'port', 'master', 'br0');
    this.ip('link', 'set', 'port', 'up');
    this.ip('link', 'set', 'sta', 'up');
  }

  static open(t: TestContext, lab: Lab): BridgedPlace {
    const place = new BridgedPlace(t, lab);
    t.after(async () => {
      for (const stack of place.stacks) await stack.close();
    });
    return place;
  }

  ip(...argv: string[]): string {
    return this.host.run('ip', ...argv);
  }

  /** A stack that joins by libpcap. */
  async byPcap(options: StationOptions = {}): Promise<SynwaveStack> {
    return this.join(await ethernetLink({ interface: 'sta', netns: this.netns }), BY_PCAP, options);
  }

  /** A stack on a TAP device that is a port of the bridge. */
  async onTap(options: StationOptions = {}): Promise<SynwaveStack> {
    const link = await tapLink({ name: 'tap0', netns: this.netns });
    this.ip('link', 'set', 'tap0', 'master', 'br0');
    await until('the bridge forwards', () =>
      /tap0.*state forwarding/.test(this.host.run('bridge', 'link', 'show', 'dev', 'tap0')),
    );
    return this.join(link, ON_TAP, options);
  }

  private async join(
    link: Awaited<ReturnType<typeof tapLink> | ReturnType<typeof ethernetLink>>,
    station: Station,
    { notices = [], ...options }: StationOptions,
  ): Promise<SynwaveStack> {
    const stack = await createStack({
      link,
      addresses: [`${station.v4}/24`, `${station.v6}/64`],
      onNotice: (notice) => void notices.push(notice),
      ...options,
    });
    this.stacks.push(stack);
    return stack;
  }
}

interface StationOptions {
  readonly notices?: StackNotice[];
  readonly addresses?: readonly string[];
  readonly duplicateDetection?: 'strict' | 'optimistic';
}

function echoes(stack: SynwaveStack): Promise<void> {
  const server = stack.net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  return new Promise((resolve) => void server.listen(PORT, () => resolve()));
}

function asks(stack: SynwaveStack, host: string, words: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = stack.net.connect({ host, port: PORT });
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
    });
    socket.on('end', () => resolve(heard));
    socket.on('error', reject);
    socket.end(words);
  });
}

async function kernelEchoes(lab: Lab): Promise<void> {
  const server = lab.peer('echo', '::', String(PORT));
  await until('the kernel listens', () => server.stdout().includes('\n'));
}

test('two stacks and the kernel on one bridge find and talk to each other, over IPv4 and IPv6', {
  skip,
}, async (t) => {
  const lab = Lab.open(t);
  const place = BridgedPlace.open(t, lab);
  const notices: StackNotice[] = [];
  const byPcap = await place.byPcap({ notices });
  const onTap = await place.onTap({ notices });
  await echoes(byPcap);
  await echoes(onTap);
  await kernelEchoes(lab);
  for (const family of ['v4', 'v6'] as const) {
    for (const [stack, self, others] of [
      [byPcap, BY_PCAP, [ON_TAP, HOST]],
      [onTap, ON_TAP, [BY_PCAP, HOST]],
    ] as const) {
      for (const other of others) {
        const words = `${self.name} to ${other.name} by ${family}`;
        assert.equal(await asks(stack, other[family], words), words);
      }
    }
    for (const other of [BY_PCAP, ON_TAP]) {
      const words = `kernel to ${other.name} by ${family}`;
      const said = await lab.run(['nc', '-N', other[family], String(PORT)], words);
      assert.equal(said.stdout, words, said.stderr);
      const pinged = await lab.run(['ping', '-c', '2', '-i', '0.2', '-W', '5', other[family]]);
      assert.match(pinged.stdout, /2 received, 0% packet loss/);
    }
  }
  const conflicts = notices.filter(({ code }) => code === 'EADDRINUSE');
  assert.deepEqual(conflicts, []);
  for (const stack of [byPcap, onTap]) {
    assert.equal(stack.stats.ethernet.neighborFailures, 0);
    assert.ok([...stack.core.ethernet!.neighbors.list()].length >= 4, 'two others, by two addresses each');
  }
});

test('RFC 5227 RFC 4862: an address that the kernel or another stack has is found out and reported', {
  skip,
}, async (t) => {
  const lab = Lab.open(t);
  const place = BridgedPlace.open(t, lab);
  const notices: StackNotice[] = [];
  const first = await place.byPcap();
  const kernelMac = JSON.parse((await lab.run(['ip', '-j', 'link', 'show', 'cable0'])).stdout)[0].address;
  for (const [addresses, owner] of [
    [[`${KERNEL}/24`], kernelMac],
    [[`${KERNEL_V6}/64`], kernelMac],
    [[`${BY_PCAP.v4}/24`], String(first.core.ethernet!.identity.mac)],
    [[`${BY_PCAP.v6}/64`], String(first.core.ethernet!.identity.mac)],
  ] as const) {
    await assert.rejects(place.onTap({ addresses, duplicateDetection: 'strict' }), {
      code: 'EADDRINUSE',
      message: new RegExp(`also used by the station ${owner}`),
    });
  }
  const second = await place.onTap({ addresses: [`${BY_PCAP.v4}/24`, `${ON_TAP.v6}/64`], notices });
  await until('it is reported', () => notices.length > 0);
  assert.equal(notices[0]!.code, 'EADDRINUSE');
  assert.equal(notices[0]!.address, BY_PCAP.v4);
  assert.deepEqual(second.core.addresses.map(String), [ON_TAP.v6], 'it is given up, the other is kept');
  assert.deepEqual(first.core.addresses.map(String), [BY_PCAP.v4, BY_PCAP.v6], 'its owner keeps it');
});

test('the command says who has its address, and ends', { skip }, async (t) => {
  const lab = Lab.open(t);
  const place = BridgedPlace.open(t, lab);
  const words = ['echo', '7', '--link', 'ethernet:sta', '--addr', `${KERNEL}/24`, '--netns', place.netns];
  const ended = await lab.startOutside([process.execPath, MAIN, ...words]).ended;
  assert.equal(ended.status, 4, ended.stderr);
  assert.match(ended.stderr, /synwave: address 10\.9\.0\.1 is also used by the station [0-9a-f:]{17}/);
});

test('an address of ours that the kernel takes later is defended, and reported', { skip }, async (t) => {
  const lab = Lab.open(t);
  const place = BridgedPlace.open(t, lab);
  const notices: StackNotice[] = [];
  const stack = await place.byPcap({ notices });
  await until('the addresses are claimed', () => stack.stats.ethernet.outAnnouncements >= 3);
  lab.knob('net.ipv6.conf.cable0.accept_dad', '1');
  lab.knob('net.ipv6.conf.cable0.dad_transmits', '1');
  await lab.run(['ip', 'addr', 'add', `${BY_PCAP.v6}/64`, 'dev', 'cable0']);
  await until('the kernel finds out', async () =>
    (await lab.run(['ip', '-6', 'addr', 'show', 'dev', 'cable0'])).stdout.includes('dadfailed'),
  );
  await lab.run(['ip', 'addr', 'add', `${BY_PCAP.v4}/24`, 'dev', 'cable0']);
  // The kernel asks for somebody else in the name of our address.
  void lab.run(['ping', '-c', '1', '-W', '1', '-I', BY_PCAP.v4, '10.9.0.99']);
  await until('it is reported', () => notices.some(({ address }) => address === BY_PCAP.v4));
  assert.match(notices.find(({ address }) => address === BY_PCAP.v4)!.message, /has defended it/);
  assert.ok(stack.core.owns(stack.core.addresses[0]!));
});

test('a neighbour that changes its MAC address is followed, within one connection', { skip }, async (t) => {
  const lab = Lab.open(t);
  const place = BridgedPlace.open(t, lab);
  const stack = await place.byPcap();
  await kernelEchoes(lab);
  for (const [family, host] of [
    ['v4', KERNEL],
    ['v6', KERNEL_V6],
  ] as const) {
    const socket = stack.net.connect({ host, port: PORT });
    let heard = 0;
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.length;
    });
    socket.write('before');
    await until('it flows', () => heard === 'before'.length);
    const mac = family === 'v4' ? '02:00:00:00:44:44' : '02:00:00:00:66:66';
    assert.equal(spawnSync('ip', ['-n', lab.netns, 'link', 'set', 'cable0', 'address', mac]).status, 0);
    socket.write('after');
    await until(`it flows again over ${family}`, () => heard === 'beforeafter'.length);
    const neighbors = [...stack.core.ethernet!.neighbors.list()];
    const known = neighbors.find(({ address }) => String(address) === host)!;
    assert.equal(known.macLow & 0xffff, family === 'v4' ? 0x4444 : 0x6666);
    socket.destroy();
  }
});
