// An outcome as people read it: the ladder with its heading and its verdict, in the language chosen.
import { displayWidth } from '../observe/display-width.js';
import { LADDER_COLUMNS, LadderRenderer, type LadderStyle } from '../observe/ladder-render.js';
import type { Lang } from '../observe/lexicon.js';
import { inspectionLines } from './inspect.js';
import { type Assertion, type Outcome, passed } from './outcome.js';
import type { Text } from './scenario.js';

/** How reports look. */
export interface ReportStyle {
  readonly lang: Lang;
  readonly color: boolean;
  readonly unicode: boolean;
}

const WORDS = {
  en: {
    lab: 'lab',
    kernel: 'real kernel',
    sim: 'simulated',
    unsafe: 'UNSAFE',
    star: '* = read from the kernel.',
    ours: 'our stack',
    pass: 'PASS',
    fail: 'FAIL',
    assertions: 'assertions',
    noJudge: 'tshark: not asked',
    judge: (segments: number, bad: number, unexpected: number, completeness: string) =>
      `tshark: ${segments} segments, ${bad} bad checksums, ${unexpected} unexpected flags, completeness ${completeness}`,
    injected: 'INJECTED',
  },
  zh: {
    lab: '实验',
    kernel: '真实内核',
    sim: '模拟',
    unsafe: '不安全',
    star: '* = 从内核读到的状态。',
    ours: '本协议栈',
    pass: '通过',
    fail: '失败',
    assertions: '条断言',
    noJudge: 'tshark：未使用',
    judge: (segments: number, bad: number, unexpected: number, completeness: string) =>
      `tshark：${segments} 个报文段，校验和错误 ${bad}，意外标志 ${unexpected}，completeness ${completeness}`,
    injected: '注入',
  },
} as const;

/** What stands above a ladder. */
export type ReportHead = Pick<Outcome, 'scenario' | 'variant' | 'world' | 'seed' | 'unsafe' | 'peerName'>;

/** The style of the ladder of an outcome. */
export function ladderStyle(outcome: ReportHead, style: ReportStyle): LadderStyle {
  const words = WORDS[style.lang];
  const { scenario, variant, world, seed, unsafe } = outcome;
  const marks = unsafe.length === 0 ? [] : [words.unsafe];
  return {
    lang: style.lang,
    color: style.color,
    unicode: style.unicode,
    teaching: true,
    ...(variant.what === undefined ? {} : { subtitle: variant.what[style.lang] }),
    title: {
      left: `${words.lab} ${variant.id}  ${scenario.title[style.lang]}`,
      right: [`seed ${seed}`, world === 'kernel' ? words.kernel : words.sim, ...marks].join('   '),
    },
    names: { ours: words.ours, peer: outcome.peerName[style.lang] },
    starText: words.star,
    injectedText: words.injected,
  };
}

/** Ladders, numbers, verdict, moral. */
export function reportLines(outcome: Outcome, style: ReportStyle): string[] {
  const lines: string[] = [];
  for (const document of outcome.ladders) {
    const renderer = new LadderRenderer(document, ladderStyle(outcome, style));
    if (lines.length > 0) lines.push('');
    lines.push(...renderer.whole(document.rows, document.summary));
  }
  for (const seen of outcome.inspected) lines.push('', ...inspectionLines(seen, style.lang));
  return [...lines, ...verdictLines(outcome, style.lang)];
}

/** `PASS 9/9 assertions   tshark: …`, what failed, and what to remember. */
export function verdictLines(outcome: Outcome, lang: Lang): string[] {
  const words = WORDS[lang];
  const { assertions, verdict } = outcome;
  const held = assertions.filter(({ ok }) => ok).length;
  const count = `${held}/${assertions.length} ${words.assertions}`;
  const judged =
    verdict === null
      ? words.noJudge
      : words.judge(
          verdict.segments,
          verdict.badChecksums,
          verdict.unexpected,
          verdict.completeness.join(','),
        );
  const head = ` ${passed(outcome) ? words.pass : words.fail} ${count}`;
  const together = `${head}   ${judged}`;
  const lines = displayWidth(together) <= LADDER_COLUMNS ? [together] : [head, ` ${judged}`];
  for (const failed of assertions.filter(({ ok }) => !ok))
    lines.push(...failureLines(failed, outcome.scenario.moral, lang));
  lines.push(` ${outcome.scenario.moral[lang]}`);
  return lines;
}

/** A failure: what should hold, what was asked for and what came, and the rule behind it. */
export function failureLines(failed: Assertion, rule: Text, lang: Lang): string[] {
  const [not, why] = lang === 'zh' ? ['不成立：', '规则：'] : ['does not hold: ', 'the rule: '];
  return [
    ` ${not}${failed.what[lang]}`,
    ...failed.detail.map((line) => `     ${line[lang]}`),
    `     ${why}${rule[lang]}`,
  ];
}
