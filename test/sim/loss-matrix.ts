// The loss matrix of `npm run bench:loss` in virtual time, ours to ours: the same paths, seeded, the same figures on every
// machine. What the kernel does on them is the benchmark's business.
import type { ConnectionConfig } from '../../src/tcp/config.js';
import { controllerNamed } from '../../src/tcp/congestion/registry.js';
import { type Cell, cellsOf, faultsOf, RESPONSE_BYTES } from '../bench/loss/plan.js';
import { quantile } from '../bench/statistics.js';
import { VirtualWire } from './virtual-wire.js';

/** DCTCP wants routers that mark, which these paths have not. */
export const CONTROLLERS = ['cubic', 'newreno', 'bbr'] as const;

const RESPONSES = 20;
/** Longest time for all responses of a cell. */
const MOST_MS = 600_000;

/** What one controller came to on one path. */
export interface Outcome {
  goodputMbit: number;
  /** Retransmission timeouts of the bulk transfer. */
  timeouts: number;
  /** Milliseconds from the SYN to the end of 30 KB, of each response in turn. */
  responsesMs: number[];
  /** Timeouts of the responses together. */
  responseTimeouts: number;
}

/** The paths of the table, in its order. */
export function paths(): Cell[] {
  return cellsOf({
    rttMs: [1, 20, 100],
    rateMbit: [10, 100],
    reorder: [0, 0.05],
    loss: [0, 0.001, 0.01, 0.03, 'burst'],
    controllers: [],
    pairs: [],
    seeds: 1,
    seconds: null,
    responses: null,
  });
}

/** Thirty round trips at least, and 300 ms. */
function bulkMs({ rttMs }: Cell): number {
  return Math.max(300, 30 * rttMs);
}

/** Measures one controller on one path. */
export function measure(cell: Cell, controller: string, seed: number): Outcome {
  const left = { congestion: controllerNamed(controller)! };
  return { ...bulk(cell, left, seed), ...responses(cell, left, seed) };
}

function bulk(cell: Cell, left: Partial<ConnectionConfig>, seed: number) {
  const wire = new VirtualWire({ ...faultsOf(cell), seed, left });
  const transfer = wire.transfer();
  wire.run(bulkMs(cell));
  const goodputMbit = (transfer.sink.received * 8) / bulkMs(cell) / 1000;
  return { goodputMbit, timeouts: transfer.connection.rtx.tally.timeouts };
}

function responses(cell: Cell, left: Partial<ConnectionConfig>, seed: number) {
  const wire = new VirtualWire({ ...faultsOf(cell), seed: seed + 1, left });
  const responsesMs: number[] = [];
  let responseTimeouts = 0;
  for (let i = 0; i < RESPONSES; i++) {
    const transfer = wire.transfer({ bytes: RESPONSE_BYTES, port: 1000 + i });
    if (!wire.run(MOST_MS / RESPONSES, () => transfer.isDone)) responsesMs.push(Number.POSITIVE_INFINITY);
    else responsesMs.push(transfer.tookMs);
    responseTimeouts += transfer.connection.rtx.tally.timeouts;
  }
  return { responsesMs, responseTimeouts };
}

/** The whole table as text. */
export function lossMatrix(seed: number): string {
  const lines = [
    'Ours to ours in virtual time; paths and losses as in `npm run bench:loss`, queue of one bandwidth-delay product.',
    'Goodput in Mbit/s of a bulk transfer from its SYN on; 30 KB: median/mean/95th percentile in ms of twenty responses,',
    'each from its SYN to its last byte. +n: retransmission timeouts, those of a lost SYN among them.',
  ];
  let title = '';
  for (const cell of paths()) {
    const next = titleOf(cell);
    if (next !== title) {
      lines.push(
        '',
        next,
        `  ${row(
          'loss',
          CONTROLLERS,
          CONTROLLERS.map((name) => `30 KB ${name}`),
        )}`,
      );
    }
    title = next;
    const outcomes = CONTROLLERS.map((name) => measure(cell, name, seed));
    lines.push(`  ${row(lossText(cell), outcomes.map(goodputText), outcomes.map(responseText))}`);
  }
  return `${lines.join('\n')}\n`;
}

function titleOf({ rttMs, rateMbit, reorder }: Cell): string {
  const order = reorder > 0 ? `${100 * reorder} % reordered` : 'in order';
  return `RTT ${rttMs} ms, ${rateMbit} Mbit/s, ${order}`;
}

function row(first: string, goodputs: readonly string[], times: readonly string[]): string {
  const cells = [...goodputs.map((text) => text.padEnd(9)), ...times.map((text) => text.padEnd(20))];
  return `${first.padEnd(7)}${cells.join(' ')}`.trimEnd();
}

function lossText({ loss }: Cell): string {
  return loss === 'burst' ? 'bursts' : `${Number((100 * loss).toFixed(1))} %`;
}

function goodputText({ goodputMbit, timeouts }: Outcome): string {
  return `${goodputMbit.toFixed(2)}${count(timeouts)}`;
}

function responseText({ responsesMs, responseTimeouts }: Outcome): string {
  const mean = responsesMs.reduce((sum, ms) => sum + ms, 0) / responsesMs.length;
  const figures = [quantile(responsesMs, 0.5), mean, quantile(responsesMs, 0.95)];
  return `${figures.map((ms) => ms.toFixed(0)).join('/')}${count(responseTimeouts)}`;
}

function count(timeouts: number): string {
  return timeouts === 0 ? '' : ` +${timeouts}`;
}
