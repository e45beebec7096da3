// How long it takes from the command until the first connection: `synwave echo`, and the same service of node:net on the kernel.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeNamespace, removeNamespace } from '../namespace.js';
import { Remote } from '../remote.js';
import { spreadOf } from '../statistics.js';
import type { Place } from './reach.js';

const PRIORITY = 10;
const PORT = 7;
const COMMAND = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const ON_THE_KERNEL = `require('node:net').createServer((socket) => socket.pipe(socket)).listen(${PORT})`;

// Usage: scripts/bench start [--rounds N]
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } });
const netns = `synwave-bench-${process.pid}-start`;

/** What is started, and where it is reached. */
const SUBJECTS: Readonly<Record<string, { argv: readonly string[]; place: Place }>> = {
  'synwave echo': {
    argv: [process.execPath, COMMAND, 'echo', String(PORT), '--netns', netns, '--quiet'],
    place: { host: '10.9.0.2', port: PORT },
  },
  'node:net': {
    argv: ['nsenter', `--net=/run/netns/${netns}`, '--', process.execPath, '-e', ON_THE_KERNEL],
    place: { host: '127.0.0.1', port: PORT },
  },
};

/** Milliseconds until a connection is there; the process is ended again. */
async function startOnce(client: Remote, argv: readonly string[], place: Place): Promise<number> {
  const [file, ...words] = argv;
  const begun = Number(process.hrtime.bigint()) / 1e9;
  const child = spawn(file!, words, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    const early = ended.then(() => Promise.reject(new Error(`${argv.join(' ')} ended at once`)));
    return ((await Promise.race([client.ask<number>('reach', place), early])) - begun) * 1000;
  } finally {
    child.kill('SIGINT');
    await ended;
  }
}

makeNamespace(netns, {});
process.once('exit', () => removeNamespace(netns));
process.once('SIGINT', () => process.exit(130));
const client = Remote.start(new URL('./reach.js', import.meta.url), netns, PRIORITY);
const times = new Map<string, number[]>();
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, { argv, place }] of Object.entries(SUBJECTS)) {
    const taken = await startOnce(client, argv, place);
    times.set(name, [...(times.get(name) ?? []), taken]);
  }
}
client.kill();
for (const [name, taken] of times) {
  const { median, low, high } = spreadOf(taken);
  process.stdout.write(
    `${name.padEnd(12)}  ${median.toFixed(0)} ms (${low.toFixed(0)}–${high.toFixed(0)})\n`,
  );
}
