// `npm run bench:share`: how flows of our stack and of the kernel share one bottleneck. Both senders are in the left
// namespace, whose kernel puts the packets of both on the same wire; the receivers are the kernel's.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Impairments } from '../../../src/link/impair-options.js';
import { hasRealTime, NO_REAL_TIME } from '../remote.js';
import { jainIndex, mean } from '../statistics.js';
import type { SenderCounters } from './counters.js';
import { BIN_MS, type Received } from './traffic.js';
import { type End, type Kind, kernelHas, Run, World } from './world.js';

const USAGE = `usage: npm run bench:share -- [OPTIONS]
Shares of one bottleneck: one flow of ours against one of the kernel, two of the kernel to compare with, and several of
one kind. Needs root, or user namespaces; everything happens in namespaces of its own.

  --rtt MS        round-trip time without queue (20)
  --rate MBIT     bottleneck (50)
  --queue N       size of its queue in bandwidth-delay products (1)
  --jitter MS     how far the delay varies, by packet, in order (1). Without it the flows move in step with the
                  departures of a full queue, and a tenth of a millisecond decides whose packets find room
  --ours NAME     controller of our flows (cubic)
  --kernel NAME   controller of the kernel's flows (cubic)
  --flows N       flows of one kind (5)
  --seconds N     length of a run (30), of which the first sixth is not counted
  --runs N        runs of each kind (3)
  --json FILE     everything, for programs`;

const say = (text: string) => void process.stderr.write(`${text}\n`);
const FIRST_PORT = 5001;

/** A sender of a scenario: whose, with which controller, and how many flows. */
interface Sender {
  readonly kind: Kind;
  readonly controller: string;
  readonly flows: number;
}

interface FlowResult {
  readonly kind: Kind;
  readonly controllerUsed: string;
  readonly mbit: number;
  /** Of all flows together, 0…1. */
  readonly share: number;
}

interface RunResult {
  readonly flows: readonly FlowResult[];
  readonly jain: number;
}

interface Path {
  readonly faults: Impairments;
  readonly seconds: number;
}

async function shareOnce(
  world: World,
  senders: readonly Sender[],
  path: Path,
  seed: number,
): Promise<RunResult> {
  const run = await Run.open(world, seed, path.faults);
  try {
    const right = await run.end('right', 'kernel', 'cubic');
    const ports = senders.flatMap(({ flows }) => Array(flows).fill(0)).map((_, i) => FIRST_PORT + i);
    await right.remote.ask('sink', { ports });
    const left: End[] = [];
    for (const { kind, controller } of senders) left.push(await run.end('left', kind, controller));
    // All at once: nobody finds the bottleneck empty.
    let next = 0;
    const starts = senders.map(({ flows }, i) => {
      const own = ports.slice(next, next + flows);
      next += flows;
      return left[i]!.remote.ask('source', { host: right.address, ports: own });
    });
    await Promise.all(starts);
    const received = await right.remote.ask<Received[]>('tell', { seconds: path.seconds });
    const used: string[] = [];
    for (const [i, end] of left.entries()) {
      const { controller } = await end.remote.ask<SenderCounters>('counters');
      used.push(controller === '?' ? senders[i]!.controller : controller);
    }
    return resultOf(senders, used, received);
  } finally {
    await run.close();
  }
}

function resultOf(
  senders: readonly Sender[],
  used: readonly string[],
  received: readonly Received[],
): RunResult {
  const rates = received.map(({ bins }) => {
    const counted = bins.slice(Math.ceil(bins.length / 6));
    const bytes = counted.reduce((sum, n) => sum + n, 0);
    return (bytes * 8) / 1e6 / ((counted.length * BIN_MS) / 1000);
  });
  const total = rates.reduce((sum, rate) => sum + rate, 0);
  const kinds = senders.flatMap(({ kind, flows }, i) =>
    Array.from({ length: flows }, () => ({ kind, controllerUsed: used[i]! })),
  );
  const flows = rates.map((mbit, i) => ({ ...kinds[i]!, mbit, share: mbit / total }));
  return { flows, jain: jainIndex(rates) };
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/** One line: the mean share of each flow, the shares of each run, and Jain's index. */
function lineOf(name: string, runs: readonly RunResult[]): string {
  const [first] = runs;
  const shares = first!.flows.map((flow, i) => {
    const all = runs.map((run) => run.flows[i]!.share);
    return `${flow.kind} ${flow.controllerUsed} ${percent(mean(all))} (${all.map(percent).join(', ')})`;
  });
  const jain = mean(runs.map((run) => run.jain));
  const total = mean(runs.map((run) => run.flows.reduce((sum, flow) => sum + flow.mbit, 0)));
  return `${name}\n  ${shares.join('\n  ')}\n  Jain's index ${jain.toFixed(3)}, together ${total.toFixed(1)} Mbit/s`;
}

interface Scenario {
  readonly name: string;
  readonly senders: readonly Sender[];
}

function scenariosOf(ours: string, kernel: string, flows: number): Scenario[] {
  const one = (kind: Kind, controller: string, flows = 1): Sender => ({ kind, controller, flows });
  return [
    { name: 'ours against the kernel', senders: [one('ours', ours), one('kernel', kernel)] },
    { name: 'two of the kernel', senders: [one('kernel', kernel, 2)] },
    { name: `${flows} of ours`, senders: [one('ours', ours, flows)] },
    { name: `${flows} of the kernel`, senders: [one('kernel', kernel, flows)] },
  ];
}

async function main(): Promise<number> {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    strict: true,
    options: {
      rtt: text('20'),
      rate: text('50'),
      queue: text('1'),
      jitter: text('1'),
      ours: text('cubic'),
      kernel: text('cubic'),
      flows: text('5'),
      seconds: text('30'),
      runs: text('3'),
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const [rttMs, rateMbit, queue, flows, seconds, count] = (
    ['rtt', 'rate', 'queue', 'flows', 'seconds', 'runs'] as const
  ).map((name) => {
    const value = Number(values[name]);
    if (!(value > 0)) throw new Error(`--${name}: "${values[name]}" is no number above 0\n${USAGE}`);
    return value;
  }) as [number, number, number, number, number, number];
  const jitterMs = Number(values.jitter);
  if (!(jitterMs >= 0)) throw new Error(`--jitter: "${values.jitter}" is no number from 0\n${USAGE}`);
  const rate = rateMbit * 1e6;
  const queueBytes = Math.max((queue * rate * rttMs) / 8000, 15_000);
  const faults = { delayMs: rttMs / 2, jitterMs, rate, queueBytes };
  const scenarios = scenariosOf(values.ours, values.kernel, flows);
  say(
    `${rateMbit} Mbit/s, ${rttMs} ms ± ${jitterMs} each way, about ${Math.ceil((scenarios.length * count * (seconds + 1)) / 60)} min`,
  );

  const world = new World();
  process.once('exit', () => world.close());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  if (!kernelHas(world, values.kernel)) throw new Error(`the kernel has no ${values.kernel}`);
  if (!hasRealTime()) say(NO_REAL_TIME);
  await world.warm();
  const results = [];
  for (const { name, senders } of scenarios) {
    const runs: RunResult[] = [];
    for (let seed = 1; seed <= count; seed++) {
      runs.push(await shareOnce(world, senders, { faults, seconds }, seed));
    }
    process.stdout.write(`${lineOf(name, runs)}\n`);
    results.push({ name, senders, runs });
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ options: values, faults, results })}\n`);
  }
  world.close();
  return 0;
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    say(error.message);
    process.exit(1);
  },
);
