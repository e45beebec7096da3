// `synwave lab`: the rules of handshake and teardown on real packets.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BatchResult, type Job, runBatch } from '../../lab/batch.js';
import { type CatalogueEntry, VARIANTS, variantsNamed } from '../../lab/catalogue.js';
import { passed } from '../../lab/outcome.js';
import { questionNamed } from '../../lab/questions.js';
import { type Text, text, type World, worldsOf } from '../../lab/scenario.js';
import { ExitCode, usageError } from '../failure.js';
import { Lifetime } from '../lifetime.js';
import { claimNamespace } from '../namespace.js';
import { isOn, textOf } from '../option-values.js';
import { LANGUAGE_OPTION, readLanguage } from '../options.js';
import { mayMakeNamespaces, runAgainAsUserRoot, userNamespaceObstacle } from '../privileges.js';
import { parseDuration, parseInteger, parseWord } from '../values.js';
import type { Context, Verb } from '../verb.js';
import { list, show } from './list.js';
import { LiveLadder } from './live.js';
import { documentOf, printAnswer, printReports, printSummary, reportStyle } from './reports.js';

/** `synwave lab`. */
export const lab: Verb = {
  name: 'lab',
  summary: 'see every rule of handshake and teardown on real packets',
  usage: 'list [--claims] | show ID | run ID... | run --all | Q1..Q4',
  description: `
Plays the three-way handshake, the four-way teardown and everything that can happen on the way, between our stack and the
kernel (or a second stack of ours in virtual time), draws what crossed the link with the states at both ends, and checks
it against the rules.

  synwave lab list
  synwave lab run T04                         half-closed, and data still flows
  synwave lab run T04 --peer sim --lang zh    simulated, in Chinese
  synwave lab run --all                       everything, as the tests do
  synwave lab Q1                              why three, and not two?`,
  options: {
    peer: {
      type: 'string',
      value: 'kernel|sim',
      help: 'who plays the other end (default: the kernel where it can)',
    },
    all: { type: 'boolean', help: 'all scenarios, in both worlds' },
    claims: { type: 'boolean', help: 'list: by the claims of the tutorial' },
    seed: { type: 'string', value: 'N', help: 'seed of everything that is left to chance (default 1)' },
    msl: {
      type: 'string',
      value: 'TIME',
      help: 'maximum segment lifetime (default 1s; 100ms with the kernel and --all)',
    },
    slow: { type: 'boolean', help: 'with the kernel also what takes it a minute' },
    step: {
      type: 'boolean',
      help: 'wait for Enter before each row; the run does not wait: the kernel would repeat what is held back',
    },
    unicode: { type: 'boolean', help: 'lines and arrows of Unicode' },
    out: { type: 'string', value: 'DIR', help: 'keep captures, logs and ladders there' },
    lang: LANGUAGE_OPTION,
  },
  json: { prints: 'the runs with their ladders, assertions and verdicts' },
  needs: 'nothing',
  run,
};

async function run(context: Context): Promise<number> {
  const [what, ...rest] = context.args.positionals;
  switch (what) {
    case 'list':
      return list(context);
    case 'show':
      return show(context, rest.flatMap(entriesNamed));
    case 'run':
      return runScenarios(context, rest);
    case undefined:
      break;
    default:
      if (questionNamed(what) !== undefined) return runScenarios(context, context.args.positionals);
  }
  throw usageError(
    what === undefined ? 'lab: what is to be done?' : `lab: what is "${what}"?`,
    'synwave lab list | show ID | run ID... | run --all | Q1..Q4',
  );
}

function entriesNamed(id: string): CatalogueEntry[] {
  const question = questionNamed(id);
  if (question !== undefined) return question.plays.flatMap(variantsNamed);
  const entries = variantsNamed(id);
  if (entries.length === 0)
    throw usageError(`lab: there is no scenario "${id}"`, '`synwave lab list` names them');
  return entries;
}

async function runScenarios(context: Context, ids: readonly string[]): Promise<number> {
  const { values } = context.args;
  const all = isOn(values, 'all');
  if (all === ids.length > 0) throw usageError('lab run: which scenarios?', 'name them, or say --all');
  const jobs = jobsFor(context, all ? VARIANTS : ids.flatMap(entriesNamed), all);
  if (jobs.some(({ world }) => world === 'kernel') && !mayMakeNamespaces()) return runAgainAsUserRoot();
  const isAlone = jobs.length === 1 && !isOn(values, 'json') && !isOn(values, 'step');
  const live = isAlone ? new LiveLadder(reportStyle(values), process.stdout) : null;
  const result = await runJobs(context, jobs, all, live);
  if (all) printSummary(context, result);
  else await printReports(context, result, live);
  for (const id of ids) printAnswer(context, id, result);
  if (isOn(values, 'json')) context.terminal.document(documentOf(result));
  return result.outcomes.every(passed) ? ExitCode.OK : ExitCode.FAILED;
}

/** Which world each variant is played in: the one asked for, else the kernel's where it can be had. */
function jobsFor(context: Context, entries: readonly CatalogueEntry[], all: boolean): Job[] {
  const { values } = context.args;
  const asked = textOf(values, 'peer');
  const peer = asked === undefined ? null : parseWord(asked, '--peer', ['kernel', 'sim'] as const);
  const slow = isOn(values, 'slow') || (peer === 'kernel' && !all);
  const lang = readLanguage(values);
  const obstacle = peer === 'sim' ? null : kernelObstacle();
  if (obstacle !== null && peer === null) context.terminal.complain(obstacle[lang]);
  const jobs: Job[] = [];
  for (const entry of entries) {
    const { variant } = entry;
    const missing = (variant.needs ?? []).find((program) => !isInstalled(program));
    const isPossible = (world: World) =>
      world === 'sim' ||
      ((!variant.slow || slow) && missing === undefined && (obstacle === null || peer === 'kernel'));
    const worlds = worldsOf(variant).filter(isPossible);
    if (missing !== undefined && peer !== 'sim') {
      context.terminal.complain(
        lang === 'zh'
          ? `${variant.id} 无法与内核进行：找不到 ${missing} (apt-get install ${missing})`
          : `${variant.id} not with the kernel: ${missing} not found (apt-get install ${missing})`,
      );
    }
    // What can be had in one world only is played there, unless everything of the other is asked for.
    const chosen = worlds.filter((world) => peer === null || world === peer);
    const instead = all ? [] : worlds.slice(0, 1);
    const played = chosen.length === 0 ? instead : all ? chosen : chosen.slice(0, 1);
    jobs.push(...played.map((world) => ({ entry, world })));
  }
  if (jobs.length === 0)
    throw usageError('lab run: nothing of it can be played here', 'try --peer sim or --slow');
  return jobs;
}

/** Why there can be no namespaces here, or null. */
function kernelObstacle(): Text | null {
  const simulated = (en: string, zh: string) => text(`simulated only: ${en}`, `只能模拟：${zh}`);
  if (process.platform !== 'linux') {
    const { platform } = process;
    return simulated(
      `this is ${platform}, the kernel's world needs Linux`,
      `与内核的实验需要 Linux，这里是 ${platform}`,
    );
  }
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return simulated(
      '/dev/net/tun is missing, or closed to this user; `synwave doctor` tells what to do',
      '没有 /dev/net/tun，或当前用户无权使用；`synwave doctor` 给出解决办法',
    );
  }
  if (mayMakeNamespaces()) return null;
  return simulated(userNamespaceObstacle(), '当前用户不能建立网络命名空间；`synwave doctor` 给出解决办法');
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0;
}

async function runJobs(
  context: Context,
  jobs: readonly Job[],
  all: boolean,
  live: LiveLadder | null,
): Promise<BatchResult> {
  const { values } = context.args;
  const msl = textOf(values, 'msl');
  const mslMs = msl === undefined ? null : parseDuration(msl, '--msl', 's');
  const seed = parseInteger(textOf(values, 'seed') ?? '1', '--seed', 0, 0x7fff_ffff);
  return runBatch(jobs, {
    seed,
    mslMs: { kernel: mslMs ?? (all ? 100 : 1000), sim: mslMs ?? 1000 },
    lang: readLanguage(values),
    directory: directoryFor(context),
    openPlace: (name) => openPlace(context, name),
    ...(live === null ? {} : { onPlay: (settings, world) => live.follow(settings, world) }),
  });
}

/** Where captures go: kept where the user says, else gone with the run. */
function directoryFor(context: Context): string {
  const asked = textOf(context.args.values, 'out');
  if (asked !== undefined) return asked;
  const directory = mkdtempSync(join(tmpdir(), 'synwave-lab-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  context.life.defer('the lab’s files', remove, remove);
  return directory;
}

let places = 0;

/** A namespace that lives as long as one run. */
function openPlace(context: Context, name: string): { netns: string; close(): Promise<void> } {
  const life = new Lifetime(context.terminal.complain);
  const netns = `${name}-${process.pid}-${++places}`;
  context.life.defer(
    `namespace ${netns}`,
    () => life.end(),
    () => life.force(),
  );
  claimNamespace(netns, 'lab', life);
  return { netns, close: () => life.end() };
}
