// Which plots a run gives.
import { barChart, type Group } from './chart.js';
import type { Kind, Scenario } from './plan.js';
import { KIND_NAMES, rowName, spreadIn } from './reading.js';
import type { Result, Run } from './results.js';

/** One picture. */
export interface Plot {
  /** Of its file, without the ending. */
  readonly name: string;
  readonly title: string;
  readonly scenarios: readonly Scenario[];
  readonly svg: string;
}

const PLOTS: readonly { name: string; title: string; scenarios: readonly Scenario[] }[] = [
  { name: 'recv', title: 'Receiving, Gbit/s', scenarios: ['recv'] },
  { name: 'send', title: 'Sending, Gbit/s', scenarios: ['send'] },
  { name: 'ping', title: 'Round trip of one byte, µs (less is better)', scenarios: ['ping'] },
  { name: 'connections', title: 'Connections per second', scenarios: ['connect', 'crr'] },
  { name: 'http', title: 'HTTP responses per second', scenarios: ['http', 'raw'] },
  { name: 'memory', title: 'Bytes of an idle connection (less is better)', scenarios: ['memory'] },
];

/** The plots of everything that was measured. */
export function plotsOf(run: Run): Plot[] {
  return PLOTS.flatMap(({ name, title, scenarios }) => {
    const results = run.results.filter(
      ({ case: job }) => job.group === 'speed' && scenarios.includes(job.scenario),
    );
    const groups = results.map(groupOf).filter(({ bars }) => bars.length > 0);
    return groups.length === 0 ? [] : [{ name, title, scenarios, svg: barChart(title, groups) }];
  });
}

function groupOf(result: Result): Group {
  const kinds = result.measured.map(({ kind }) => kind);
  const bars = kinds.flatMap((kind) => {
    const spread = spreadIn(result, kind);
    return spread === null ? [] : [{ series: KIND_NAMES[kind], colour: COLOURS[kind], ...spread }];
  });
  return { label: rowName(result.case), bars };
}

const COLOURS: Record<Kind, string> = {
  ours: '#0b7285',
  register: '#66a8b5',
  node: '#e8590c',
  kernel: '#868e96',
  crude: '#ced4da',
  workers: '#5f3dc4',
  crowded: '#862e9c',
  packet: '#2b8a3e',
  lwip: '#f59f00',
  slirp: '#a61e4d',
};
