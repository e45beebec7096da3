// `synwave lab`: the rules of handshake and teardown on real packets.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type BatchResult, folderOf, type Job, runBatch } from '../lab/batch.js';
import { type CatalogueEntry, SCENARIOS, VARIANTS, variantsNamed } from '../lab/catalogue.js';
import { CLAIMS } from '../lab/claims.js';
import { type Outcome, passed } from '../lab/outcome.js';
import { answerLines, questionNamed } from '../lab/questions.js';
import { reportLines, verdictLines } from '../lab/report.js';
import { worldsOf } from '../lab/scenario.js';
import { wrap } from '../lab/wrap.js';
import { LADDER_COLUMNS } from '../observe/ladder-render.js';
import { ExitCode, usageError } from './failure.js';
import { Lifetime } from './lifetime.js';
import { claimNamespace } from './namespace.js';
import { isOn, textOf } from './option-values.js';
import { LANGUAGE_OPTION, readLanguage } from './options.js';
import { mayMakeNamespaces, runAgainAsUserRoot } from './privileges.js';
import { parseDuration, parseInteger, parseWord } from './values.js';
import type { Context, Verb } from './verb.js';

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
    step: { type: 'boolean', help: 'wait for Enter before each row' },
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
      return show(context, rest);
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

/** People's text: the product of this verb, so on stdout, unless that carries the document. */
function print(context: Context, lines: readonly string[]): void {
  const stream = isOn(context.args.values, 'json') ? process.stderr : process.stdout;
  stream.write(`${lines.join('\n')}\n`);
}

function list(context: Context): number {
  const { values } = context.args;
  const lang = readLanguage(values);
  if (isOn(values, 'claims')) return listClaims(context);
  const rows = SCENARIOS.map((scenario) => {
    const variants =
      scenario.variants.length > 1 ? ` (${scenario.variants.map(({ id }) => id).join(' ')})` : '';
    return ` ${scenario.id}  ${scenario.title[lang]}${variants}`;
  });
  print(context, rows);
  if (isOn(values, 'json')) {
    context.terminal.document(
      SCENARIOS.map(({ id, title, claims, variants }) => ({
        id,
        title,
        claims,
        variants: variants.map((variant) => ({
          id: variant.id,
          what: variant.what,
          worlds: worldsOf(variant),
        })),
      })),
    );
  }
  return ExitCode.OK;
}

/** Every claim of the tutorial with its verdict and the scenarios that demonstrate it. */
function listClaims(context: Context): number {
  const { values } = context.args;
  const lang = readLanguage(values);
  const shownBy = (id: string) =>
    SCENARIOS.filter(({ claims }) => claims.includes(id)).map((each) => each.id);
  const verdicts = VERDICTS[lang];
  for (const { id, says, verdict, note, rule } of CLAIMS) {
    print(context, [
      ` ${id}  ${says[lang]}`,
      `      ${verdicts[verdict]}: ${note[lang]}  [${rule}]  ${shownBy(id).join(' ')}`,
    ]);
  }
  if (isOn(values, 'json')) {
    context.terminal.document(CLAIMS.map((claim) => ({ ...claim, scenarios: shownBy(claim.id) })));
  }
  return ExitCode.OK;
}

const VERDICTS = {
  en: { right: 'right', imprecise: 'not quite', wrong: 'wrong' },
  zh: { right: '正确', imprecise: '不够准确', wrong: '错误' },
} as const;

function show(context: Context, ids: readonly string[]): number {
  const lang = readLanguage(context.args.values);
  const entries = ids.flatMap(entriesNamed);
  if (entries.length === 0) throw usageError('lab show: which scenario?', '`synwave lab list` names them');
  for (const { scenario, variant } of entries) {
    print(context, [
      ` ${variant.id}  ${scenario.title[lang]}`,
      ...(variant.what === undefined ? [] : [`      ${variant.what[lang]}`]),
      ` ${scenario.claims.join(' ')}   ${worldsOf(variant).join(', ')}${(variant.unsafe ?? []).map((each) => `   unsafe ${each}`).join('')}`,
      '',
      ...variant.wire
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .map((line) => `   ${line}`),
      '',
      ` ${scenario.moral[lang]}`,
      '',
    ]);
  }
  return ExitCode.OK;
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
  const result = await runJobs(context, jobs, all);
  if (all) printSummary(context, result);
  else await printReports(context, result);
  for (const id of ids) printAnswer(context, id, result);
  if (isOn(values, 'json')) context.terminal.document(documentOf(result));
  return result.outcomes.every(passed) ? ExitCode.OK : ExitCode.FAILED;
}

function jobsFor(context: Context, entries: readonly CatalogueEntry[], all: boolean): Job[] {
  const { values } = context.args;
  const asked = textOf(values, 'peer');
  const peer = asked === undefined ? null : parseWord(asked, '--peer', ['kernel', 'sim'] as const);
  const slow = isOn(values, 'slow');
  const jobs = entries.flatMap((entry) => {
    const worlds = worldsOf(entry.variant).filter(
      (world) => world === 'sim' || !entry.variant.slow || slow || peer === 'kernel',
    );
    const chosen =
      peer === null ? (all ? worlds : worlds.slice(0, 1)) : worlds.filter((world) => world === peer);
    return chosen.map((world) => ({ entry, world }));
  });
  if (jobs.length === 0) {
    throw usageError(`lab run: not to be had with --peer ${peer}`, `leave --peer out`);
  }
  return jobs;
}

async function runJobs(context: Context, jobs: readonly Job[], all: boolean): Promise<BatchResult> {
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

async function printReports(context: Context, { outcomes }: BatchResult): Promise<void> {
  const { values } = context.args;
  const color = process.stdout.isTTY === true && !isOn(values, 'no-color') && !process.env.NO_COLOR;
  const style = { lang: readLanguage(values), color, unicode: isOn(values, 'unicode') };
  for (const outcome of outcomes) {
    keepLadder(context, outcome);
    if (isOn(values, 'step')) await printSteps(context, reportLines(outcome, style));
    else print(context, [...reportLines(outcome, style), '']);
  }
}

/** What the runs just seen say to a question. */
function printAnswer(context: Context, id: string, { outcomes }: BatchResult): void {
  const question = questionNamed(id);
  if (question === undefined) return;
  const lang = readLanguage(context.args.values);
  print(context, [` ${question.id}  ${question.asks[lang]}`, '']);
  for (const line of answerLines(question, outcomes, lang)) {
    print(context, wrap(line.trimStart(), LADDER_COLUMNS, line.startsWith(' ') ? '     ' : '   '));
  }
}

/** Line by line, at the pace of the reader. */
async function printSteps(context: Context, lines: readonly string[]): Promise<void> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  for (const line of lines) {
    print(context, [line]);
    if (/^\s+\d+\.\d{3} /.test(line)) await Promise.race([prompt.question(''), context.life.interrupted]);
  }
  prompt.close();
}

function keepLadder(context: Context, outcome: Outcome): void {
  const out = textOf(context.args.values, 'out');
  if (out === undefined) return;
  const folder = join(out, `${outcome.variant.id}-${outcome.world}`);
  for (const lang of ['en', 'zh'] as const) {
    const lines = reportLines(outcome, { lang, color: false, unicode: false });
    writeFileSync(join(folder, lang === 'en' ? 'ladder.txt' : 'ladder.zh.txt'), `${lines.join('\n')}\n`);
  }
}

function printSummary(context: Context, { outcomes, noJudge }: BatchResult): void {
  const lang = readLanguage(context.args.values);
  for (const outcome of outcomes) {
    keepLadder(context, outcome);
    const head = ` ${outcome.variant.id.padEnd(5)} ${outcome.world.padEnd(6)}`;
    if (passed(outcome)) print(context, [`${head} ${verdictLines(outcome, lang)[0]!.trim()}`]);
    else print(context, ['', head, ...reportLines(outcome, { lang, color: false, unicode: false }), '']);
  }
  const failed = outcomes.filter((outcome) => !passed(outcome));
  print(context, [
    '',
    ` ${outcomes.length - failed.length} of ${outcomes.length} runs passed${noJudge === null ? '' : `; not judged: ${noJudge}`}`,
  ]);
}

function documentOf({ outcomes, noJudge }: BatchResult): unknown {
  return {
    verb: 'lab',
    noJudge,
    runs: outcomes.map((outcome) => ({
      id: outcome.variant.id,
      scenario: outcome.scenario.id,
      world: outcome.world,
      seed: outcome.seed,
      ok: passed(outcome),
      unsafe: outcome.unsafe,
      title: outcome.scenario.title,
      moral: outcome.scenario.moral,
      claims: outcome.scenario.claims,
      states: outcome.states,
      assertions: outcome.assertions,
      verdict: outcome.verdict,
      ladders: outcome.ladders,
      folder: folderOf({ entry: outcome, world: outcome.world }),
    })),
  };
}
