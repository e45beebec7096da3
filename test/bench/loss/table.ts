// Results as people read them: a block for each kind of path, a line for each loss.
import type { Cell } from './plan.js';
import { type CellResult, LEAST_RATIO, type VariantResult } from './results.js';

const FIRST_WIDTH = 8;

/** All results. */
export function renderTable(results: readonly CellResult[]): string {
  const lines: string[] = [];
  for (const group of groupsOf(results)) {
    const { rttMs, rateMbit, reorder } = group[0]!.cell;
    const order = reorder > 0 ? `${percent(reorder)} reordered` : 'in order';
    lines.push('', `RTT ${rttMs} ms, ${rateMbit} Mbit/s, ${order}`);
    lines.push(...block(group, 'goodput, Mbit/s', (result) => result.bulk, bulkText));
    lines.push(...block(group, '30 KB, ms', (result) => result.responses, responseText));
  }
  lines.push(
    '',
    'k kernel, o ours; sender>receiver. (x.xx) compares with k>k of the same controller: more Mbit/s or a smaller mean of',
    `milliseconds is above 1; ± is its standard error; ! below ${LEAST_RATIO}. Milliseconds: median/mean/95th percentile.`,
  );
  return lines.join('\n');
}

function groupsOf(results: readonly CellResult[]): CellResult[][] {
  const groups: CellResult[][] = [];
  const key = ({ rttMs, rateMbit, reorder }: Cell) => `${rttMs} ${rateMbit} ${reorder}`;
  for (const result of results) {
    const last = groups.at(-1);
    if (last !== undefined && key(last[0]!.cell) === key(result.cell)) last.push(result);
    else groups.push([result]);
  }
  return groups;
}

function block(
  group: readonly CellResult[],
  title: string,
  of: (result: CellResult) => readonly VariantResult[],
  text: (result: VariantResult) => string,
): string[] {
  const names = [...new Set(group.flatMap((result) => of(result).map(nameOf)))];
  if (names.length === 0) return [];
  const rows = group.map((result) => [
    lossText(result.cell),
    ...names.map((name) => {
      const found = of(result).find((one) => nameOf(one) === name);
      return found === undefined ? '-' : text(found);
    }),
  ]);
  const table = [['loss', ...names], ...rows];
  const widths = table[0]!.map((_, i) => Math.max(FIRST_WIDTH, ...table.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ');
  return [`  ${title}`, ...table.map((row) => `  ${line(row).trimEnd()}`)];
}

/** `o>k cubic`; the controller that was really at work stands behind it when it is another. */
function nameOf({ pair, controller, controllerUsed }: VariantResult): string {
  const letters = pair
    .split('-')
    .map((kind) => kind[0])
    .join('>');
  const used = controllerUsed === controller ? '' : ` (${controllerUsed})`;
  return `${letters} ${controller}${used}`;
}

function lossText({ loss }: Cell): string {
  return loss === 'burst' ? 'bursts' : percent(loss);
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`;
}

function bulkText(result: VariantResult): string {
  return `${digits(result.mean)}${comparison(result)}`;
}

function responseText(result: VariantResult): string {
  const { median, mean, p95, failures } = result;
  const failed = failures > 0 ? ` ${failures} failed` : '';
  return `${[median, mean, p95].map(digits).join('/')}${comparison(result)}${failed}`;
}

function comparison({ ratio }: VariantResult): string {
  if (ratio === null) return '';
  const mark = ratio.value < LEAST_RATIO ? '!' : '';
  const error = ratio.error > 0 ? ` ±${ratio.error.toFixed(2)}` : '';
  return ` (${ratio.value.toFixed(2)}${error})${mark}`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
