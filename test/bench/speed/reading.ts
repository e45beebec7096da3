// What tables and plots take out of results.
import { type Spread, spreadOf } from '../statistics.js';
import { type Case, type Kind, settingText } from './plan.js';
import type { Measured, Result } from './results.js';

/** Names of the kinds in headings. */
export const KIND_NAMES: Record<Kind, string> = {
  ours: 'ours',
  register: 'ours, register',
  node: 'node:net',
  kernel: 'kernel, C',
  crude: 'crude ceiling',
  workers: 'ours, 2 queues',
  crowded: 'ours, 100,000 idle',
  packet: 'ours, packet socket',
  lwip: 'lwIP',
  slirp: 'slirp4netns',
};

/** `MTU 1500 ×10`; with what is done where that is not told by the section. */
export function rowName({ group, scenario, setting, connections, bytes }: Case): string {
  const isBulk = group === 'speed' && (scenario === 'recv' || scenario === 'send');
  if (isBulk) return `${settingText(setting)} ×${connections}`;
  return `${scenario}${bytes === 0 ? '' : ` ${bytes} B`} ×${connections}`;
}

/** Which numbers of what was measured. */
export type Numbers = (measured: Measured) => readonly number[];

const valuesOf: Numbers = ({ values }) => values;

/** Median and bounds of a kind, or null when there is no number. */
export function spreadIn(result: Result, kind: Kind, of: Numbers = valuesOf): Spread | null {
  const found = result.measured.find((each) => each.kind === kind);
  const values = found === undefined ? [] : of(found);
  return values.length === 0 ? null : spreadOf(values);
}
