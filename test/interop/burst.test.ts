// A hundred thousand packets at once that nobody asked for, over links of Ethernet frames: the stack goes on sending, timers go
// on running, and nothing piles up.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { tapLink } from '../../src/link/tap.js';
import { IpAddress } from '../../src/wire/address.js';
import { EtherType, MAX_ETHERNET_HEADER_BYTES, writeEthernetHeader } from '../../src/wire/ethernet.js';
import type { MacAddress } from '../../src/wire/mac.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { ACK } from '../../src/wire/segment.js';
import { patternStream, patternSum } from './byte-pattern.js';
import { KERNEL, KERNEL_V6, Lab, obstacle, STACK, STACK_V6, type StackLink, until } from './lab.js';
import { KERNEL_DEVICE, NeighbourHost } from './neighbour-host.js';

const skip = obstacle('nft');
const FLOOD = fileURLToPath(new URL('./flood.js', import.meta.url));
const COUNT = 100_000;
const SIZE = 30_000_000;
/** What a run may need beside: unused blocks of the sender (17 MiB), buffers of the connection, code that is compiled meanwhile. */
const ROOM_BYTES = (17 + 32) * 1024 * 1024;

interface Way {
  readonly name: string;
  /** The kernel's interface, to throw at. */
  readonly device: string;
  readonly prepare: (t: TestContext, lab: Lab) => () => Promise<StackLink>;
}

const WAYS: readonly Way[] = [
  ...(['packet', 'pcap'] as const).map((driver): Way => {
    return {
      name: `ethernet by ${driver}`,
      device: KERNEL_DEVICE,
      prepare: (t, lab) => {
        const host = NeighbourHost.open(t, lab);
        return () => host.ethernet({ driver });
      },
    };
  }),
  {
    name: 'tap',
    device: 'tap0',
    prepare: (_t, lab) => async () => {
      const hostAddress = [`${KERNEL}/24`, `${KERNEL_V6}/64`];
      const link = await tapLink({ name: 'tap0', netns: lab.netns, hostAddress });
      return { link, addresses: [`${STACK}/24`, `${STACK_V6}/64`] };
    },
  },
];

/** A segment that belongs to no connection, in a frame of the kernel's. */
function strayFrame(to: MacAddress): Uint8Array {
  const packet = buildTcpPacket({
    source: IpAddress.parse('10.9.0.200')!,
    sourcePort: 5000,
    destination: IpAddress.parse(STACK)!,
    destinationPort: 9,
    flags: ACK,
    seq: 1,
    ack: 1,
  });
  const bytes = new Uint8Array(MAX_ETHERNET_HEADER_BYTES + packet.length);
  const length = writeEthernetHeader(
    new DataView(bytes.buffer),
    0,
    to.high,
    to.low,
    0x0200,
    0x77,
    EtherType.IPV4,
    0,
  );
  bytes.set(packet, length);
  return bytes.subarray(0, length + packet.length);
}

for (const way of WAYS) {
  test(`${way.name}: ${COUNT} packets that nobody asked for neither starve sending nor grow memory`, {
    skip,
  }, async (t) => {
    const lab = Lab.open(t);
    const open = way.prepare(t, lab);
    let over: StackLink | null = null;
    const stack = await lab.stack({
      over: async () => {
        over = await open();
        return over;
      },
    });
    const { link } = over!;
    const frame = strayFrame(link.ethernet!.mac);
    const server = lab.peer('server', KERNEL, '0', '0', '1');
    await until('the server listens', () => server.stdout().includes('\n'));
    const { port } = JSON.parse(server.stdout()) as { port: number };
    const socket = stack.net.connect({ host: KERNEL, port, allowHalfOpen: true });
    socket.resume();
    /** What had come in whenever a timer ran. */
    const taken = new Set<number>();
    patternStream(41, SIZE).pipe(socket);
    const clock = setInterval(() => taken.add(link.stats.packetsIn), 5);
    t.after(() => clearInterval(clock));
    await until('it flows', () => link.stats.bytesOut > 100_000);

    const argv = [process.execPath, FLOOD, way.device, String(COUNT), Buffer.from(frame).toString('hex')];
    const before = memory();
    const seen = { in: link.stats.packetsIn, out: link.stats.bytesOut };
    const flood = lab.start(argv);
    await until('it begins', () => flood.stdout().includes('begin'));
    await until('it is over', () => flood.stdout().includes('end') || flood.child.exitCode !== null);
    assert.match(flood.stdout(), /end/, flood.stderr());
    await until('the rest has been taken in', () => stack.stack.stats.tcp.inNoPorts > 0);
    assert.ok(link.stats.bytesOut - seen.out > 100_000, `${link.stats.bytesOut - seen.out} bytes were sent`);
    assert.ok(link.stats.packetsIn - seen.in > 1000, `${link.stats.packetsIn - seen.in} packets came in`);
    const last = link.stats.packetsIn;
    assert.ok([...taken].filter((n) => n > seen.in && n < last).length > 1, 'timers went on');
    const report = JSON.parse((await server.ended).stdout.split('\n')[1]!) as object;
    assert.deepEqual(report, { bytes: SIZE, sum: patternSum(41, SIZE), error: null });
    const grown = memory() - before;
    assert.ok(grown < ROOM_BYTES, `memory grew by ${grown} bytes`);
    assert.ok(stack.stack.stats.tcp.resetsSuppressed > 0, 'answers are limited');
    await stack.close();
  });
}

/** Bytes in use, garbage not counted. */
function memory(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
