// `npm run bench:wire`: how true the wire is to the path that it stands for. Two captures, stamped by the kernel where
// packets enter the left device and where they come out of the right one (and the other way round), are compared with
// the times that a path of exactly that delay, rate and queue would give.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Impairments } from '../../../src/link/impair-options.js';
import { Xoshiro128 } from '../../../src/link/impair-random.js';
import { PathShaper } from '../../../src/link/impair-shaper.js';
import type { Received } from '../loss/traffic.js';
import { type End, Run, type Side, World } from '../loss/world.js';
import { hasRealTime, NO_REAL_TIME } from '../remote.js';
import { quantile } from '../statistics.js';
import { type CapturedPacket, readPcap } from './pcap.js';

const USAGE = `usage: npm run bench:wire -- [--coarse] [--seconds N]
Error of the wire's one-way delay in microseconds, and of its rate. --coarse: with Node's own timers, to compare.
Needs tcpdump and ping, and root or user namespaces.`;

interface Scenario {
  readonly name: string;
  readonly faults: Impairments;
  /** Echo requests, or one connection that fills the bottleneck. */
  readonly load: 'ping' | 'bulk';
}

const path = (rttMs: number, rateMbit: number, queueBytes: number): Impairments => ({
  delayMs: rttMs / 2,
  rate: rateMbit * 1e6,
  queueBytes,
});

const SCENARIOS: readonly Scenario[] = [
  { name: 'RTT 1 ms, echo requests', faults: { delayMs: 0.5 }, load: 'ping' },
  { name: 'RTT 20 ms, echo requests', faults: { delayMs: 10 }, load: 'ping' },
  { name: 'RTT 1 ms, 100 Mbit/s full', faults: path(1, 100, 30_000), load: 'bulk' },
  { name: 'RTT 20 ms, 100 Mbit/s full', faults: path(20, 100, 250_000), load: 'bulk' },
  { name: 'RTT 20 ms, 10 Mbit/s full', faults: path(20, 10, 25_000), load: 'bulk' },
];

const PORT = 5001;

/** A running tcpdump. */
class Capture {
  private constructor(
    private readonly child: ChildProcess,
    readonly file: string,
    private readonly ended: Promise<string>,
  ) {}

  /** Starts it, and waits until it listens. */
  static start(world: World, side: Side, file: string): Promise<Capture> {
    const words = ['--time-stamp-precision=nano', '-i', 'wire0', '-n', '-s', '96', '-B', '65536', '-w', file];
    const inside = ['netns', 'exec', world.netns(side), 'tcpdump', ...words, '-Z', 'root'];
    const child = spawn('ip', inside, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    const ended = new Promise<string>((resolve) => child.once('close', () => resolve(said)));
    return new Promise((resolve, reject) => {
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk;
        if (/listening on/.test(said)) resolve(new Capture(child, file, ended));
      });
      child.once('error', reject);
      child.once('close', () => reject(new Error(`tcpdump: ${said}`)));
    });
  }

  /** Ends it. Rejects when it has lost packets: the comparison would be wrong. */
  async stop(): Promise<void> {
    this.child.kill('SIGINT');
    const said = await this.ended;
    if (!/\b0 packets dropped by kernel/.test(said)) throw new Error(`the capture is incomplete: ${said}`);
  }
}

/** What became of one direction. */
interface Comparison {
  readonly packets: number;
  /** Microseconds by which packets came later than they should. */
  readonly errorsUs: readonly number[];
  /** Share by which the rate was missed while the bottleneck was busy, or null when it never was for long. */
  readonly rateError: number | null;
}

/** Feeds the times of entry to a path without a processor's troubles, and compares with the times of exit. */
function compare(
  entered: readonly CapturedPacket[],
  left: readonly CapturedPacket[],
  faults: Impairments,
): Comparison {
  const { queueBytes: _, ...unlimited } = faults;
  // What the wire has lost takes no part; what it let pass would have found room.
  const shaper = new PathShaper({ ...unlimited, queueBytes: Number.MAX_SAFE_INTEGER }, Xoshiro128.seeded(1));
  const exits = new Map(left.map((packet) => [packet.key, packet]));
  const errorsUs: number[] = [];
  let busy: CapturedPacket[] = [];
  let longest: CapturedPacket[] = [];
  for (const packet of entered) {
    const exit = exits.get(packet.key);
    if (exit === undefined) continue;
    if (shaper.backlogBytes(packet.atMs) === 0) busy = [];
    busy.push(exit);
    if (busy.length > longest.length) longest = busy;
    errorsUs.push((exit.atMs - shaper.pass(packet.length, packet.atMs)) * 1000);
  }
  return { packets: errorsUs.length, errorsUs, rateError: rateErrorOf(longest, faults.rate) };
}

/** Packets that left a bottleneck one right after the other tell its rate. */
function rateErrorOf(packets: readonly CapturedPacket[], rate: number | undefined): number | null {
  const [first] = packets;
  const last = packets.at(-1);
  if (rate === undefined || first === undefined || last === undefined || packets.length < 500) return null;
  const bytes = packets.reduce((sum, packet) => sum + packet.length, 0) - first.length;
  return (bytes * 8000) / (last.atMs - first.atMs) / rate - 1;
}

async function runScenario(
  world: World,
  scenario: Scenario,
  coarse: boolean,
  seconds: number,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'synwave-wire-'));
  const run = await Run.open(world, 1, scenario.faults, coarse);
  const originSeconds = Math.floor(Date.now() / 1000);
  try {
    const right = await run.end('right', 'kernel', 'cubic');
    const left = await run.end('left', 'kernel', 'cubic');
    const captures = {
      left: await Capture.start(world, 'left', join(folder, 'left.pcap')),
      right: await Capture.start(world, 'right', join(folder, 'right.pcap')),
    };
    if (scenario.load === 'ping') {
      const words = ['-q', '-i', '0.002', '-c', String(Math.round(seconds * 500)), right.address];
      spawnSync('ip', ['netns', 'exec', world.netns('left'), 'ping', ...words]);
    } else {
      await right.remote.ask('sink', { ports: [PORT] });
      await left.remote.ask('source', { host: right.address, ports: [PORT] });
      await right.remote.ask<Received[]>('tell', { seconds });
    }
    const { cpuMs } = await run.report();
    for (const capture of Object.values(captures)) await capture.stop();
    const packets = {
      left: readPcap(captures.left.file, originSeconds),
      right: readPcap(captures.right.file, originSeconds),
    };
    // Each device sees both directions.
    const from = (all: readonly CapturedPacket[], end: End) =>
      all.filter((packet) => packet.source === end.address);
    const [faults, rightward, leftward] = [
      scenario.faults,
      [from(packets.left, left), from(packets.right, left)],
      [from(packets.right, right), from(packets.left, right)],
    ] as const;
    return [
      `${scenario.name}  (${((cpuMs / 1000 / seconds) * 100).toFixed(0)} % of a processor)`,
      lineOf('left to right', compare(rightward[0]!, rightward[1]!, faults)),
      lineOf('right to left', compare(leftward[0]!, leftward[1]!, faults)),
    ];
  } finally {
    await run.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function lineOf(name: string, { packets, errorsUs, rateError }: Comparison): string {
  const at = (q: number) => quantile(errorsUs, q).toFixed(0).padStart(6);
  const rate = rateError === null ? '' : `   rate ${(rateError * 100).toFixed(3)} %`;
  return `  ${name} ${String(packets).padStart(7)} packets   delay error p1 ${at(0.01)}  p50 ${at(0.5)}  p99 ${at(0.99)}  max ${at(1)} us${rate}`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    strict: true,
    options: {
      coarse: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '4' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const world = new World();
  process.once('exit', () => world.close());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  try {
    if (!hasRealTime()) process.stderr.write(`${NO_REAL_TIME}\n`);
    await world.warm();
    for (const scenario of SCENARIOS) {
      const lines = await runScenario(world, scenario, values.coarse, Number(values.seconds));
      process.stdout.write(`${lines.join('\n')}\n`);
    }
  } finally {
    world.close();
  }
}

await main();
