// What `synwave lab run` prints: ladders, verdicts, answers, and the document of `--json`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type BatchResult, folderOf } from '../../lab/batch.js';
import { type Outcome, passed } from '../../lab/outcome.js';
import { answerLines, questionNamed } from '../../lab/questions.js';
import { type ReportStyle, reportLines, verdictLines } from '../../lab/report.js';
import { wrap } from '../../lab/wrap.js';
import { LADDER_COLUMNS } from '../../observe/ladder-render.js';
import { isOn, type OptionValues, textOf } from '../option-values.js';
import { readLanguage } from '../options.js';
import type { Context } from '../verb.js';
import type { LiveLadder } from './live.js';

/** People's text: the product of this verb, so on stdout, unless that carries the document. */
export function print(context: Context, lines: readonly string[]): void {
  const stream = isOn(context.args.values, 'json') ? process.stderr : process.stdout;
  stream.write(`${lines.join('\n')}\n`);
}

/** How reports look, from the options. */
export function reportStyle(values: OptionValues): ReportStyle {
  const color = process.stdout.isTTY === true && !isOn(values, 'no-color') && !process.env.NO_COLOR;
  return { lang: readLanguage(values), color, unicode: isOn(values, 'unicode') };
}

/**
 * Ladder and verdict of each run.
 * @param live has shown some of the first ladder already, or null
 */
export async function printReports(
  context: Context,
  { outcomes }: BatchResult,
  live: LiveLadder | null,
): Promise<void> {
  const { values } = context.args;
  const style = reportStyle(values);
  if (isOn(values, 'step')) print(context, [...wrap(STEP_HINT[style.lang], LADDER_COLUMNS, ' '), '']);
  for (const outcome of outcomes) {
    keepLadder(context, outcome);
    const lines = reportLines(outcome, style);
    if (isOn(values, 'step')) await printSteps(context, lines);
    else print(context, [...lines.slice(live?.shown ?? 0), '']);
  }
}

/** What the runs just seen say to a question. */
export function printAnswer(context: Context, id: string, { outcomes }: BatchResult): void {
  const question = questionNamed(id);
  if (question === undefined) return;
  const lang = readLanguage(context.args.values);
  print(context, [` ${question.id}  ${question.asks[lang]}`, '']);
  for (const line of answerLines(question, outcomes, lang)) {
    print(context, wrap(line.trimStart(), LADDER_COLUMNS, line.startsWith(' ') ? '     ' : '   '));
  }
}

/** Line by line, at the pace of the reader; without one (the end of stdin) at once. */
async function printSteps(context: Context, lines: readonly string[]): Promise<void> {
  const input = createInterface({ input: process.stdin });
  const enters = input[Symbol.asyncIterator]();
  for (const line of lines) {
    print(context, [line]);
    if (ROW.test(line)) await Promise.race([enters.next(), context.life.interrupted]);
  }
  input.close();
}

/** The kernel's timers cannot be stopped while somebody reads: held back, it would send everything again. */
const STEP_HINT = {
  en: 'Enter shows the next row; the run itself is over. A kernel does not wait for readers: unanswered, it repeats a SYN after a second and data after a fifth of one, and the ladder would be of these.',
  zh: '按回车显示下一行；实验本身已经结束。内核不会等待读者：得不到应答，SYN 在 1 秒后、数据在 0.2 秒后就会重发，梯形图里将全是重发的报文段。',
} as const;

/** A row of a ladder begins with its time. */
const ROW = /^\s+\d+\.\d{3} /;

function keepLadder(context: Context, outcome: Outcome): void {
  const out = textOf(context.args.values, 'out');
  if (out === undefined) return;
  const folder = join(out, `${outcome.variant.id}-${outcome.world}`);
  for (const lang of ['en', 'zh'] as const) {
    const lines = reportLines(outcome, { lang, color: false, unicode: false });
    writeFileSync(join(folder, lang === 'en' ? 'ladder.txt' : 'ladder.zh.txt'), `${lines.join('\n')}\n`);
  }
}

/** One line for each run, and everything about those that failed. */
export function printSummary(context: Context, { outcomes, noJudge }: BatchResult): void {
  const lang = readLanguage(context.args.values);
  for (const outcome of outcomes) {
    keepLadder(context, outcome);
    const head = ` ${outcome.variant.id.padEnd(5)} ${outcome.world.padEnd(6)}`;
    if (passed(outcome)) print(context, [`${head} ${verdictLines(outcome, lang)[0]!.trim()}`]);
    else print(context, ['', head, ...reportLines(outcome, { lang, color: false, unicode: false }), '']);
  }
  const failed = outcomes.filter((outcome) => !passed(outcome));
  print(context, ['', sumLine(outcomes.length - failed.length, outcomes.length, noJudge, lang)]);
}

function sumLine(passed: number, all: number, noJudge: string | null, lang: 'en' | 'zh'): string {
  if (lang === 'zh')
    return ` ${all} 次实验中 ${passed} 次通过${noJudge === null ? '' : `；未评判：${noJudge}`}`;
  return ` ${passed} of ${all} runs passed${noJudge === null ? '' : `; not judged: ${noJudge}`}`;
}

/** The document of `--json`. */
export function documentOf({ outcomes, noJudge }: BatchResult): unknown {
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
