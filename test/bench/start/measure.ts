// How long it takes from the command until the first connection: `synwave echo`, and the same service of node:net on the kernel.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { makeNamespace, removeNamespace } from '../namespace.js';
import { Remote } from '../remote.js';
import type { Place } from './reach.js';

const PRIORITY = 10;
const PORT = 7;
const COMMAND = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const ON_THE_KERNEL = `require('node:net').createServer((socket) => socket.pipe(socket)).listen(${PORT})`;

/** A command, and how long it took each time. */
export interface Start {
  readonly name: string;
  readonly ms: readonly number[];
}

/** Starts each so often, in turn, in a namespace of its own. */
export async function measureStart(rounds: number): Promise<Start[]> {
  const netns = `synwave-bench-${process.pid}-start`;
  const remove = () => removeNamespace(netns);
  // Also when something calls for the end of the process.
  process.once('exit', remove);
  makeNamespace(netns, {});
  const client = Remote.start(new URL('./reach.js', import.meta.url), netns, PRIORITY);
  const subjects = subjectsIn(netns).map((subject) => ({ ...subject, ms: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { argv, place, ms } of subjects) ms.push(await startOnce(client, argv, place));
  }
  client.kill();
  remove();
  process.off('exit', remove);
  return subjects.map(({ name, ms }) => ({ name, ms }));
}

/** What is started, and where it is reached. */
function subjectsIn(netns: string): { name: string; argv: readonly string[]; place: Place }[] {
  return [
    {
      name: 'synwave echo',
      argv: [process.execPath, COMMAND, 'echo', String(PORT), '--netns', netns, '--quiet'],
      place: { host: '10.9.0.2', port: PORT },
    },
    {
      name: 'node:net',
      argv: ['nsenter', `--net=/run/netns/${netns}`, '--', process.execPath, '-e', ON_THE_KERNEL],
      place: { host: '127.0.0.1', port: PORT },
    },
  ];
}

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
