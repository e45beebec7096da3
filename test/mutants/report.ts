// What a mutation run has shown, for people: totals by file, and every mutant that lives.
import type { Verdict } from './run.js';
import type { Excuse, Excuses } from './survivors.js';

/** How many of how many were found out. */
export interface Score {
  judged: number;
  found: number;
  /** Of the others, those with a reason. */
  excused: number;
}

/** A mutant that lives. */
export interface Survivor {
  readonly verdict: Verdict;
  readonly excuse: Excuse | null;
}

/** The outcome of a run. */
export interface Outcome {
  readonly total: Score;
  readonly byFile: ReadonlyMap<string, Score>;
  readonly byOperator: ReadonlyMap<string, Score>;
  readonly survivors: readonly Survivor[];
}

/** True when no test has found the mutant out. */
export function lives({ fate }: Pick<Verdict, 'fate'>): boolean {
  return fate === 'survived' || fate === 'unmet';
}

/** Adds the verdicts up. */
export function outcomeOf(verdicts: readonly Verdict[], excuses: Excuses): Outcome {
  const total = emptyScore();
  const byFile = new Map<string, Score>();
  const byOperator = new Map<string, Score>();
  const survivors: Survivor[] = [];
  for (const verdict of verdicts) {
    const living = lives(verdict);
    const excuse = living ? excuses.of(verdict.mutant) : null;
    if (living) survivors.push({ verdict, excuse });
    for (const score of [total, at(byFile, verdict.mutant.file), at(byOperator, verdict.mutant.operator)]) {
      score.judged++;
      if (!living) score.found++;
      if (excuse !== null) score.excused++;
    }
  }
  return { total, byFile, byOperator, survivors };
}

function emptyScore(): Score {
  return { judged: 0, found: 0, excused: 0 };
}

function at(scores: Map<string, Score>, name: string): Score {
  let score = scores.get(name);
  if (score === undefined) {
    score = emptyScore();
    scores.set(name, score);
  }
  return score;
}

/** `93.1 %`, rounded down, so that nothing is told to be whole that is not. */
export function percent(score: Score): string {
  if (score.judged === 0) return '-';
  return `${(Math.floor((1000 * score.found) / score.judged) / 10).toFixed(1)} %`;
}

/** The report on the terminal. */
export function printed(outcome: Outcome): string {
  const lines: string[] = [];
  for (const { verdict, excuse } of outcome.survivors) {
    if (excuse !== null) continue;
    const { mutant, fate } = verdict;
    lines.push(
      `${fate === 'unmet' ? 'unmet   ' : 'survived'} src/${mutant.file}.ts:${mutant.line} ${mutant.key}`,
    );
  }
  const width = Math.max(...[...outcome.byFile.keys()].map((name) => name.length), 12);
  lines.push('', `${'file'.padEnd(width)}  mutants  found  score`);
  for (const [name, score] of [...outcome.byFile, ['all', outcome.total] as const]) {
    lines.push(
      `${name.padEnd(width)}  ${String(score.judged).padStart(7)}  ${String(score.found).padStart(5)}  ${percent(score).padStart(7)}`,
    );
  }
  for (const [name, score] of outcome.byOperator)
    lines.push(`${name}: ${score.found} of ${score.judged}, ${percent(score)}`);
  const { total } = outcome;
  const left = total.judged - total.found - total.excused;
  lines.push(
    `${total.found} of ${total.judged} mutants found out: ${percent(total)}; ${total.excused} more live for a reason that is written down, ${left} without`,
  );
  return lines.join('\n');
}

const HEAD = `# Do the tests find out?

\`scripts/mutants\` breaks the compiled \`src/tcp\` and \`src/wire\` in one place at a time: a guard is taken out, a condition decides always
the same, a comparison moves by one, a statement is left out, a number is one more. Then it runs the tests that come past that
place, until one fails. This page is the report of such runs (\`--report docs/mutation.md\`). Most files of \`src/tcp\` were judged by the
quick tests nearest to them and not by all: what lives there, others may find out, so that the scores are lower bounds. Other
mutants that live have a reason in \`test/mutants/survivors.json\`, or are something that no test looks at yet.
`;

/**
 * The account for people: scores by file, and the mutants that live.
 * @param there how many mutants each file has, judged or not
 */
export function written(outcome: Outcome, there: ReadonlyMap<string, number>): string {
  const head = '| mutants | judged | found out | of the others with a reason | score |';
  const rule = '| ---: | ---: | ---: | ---: | ---: |';
  const row = (name: string, has: number, score: Score) =>
    `| ${name} | ${has} | ${score.judged} | ${score.found} | ${score.excused} | ${percent(score)} |`;
  const lines = [HEAD, `| folder ${head}`, `| --- ${rule}`];
  for (const [folder, { has, score }] of byFolder(outcome, there))
    lines.push(row(`\`src/${folder}\``, has, score));
  lines.push('', `| file ${head}`, `| --- ${rule}`);
  for (const [name, score] of outcome.byFile) {
    lines.push(row(`[${name}](../src/${name}.ts)`, there.get(name) ?? 0, score));
  }
  lines.push('', '| what is broken | mutants | found out | score |', '| --- | ---: | ---: | ---: |');
  for (const [name, score] of outcome.byOperator) {
    lines.push(`| ${name} | ${score.judged} | ${score.found} | ${percent(score)} |`);
  }
  lines.push('', '## What lives for a reason', '', ...excused(outcome));
  lines.push('## What no test looks at yet', '');
  for (const { verdict, excuse } of outcome.survivors) {
    if (excuse === null) lines.push(`* \`${verdict.mutant.key.replaceAll('`', "'")}\``);
  }
  return `${lines.join('\n')}\n`;
}

function byFolder(
  outcome: Outcome,
  there: ReadonlyMap<string, number>,
): Map<string, { has: number; score: Score }> {
  const folders = new Map<string, { has: number; score: Score }>();
  for (const [file, has] of there) {
    const folder = file.slice(0, file.lastIndexOf('/'));
    const sum = folders.get(folder) ?? { has: 0, score: emptyScore() };
    folders.set(folder, sum);
    sum.has += has;
    const score = outcome.byFile.get(file);
    if (score === undefined) continue;
    sum.score.judged += score.judged;
    sum.score.found += score.found;
    sum.score.excused += score.excused;
  }
  return folders;
}

function excused(outcome: Outcome): string[] {
  const byReason = new Map<Excuse, string[]>();
  for (const { verdict, excuse } of outcome.survivors) {
    if (excuse === null) continue;
    const there = byReason.get(excuse) ?? [];
    byReason.set(excuse, [...there, verdict.mutant.key]);
  }
  return [...byReason].flatMap(([{ kind, reason }, keys]) => [
    `**${kind}:** ${reason}`,
    '',
    ...keys.map((key) => `* \`${key.replaceAll('`', "'")}\``),
    '',
  ]);
}
