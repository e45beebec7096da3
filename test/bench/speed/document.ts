// docs/performance.md: the numbers of a run, for people. Nothing in it but what was measured.
import type { Start } from '../start/measure.js';
import { mean, type Spread, spreadOf } from '../statistics.js';
import { digits } from './digits.js';
import type { Endurance } from './endurance.js';
import { CROWD, type Group, type Kind, QUEUES, type Scenario, settingText } from './plan.js';
import { plotsOf } from './plots.js';
import { KIND_NAMES, type Numbers, rowName, spreadIn } from './reading.js';
import type { Measured, Result, Run } from './results.js';

type Table = readonly (readonly string[])[];

interface Section {
  readonly title: string;
  readonly text: string;
  /** Default `speed`. */
  readonly group?: Group;
  /** Default: all. */
  readonly scenarios?: readonly Scenario[];
  readonly table: (results: readonly Result[]) => Table;
}

const SECTIONS: readonly Section[] = [
  {
    title: 'Receiving: kernel → stack',
    text: 'Gbit/s of payload that the load was acknowledged. In brackets the least and the greatest round.',
    scenarios: ['recv'],
    table: bulkTable,
  },
  {
    title: 'Sending: stack → kernel',
    text: 'Gbit/s of payload that the load received.',
    scenarios: ['send'],
    table: bulkTable,
  },
  {
    title: 'Round trip of one byte',
    text: 'Microseconds, median and 99th percentile; every processor is kept from sleeping.',
    scenarios: ['ping'],
    table: pingTable,
  },
  {
    title: 'Connections',
    text: 'Per second, so many at a time. `connect`: SYN to both FINs. `crr`: a byte there and back in between.',
    scenarios: ['connect', 'crr'],
    table: rateTable,
  },
  {
    title: 'HTTP',
    text: 'Responses per second on kept-alive connections. `http`: `node:http`. `raw`: a program that answers each request with the same bytes.',
    scenarios: ['http', 'raw'],
    table: rateTable,
  },
  {
    title: 'Idle connections',
    text:
      'Bytes for each accepted connection that waits for data. Heap and buffers after a collection of garbage (of a C program its ' +
      'resident memory); growth of the resident memory; growth of all slabs of the kernel, the end of the load included.',
    scenarios: ['memory'],
    table: memoryTable,
  },
  {
    title: 'Two queues',
    text:
      `A device with ${QUEUES} queues and a stack in a thread of its own on each, beside one with one. Gbit/s, or operations per second. ` +
      'The load runs on the same processors: where these are no more than the threads, it takes from them what it needs.',
    group: 'cores',
    table: pairTable('ours', 'workers'),
  },
  {
    title: 'Beside connections at rest',
    text:
      `The same stack with ${CROWD.toLocaleString('en')} accepted connections that wait for data, beside one with none. Gbit/s, ` +
      'microseconds of `ping`, or operations per second.',
    group: 'crowd',
    table: pairTable('ours', 'crowded'),
  },
  {
    title: 'Ethernet',
    text:
      'The stack as a station of its own at one end of a veth pair, by a packet socket with virtio-net headers. Gbit/s; ' +
      'microseconds of `ping`.',
    group: 'ethernet',
    table: framesTable,
  },
  {
    title: 'That it lasts',
    text:
      'One measurement on a process that has served all rounds before. Gbit/s in its first and its last third; objects and buffers after a ' +
      'collection of garbage, before and after, and the difference for each segment; resident memory after the first third, and at the end.',
    group: 'long',
    table: longTable,
  },
];

/** The tables alone, as text for a terminal. */
export function renderTables(run: Run): string {
  const blocks = presentSections(run).map(({ title, rows }) => `${title}\n${aligned(rows)}\n`);
  for (const { title, rows } of presentOthers(run)) blocks.push(`${title}\n${aligned(rows)}\n`);
  return `${blocks.join('\n')}`;
}

/** The document. Its plots stand in the folder `performance` beside it. */
export function renderDocument(run: Run): string {
  const plots = plotsOf(run);
  const parts = [`# Performance\n\n${introduction(run)}`];
  for (const { title, text, scenarios, rows } of presentSections(run)) {
    const shown = plots.filter((plot) => plot.scenarios.some((each) => scenarios?.includes(each)));
    const images = shown.map(({ name, title: alt }) => `![${alt}](performance/${name}.svg)\n`);
    parts.push([`## ${title}\n`, `${text}\n`, ...images, markdown(rows)].join('\n'));
  }
  for (const { title, text, rows } of presentOthers(run)) {
    parts.push(`## ${title}\n\n${text}\n\n${markdown(rows)}`);
  }
  parts.push(
    `${failures(run)}${HOW}${isPresent(run, 'lwip') ? HOW_LWIP : ''}${isPresent(run, 'slirp') ? HOW_SLIRP : ''}`,
  );
  return `${parts.join('\n\n')}\n`;
}

function presentSections(run: Run): (Section & { readonly rows: Table })[] {
  return SECTIONS.flatMap((section) => {
    const { group = 'speed', scenarios } = section;
    const results = run.results.filter(
      ({ case: job }) => job.group === group && (scenarios?.includes(job.scenario) ?? true),
    );
    return results.length === 0 ? [] : [{ ...section, rows: section.table(results) }];
  });
}

/** What is no result of a case. */
function presentOthers(run: Run): { title: string; text: string; rows: Table }[] {
  const { micro, start = [] } = run;
  const others = [];
  if (start.length > 0) {
    const text =
      'Milliseconds from the command until its first connection is there: `synwave echo`, the making of its device included, and ' +
      'the same service of `node:net` on the kernel. The goal for ours is 300 ms.';
    others.push({ title: 'Start-up', text, rows: startTable(start) });
  }
  if (micro.length > 0) {
    const text = 'By mitata: time and garbage of one call.';
    others.push({ title: 'Small functions', text, rows: microTable(run) });
  }
  return others;
}

function isPresent({ results }: Run, kind: Kind): boolean {
  return results.some(({ measured }) => measured.some((each) => each.kind === kind));
}

function introduction(run: Run): string {
  const { machine, date, rounds, seconds, realTime, tools, lwip, slirp, congestionControl, results } = run;
  const { processors, model, memoryGb, kernel, node, v8, loadAverage, stolenShare } = machine;
  const stolen =
    stolenShare === null ? '' : `, ${(stolenShare * 100).toFixed(1)} % of its time taken by others`;
  const features = [...new Set(results.flatMap(({ measured }) => measured.filter(isOurs).map(featureText)))];
  return [
    'Written by `npm run bench`; `npm run bench -- --help` tells how to have it measured again. Compare within this page only:',
    'everything on it was measured in one run, the kinds of TCP in turn, and the load is the same for all.',
    '',
    `* ${date}: ${processors} processors (${model}), ${memoryGb} GB, Linux ${kernel}, Node ${node} (V8 ${v8}); load average ${loadAverage.toFixed(1)} at the beginning${stolen}`,
    `* ${rounds} rounds of ${seconds} s for each number: the median counts${realTime ? '; with real-time priority, ahead of what else the machine had to do' : ''}`,
    `* load: ${tools.join(', ')}`,
    ...(congestionControl === undefined
      ? []
      : [`* congestion control of the kernel's senders: ${congestionControl}`]),
    ...(lwip === undefined ? [] : [`* ${lwip ?? NO_LWIP}`]),
    ...(slirp === undefined ? [] : [`* ${slirp ?? NO_SLIRP}`]),
    ...features.filter((text) => text !== '').map((text) => `* ${text}`),
  ].join('\n');
}

const NO_LWIP = "lwIP was not measured: it takes Debian's liblwip-dev";

const NO_SLIRP = "slirp4netns was not measured: it takes Debian's package of that name";

function isOurs({ kind }: Measured): boolean {
  return kind === 'ours' || kind === 'packet';
}

function featureText({ features }: Measured): string {
  return features === '' ? '' : `the device of ours did for the stack: ${features}`;
}

const HOW = `## How

The load is the kernel's TCP in a namespace of its own, driven by one program in C. *ours*: sockets of \`stack.net\` in one
process of Node, on a TUN device. *ours, register*: Node's own sockets, moved onto the stack by \`synwave/register\`.
*node:net*: the same services in the same Node on the kernel's TCP behind a veth pair. *kernel, C*: the same services in C with
epoll there. *crude ceiling*: the device of ours with hardly any TCP, nothing checked and nothing kept: what input and
output alone would allow of one thread, packet by packet of 64 KiB or the MTU: what ours gives to the kernel in larger pieces, or leaves to
a thread of the addon's or the kernel's, may go beyond it. Without offload, segmentation and checksums are switched off at both ends of the veth pair, and a
TUN device without virtio-net headers takes packets of the MTU. *ours, 2 queues*: the same services in two threads, each with a
stack on a queue of one device (\`stackWorkers\`). *ours, 100,000 idle*: *ours*, after the handshakes of so many clients, which are not
heard of again. *ours, packet socket*: *ours* as a station of an Ethernet. CPU seconds are user + system of the measured process; what the
kernel does for it elsewhere is not in them.`;

const HOW_LWIP = ` *lwIP*: the
same services in C by its raw API, in one thread on a TUN device like ours, with the library as it is installed. With offload it
is given super-packets and need not verify their checksums; what it sends are packets of its MSS, whose checksums it makes itself.`;

const HOW_SLIRP = ` *slirp4netns*: that on a
TAP device, and behind it *kernel, C* on the loopback interface; CPU seconds are its own. Its largest MTU is 65520.`;

function failures({ results }: Run): string {
  const lines = results.flatMap(({ case: job, measured }) =>
    measured
      .filter(({ failures }) => failures > 0)
      .map(
        ({ kind, failures: count, error }) =>
          `* ${rowName(job)}, ${KIND_NAMES[kind]}: ${count}${error === null ? '' : ` (${error.split('\n')[0]})`}`,
      ),
  );
  return lines.length === 0 ? '' : `## Failures\n\n${lines.join('\n')}\n\n`;
}

// ---- tables

function bulkTable(results: readonly Result[]): Table {
  const kinds = kindsOf(results);
  const withLwip = onlyWith(kinds, 'lwip');
  const head = [
    '',
    ...kinds.map((kind) => KIND_NAMES[kind]),
    'ours ÷ node:net',
    ...withLwip('ours ÷ lwIP'),
    'ours ÷ ceiling',
    ...kinds.filter((kind) => kind !== 'crude').map((kind) => `CPU s/GB ${KIND_NAMES[kind]}`),
  ];
  const rows = results.map((result) => [
    rowName(result.case),
    ...kinds.map((kind) => spreadText(result, kind)),
    ratioText(result, 'ours', 'node'),
    ...withLwip(ratioText(result, 'ours', 'lwip')),
    ratioText(result, 'ours', 'crude'),
    ...kinds.filter((kind) => kind !== 'crude').map((kind) => cpuText(result, kind)),
  ]);
  return [head, ...rows];
}

function pingTable(results: readonly Result[]): Table {
  const kinds = kindsOf(results);
  const withLwip = onlyWith(kinds, 'lwip');
  const names = kinds.map((kind) => KIND_NAMES[kind]);
  const head = ['', ...names, ...names.map((name) => `p99 ${name}`), 'ours ÷ node:net', 'p99'];
  head.push(...withLwip('ours ÷ lwIP', 'p99'));
  const p99 = ({ p99Us }: Measured) => p99Us;
  const rows = results.map((result) => [
    rowName(result.case),
    ...kinds.map((kind) => spreadText(result, kind)),
    ...kinds.map((kind) => spreadText(result, kind, p99)),
    ratioText(result, 'ours', 'node'),
    ratioText(result, 'ours', 'node', p99),
    ...withLwip(ratioText(result, 'ours', 'lwip'), ratioText(result, 'ours', 'lwip', p99)),
  ]);
  return [head, ...rows];
}

function rateTable(results: readonly Result[]): Table {
  const kinds = kindsOf(results);
  const withRegister = onlyWith(kinds, 'register');
  const withLwip = onlyWith(kinds, 'lwip');
  const head = ['', ...kinds.map((kind) => KIND_NAMES[kind]), 'ours ÷ node:net'];
  head.push(...withRegister('register ÷ node:net'), ...withLwip('ours ÷ lwIP'));
  const rows = results.map((result) => [
    rowName(result.case),
    ...kinds.map((kind) => spreadText(result, kind)),
    ratioText(result, 'ours', 'node'),
    ...withRegister(ratioText(result, 'register', 'node')),
    ...withLwip(ratioText(result, 'ours', 'lwip')),
  ]);
  return [head, ...rows];
}

/** Ours in two circumstances: how much of the one is left in the other. */
function pairTable(kind: Kind, other: Kind): (results: readonly Result[]) => Table {
  return (results) => {
    const names = [KIND_NAMES[kind], KIND_NAMES[other]];
    const head = ['', ...names, 'second ÷ first', ...names.map((name) => `p99 ${name}`)];
    const rows = results.map((result) => [
      rowName(result.case),
      spreadText(result, kind),
      spreadText(result, other),
      ratioText(result, other, kind),
      spreadText(result, kind, p99Of),
      spreadText(result, other, p99Of),
    ]);
    return [head, ...rows];
  };
}

const p99Of: Numbers = ({ p99Us }) => p99Us;

function framesTable(results: readonly Result[]): Table {
  const kinds = kindsOf(results);
  const head = ['', ...kinds.map((kind) => KIND_NAMES[kind]), 'ours ÷ node:net'];
  const rows = results.map((result) => [
    rowName(result.case),
    ...kinds.map((kind) => spreadText(result, kind)),
    ratioText(result, 'packet', 'node'),
  ]);
  return [head, ...rows];
}

function longTable(results: readonly Result[]): Table {
  const head = ['', 'seconds', 'million segments', 'first third', 'last third', 'last ÷ first'];
  head.push('heap MB before', 'after', 'bytes a segment', 'resident MB', 'at the end');
  const rows = results.flatMap(({ case: job, measured }) =>
    measured.flatMap(({ endurance }) =>
      endurance === undefined
        ? []
        : [[`${rowName(job)}, ${settingText(job.setting)}`, ...longCells(endurance)]],
    ),
  );
  return [head, ...rows];
}

const MB = 2 ** 20;

function longCells({ seconds, segments, gbits, residentBytes, heapBefore, heapAfter }: Endurance): string[] {
  const third = Math.max(1, Math.floor(gbits.length / 3));
  const [first, last] = [mean(gbits.slice(0, third)), mean(gbits.slice(-third))];
  return [
    digits(seconds),
    digits(segments / 1e6),
    digits(first),
    digits(last),
    (last / first).toFixed(2),
    digits(heapBefore / MB),
    digits(heapAfter / MB),
    ((heapAfter - heapBefore) / segments).toFixed(4),
    digits(residentBytes[third - 1]! / MB),
    digits(residentBytes.at(-1)! / MB),
  ];
}

function memoryTable(results: readonly Result[]): Table {
  const head = ['connections', 'of', 'heap and buffers', 'resident', "kernel's slabs"];
  const rows = results.flatMap(({ case: job, measured }) =>
    measured
      .filter(({ values }) => values.length > 0)
      .map(({ kind, values, residentBytes, slabBytes }) => [
        String(job.connections),
        KIND_NAMES[kind],
        ...[values, residentBytes, slabBytes].map((each) => digits(spreadOf(each).median)),
      ]),
  );
  return [head, ...rows];
}

function startTable(starts: readonly Start[]): Table {
  return [['', 'ms'], ...starts.map(({ name, ms }) => [name, rangeText(spreadOf(ms))])];
}

function microTable({ micro }: Run): Table {
  const rows = micro.map(({ group, name, medianNs, p99Ns, heapBytes }) => [
    group,
    name,
    digits(medianNs),
    digits(p99Ns),
    heapBytes === null ? '' : digits(heapBytes),
  ]);
  return [['', '', 'median ns', 'p99 ns', 'garbage B'], ...rows];
}

// ---- cells

function kindsOf(results: readonly Result[]): Kind[] {
  return [...new Set(results.flatMap(({ measured }) => measured.map(({ kind }) => kind)))];
}

/** Cells that a table has only where a kind was measured. */
function onlyWith(kinds: readonly Kind[], kind: Kind): (...cells: string[]) => string[] {
  return (...cells) => (kinds.includes(kind) ? cells : []);
}

function spreadText(result: Result, kind: Kind, of?: Numbers): string {
  const spread = spreadIn(result, kind, of);
  return spread === null ? '–' : rangeText(spread);
}

function rangeText({ median, low, high }: Spread): string {
  return low === high ? digits(median) : `${digits(median)} (${digits(low)}–${digits(high)})`;
}

function ratioText(result: Result, kind: Kind, other: Kind, of?: Numbers): string {
  const [a, b] = [spreadIn(result, kind, of), spreadIn(result, other, of)];
  return a === null || b === null ? '–' : (a.median / b.median).toFixed(2);
}

function cpuText(result: Result, kind: Kind): string {
  const user = spreadIn(result, kind, ({ userPerGb }) => userPerGb);
  const system = spreadIn(result, kind, ({ systemPerGb }) => systemPerGb);
  return user === null || system === null ? '–' : `${digits(user.median)} + ${digits(system.median)}`;
}

// ---- forms

function markdown([head, ...rows]: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head!), line(head!.map(() => '---')), ...rows.map(line)].join('\n');
}

function aligned(rows: Table): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd())
    .join('\n');
}
