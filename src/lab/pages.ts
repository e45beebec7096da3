// The pages of docs/lab: the ladders as they really came out of the simulation, with the answers that they prove. Written
// by scripts/lab-pages; a test holds the files against what comes out now.
import { LadderRenderer } from '../observe/ladder-render.js';
import type { Lang } from '../observe/lexicon.js';
import { SCENARIOS } from './catalogue.js';
import { CLAIMS } from './claims.js';
import { inspectionLines } from './inspect.js';
import type { Outcome } from './outcome.js';
import { findEvidence, LEGEND, QUESTIONS, type Question } from './questions.js';
import { ladderStyle } from './report.js';
import type { Scenario } from './scenario.js';

const LANGS: readonly Lang[] = ['en', 'zh'];

/** Name of a page in a language: `q1.md`, `q1.zh.md`. */
export function pageName(name: string, lang: Lang): string {
  return lang === 'en' ? `${name}.md` : `${name}.zh.md`;
}

/**
 * All pages by file name.
 * @param outcomes of every variant that can be simulated, with seed 1
 */
export function labPages(outcomes: readonly Outcome[]): Map<string, string> {
  const pages = new Map<string, string>();
  for (const lang of LANGS) {
    pages.set(pageName('README', lang), overview(lang));
    for (const question of QUESTIONS) {
      pages.set(pageName(question.id.toLowerCase(), lang), questionPage(question, outcomes, lang));
    }
    for (const [name, title, of] of CHAPTERS) {
      pages.set(pageName(name, lang), chapter(title[lang], of, outcomes, lang));
    }
  }
  return pages;
}

const CHAPTERS = [
  ['handshake', { en: 'The handshake', zh: '握手' }, (id: string) => id.startsWith('H')],
  ['teardown', { en: 'The teardown', zh: '挥手' }, (id: string) => id.startsWith('T')],
  ['foundations', { en: 'Foundations', zh: '基础' }, (id: string) => id.startsWith('D')],
] as const;

const WORDS = {
  en: {
    title: 'The lab: handshake and teardown on real packets',
    intro: [
      'Everything here came out of a run of `synwave lab` in the simulation (seed 1); a test holds these pages against what comes',
      'out now. With the kernel at the other end the same scripts give the same segments: `synwave lab run T04`.',
    ],
    questions: 'The four questions',
    claims: 'What is said, and what is so',
    chapters: 'All scenarios',
    other: '[中文](README.zh.md)',
    columns: '| | it is said | verdict | to be added | rule | see |',
    verdicts: { right: 'right', imprecise: 'not quite', wrong: 'wrong' },
    answer: 'The answer',
    ladders: 'What was seen',
    back: '[all pages](README.md)',
    at: (variant: string, seconds: string) => `${variant}, ${seconds} s`,
    run: 'Run it yourself',
    only: 'with the kernel only',
    generated: '<!-- Written by scripts/lab-pages. Do not edit. -->',
  },
  zh: {
    title: '实验室：用真实报文演示握手与挥手',
    intro: [
      '本页内容全部来自 `synwave lab` 的模拟运行（seed 1），并有测试保证页面与当前结果一致。',
      '对端换成真实的 Linux 内核时，同样的脚本得到同样的报文段：`synwave lab run T04 --lang zh`。',
    ],
    questions: '四个问题',
    claims: '常见说法与事实',
    chapters: '全部实验',
    other: '[English](README.md)',
    columns: '| | 常见说法 | 结论 | 补充 | 规则 | 实验 |',
    verdicts: { right: '正确', imprecise: '不够准确', wrong: '错误' },
    answer: '答案',
    ladders: '实验结果',
    back: '[全部页面](README.zh.md)',
    at: (variant: string, seconds: string) => `${variant}，${seconds} 秒`,
    run: '自己运行',
    only: '仅限真实内核',
    generated: '<!-- 由 scripts/lab-pages 生成，请勿手工修改。 -->',
  },
} as const;

function overview(lang: Lang): string {
  const words = WORDS[lang];
  const lines: string[] = [words.generated, '', `# ${words.title}`, '', ...words.intro, '', words.other, ''];
  lines.push(`## ${words.questions}`, '');
  for (const { id, asks } of QUESTIONS) {
    lines.push(`* [${id}: ${asks[lang]}](${pageName(id.toLowerCase(), lang)})`);
  }
  lines.push('', `## ${words.chapters}`, '');
  for (const [name, title, of] of CHAPTERS) {
    lines.push(`* [${title[lang]}](${pageName(name, lang)})`);
    for (const scenario of SCENARIOS.filter(({ id }) => of(id))) {
      lines.push(`  * ${scenario.id} ${scenario.title[lang]}`);
    }
  }
  lines.push('', `## ${words.claims}`, '', words.columns, '| --- | --- | --- | --- | --- | --- |');
  for (const { id, says, verdict, note, rule } of CLAIMS) {
    const seen = SCENARIOS.filter(({ claims }) => claims.includes(id)).map((scenario) => scenario.id);
    const cells = [id, says[lang], words.verdicts[verdict], note[lang], rule, seen.join(' ')];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}

function questionPage(question: Question, outcomes: readonly Outcome[], lang: Lang): string {
  const words = WORDS[lang];
  const lines: string[] = [words.generated, '', `# ${question.id}: ${question.asks[lang]}`, ''];
  lines.push(`## ${words.answer}`, '');
  for (const { says, see } of question.answer) {
    lines.push(says[lang]);
    for (const evidence of see) {
      const row = findEvidence(outcomes, evidence);
      if (row === null) throw new Error(`${question.id}: ${evidence.variant} shows no ${evidence.line}`);
      lines.push(`* ${words.at(evidence.variant, (row.t / 1000).toFixed(3))}: \`${evidence.line}\``);
    }
    lines.push('');
  }
  lines.push(LEGEND[lang], '', `## ${words.ladders}`, '');
  for (const id of question.plays) {
    const outcome = outcomes.find(({ variant }) => variant.id === id);
    if (outcome === undefined) throw new Error(`${question.id}: ${id} was not played`);
    lines.push(...ladderBlock(outcome, lang), outcome.scenario.moral[lang], '');
  }
  lines.push(
    `## ${words.run}`,
    '',
    '```',
    `synwave lab ${question.id}${lang === 'zh' ? ' --lang zh' : ''}`,
    '```',
    '',
  );
  lines.push(words.back);
  return `${lines.join('\n')}\n`;
}

function chapter(
  title: string,
  of: (id: string) => boolean,
  outcomes: readonly Outcome[],
  lang: Lang,
): string {
  const words = WORDS[lang];
  const lines: string[] = [words.generated, '', `# ${title}`, '', words.back, ''];
  for (const scenario of SCENARIOS.filter(({ id }) => of(id))) {
    lines.push(...scenarioSection(scenario, outcomes, lang));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function scenarioSection(scenario: Scenario, outcomes: readonly Outcome[], lang: Lang): string[] {
  const lines = [`## ${scenario.id} ${scenario.title[lang]}`, '', scenario.moral[lang], ''];
  for (const variant of scenario.variants) {
    const outcome = outcomes.find((each) => each.variant.id === variant.id);
    if (outcome === undefined) {
      lines.push(
        `${variant.id}${variant.what === undefined ? '' : ` ${variant.what[lang]}`} (${WORDS[lang].only})`,
        '',
      );
    } else if (outcome.ladders.length > 0) {
      lines.push(...ladderBlock(outcome, lang));
    }
  }
  return lines;
}

function ladderBlock(outcome: Outcome, lang: Lang): string[] {
  const lines = ['```'];
  for (const document of outcome.ladders) {
    const style = ladderStyle(outcome, { lang, color: false, unicode: false });
    lines.push(...new LadderRenderer(document, style).whole(document.rows, document.summary));
  }
  for (const seen of outcome.inspected) lines.push('', ...inspectionLines(seen, lang));
  return [...lines, '```', ''];
}
