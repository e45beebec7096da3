// A bar chart as SVG: groups of horizontal bars, with a line from the least to the greatest of what was measured.
import { digits } from './digits.js';

/** One bar. */
export interface Bar {
  readonly series: string;
  readonly colour: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Bars that belong together. */
export interface Group {
  readonly label: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 70;
const BAR = 13;
const GAP = 10;
const HEAD = 58;

/** A chart of at least one bar. */
export function barChart(title: string, groups: readonly Group[]): string {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ high }) => high)));
  const scale = (value: number) => ((WIDTH - LABEL_WIDTH - VALUE_WIDTH) * value) / (most > 0 ? most : 1);
  const parts: string[] = [];
  let y = HEAD;
  for (const { label, bars } of groups) {
    const middle = y + (bars.length * BAR) / 2;
    parts.push(text(LABEL_WIDTH - 8, middle + 4, label, 'end'));
    for (const { colour, median, low, high } of bars) {
      const line = y + BAR / 2;
      parts.push(
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${round(scale(median))}" height="${BAR - 2}" fill="${colour}"/>`,
        `<path d="M${round(LABEL_WIDTH + scale(low))} ${line}H${round(LABEL_WIDTH + scale(high))}" stroke="#212529"/>`,
        text(LABEL_WIDTH + scale(Math.max(median, high)) + 5, y + BAR - 3, digits(median), 'start'),
      );
      y += BAR;
    }
    y += GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="11">`,
    `<title>${escaped(title)}</title>`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="8" y="20" font-size="14" font-weight="bold" fill="#212529">${escaped(title)}</text>`,
    ...legend(groups),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function legend(groups: readonly Group[]): string[] {
  const colours = new Map(groups.flatMap(({ bars }) => bars.map(({ series, colour }) => [series, colour])));
  return [...colours].flatMap(([series, colour], i) => {
    const x = 8 + i * 120;
    return [
      `<rect x="${x}" y="32" width="11" height="11" fill="${colour}"/>`,
      text(x + 16, 42, series, 'start'),
    ];
  });
}

function text(x: number, y: number, words: string, anchor: 'start' | 'end'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="#212529">${escaped(words)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(words: string): string {
  return words.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
