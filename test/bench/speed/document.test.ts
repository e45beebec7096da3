import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderDocument, renderTables } from './document.js';
import type { Kind, Scenario } from './plan.js';
import { plotsOf } from './plots.js';
import type { Measured, Result, Run } from './results.js';

const DOCS = new URL('../../../../docs/', import.meta.url);

function measured(kind: Kind, values: readonly number[], more: Partial<Measured> = {}): Measured {
  const none = { p99Us: [], userPerGb: [], systemPerGb: [], residentBytes: [], slabBytes: [] };
  return { kind, values, ...none, failures: 0, error: null, features: '', ...more };
}

function result(scenario: Scenario, ...all: readonly Measured[]): Result {
  const setting = { mtu: 1500, offload: true };
  const kinds = all.map(({ kind }) => kind);
  return { case: { group: 'speed', scenario, setting, connections: 1, bytes: 0, kinds }, measured: all };
}

function runOf(...results: readonly Result[]): Run {
  const machine = {
    processors: 2,
    model: 'a <fast> one',
    memoryGb: 8,
    kernel: '6.1',
    node: 'v20',
    v8: '11',
    loadAverage: 0.5,
    stolenShare: 0.015,
  };
  return {
    machine,
    date: '2000-01-01',
    quick: false,
    rounds: 3,
    seconds: 1,
    realTime: false,
    tools: ['C'],
    results,
    micro: [],
  };
}

const bulk = result(
  'recv',
  measured('ours', [12, 10, 11], { userPerGb: [0.2], systemPerGb: [0.1], features: 'checksums' }),
  measured('node', [22, 22, 22], { userPerGb: [0.05], systemPerGb: [0.2] }),
  measured('crude', [44]),
);

test('a table tells medians, spread, ratios and the cost in processor time', () => {
  const document = renderDocument(runOf(bulk));
  const row = document.split('\n').find((line) => line.startsWith('| MTU 1500 ×1'));
  assert.equal(
    row,
    '| MTU 1500 ×1 | 11.0 (10.0–12.0) | 22.0 | 44.0 | 0.50 | 0.25 | 0.20 + 0.10 | 0.05 + 0.20 |',
  );
});

test('the document names machine, load and what the device did', () => {
  const document = renderDocument(runOf(bulk));
  assert.match(
    document,
    /2 processors \(a <fast> one\), 8 GB, Linux 6\.1.*1\.5 % of its time taken by others/,
  );
  assert.match(document, /the device of ours did for the stack: checksums/);
  assert.match(document, /3 rounds of 1 s/);
});

test('what could not be measured is a dash in the table, and is told of', () => {
  const broken = measured('kernel', [], { failures: 2, error: 'no compiler\nat line 1' });
  const document = renderDocument(runOf(result('crr', measured('ours', [100]), broken)));
  assert.match(document, /\| crr ×1 \| 100 \| – \| – \|/);
  assert.match(document, /crr ×1, kernel, C: 2 \(no compiler\)/);
});

test('round trips are compared by median and by 99th percentile', () => {
  const pings = result(
    'ping',
    measured('ours', [20], { p99Us: [90] }),
    measured('node', [40], { p99Us: [60] }),
  );
  assert.match(renderTables(runOf(pings)), /0\.50 +1\.50/);
});

const besideLwip = [
  result(
    'recv',
    measured('ours', [6]),
    measured('node', [3]),
    measured('lwip', [4]),
    measured('crude', [12]),
  ),
  result(
    'ping',
    measured('ours', [20], { p99Us: [60] }),
    measured('node', [40], { p99Us: [60] }),
    measured('lwip', [25], { p99Us: [40] }),
  ),
  result('crr', measured('ours', [30]), measured('node', [20]), measured('lwip', [40])),
];
const LWIP = 'lwIP 2, MSS 1460';

test('where lwIP was measured, ours is compared with it, and the document says which it was', () => {
  const document = renderDocument({ ...runOf(...besideLwip), lwip: LWIP });
  assert.match(
    document,
    /\| {2}\| ours \| node:net \| lwIP \| crude ceiling \| ours ÷ node:net \| ours ÷ lwIP \| ours ÷ ceiling \|/,
  );
  assert.match(document, /\| MTU 1500 ×1 \| 6\.00 \| 3\.00 \| 4\.00 \| 12\.0 \| 2\.00 \| 1\.50 \| 0\.50 \|/);
  assert.match(
    document,
    /\| ours ÷ node:net \| p99 \| ours ÷ lwIP \| p99 \|\n.*\n\| ping ×1 .* 0\.80 \| 1\.50 \|/,
  );
  assert.match(document, /\| ours ÷ node:net \| ours ÷ lwIP \|\n.*\n\| crr ×1 .* \| 1\.50 \| 0\.75 \|/);
  assert.match(document, /^\* lwIP 2, MSS 1460$/m);
  assert.match(document, /\*lwIP\*: /);
});

test('where lwIP is not installed the head says so in a line, and nothing else speaks of it', () => {
  const told = renderDocument({ ...runOf(bulk), lwip: null });
  assert.deepEqual(
    told.split('\n').filter((line) => line.includes('lwIP')),
    ["* lwIP was not measured: it takes Debian's liblwip-dev"],
  );
});

test('slirp4netns is a column where it was measured, and a line of the head says which it was, or that it was not', () => {
  const beside = result('recv', measured('ours', [6]), measured('slirp', [0.8]));
  const document = renderDocument({ ...runOf(beside), slirp: 'slirp4netns 1.2' });
  assert.match(document, /\| {2}\| ours \| slirp4netns \|/);
  assert.match(document, /^\* slirp4netns 1\.2$/m);
  assert.match(document, /\*slirp4netns\*: /);
  const without = renderDocument({ ...runOf(bulk), slirp: null }).split('\n');
  assert.equal(without.filter((line) => line.includes('slirp')).length, 1);
});

test('the head says which congestion control the kernel had, where that was noted', () => {
  assert.match(
    renderDocument({ ...runOf(bulk), congestionControl: 'reno' }),
    /congestion control .*: reno$/m,
  );
  assert.doesNotMatch(renderDocument(runOf(bulk)), /congestion control/);
});

test('numbers from before there was lwIP or start-up give a document without', () => {
  const document = renderDocument(runOf(bulk));
  assert.doesNotMatch(document, /lwIP|Start-up/);
});

test('start-up has a section with its milliseconds and the goal', () => {
  const start = [
    { name: 'synwave echo', ms: [180, 210, 190] },
    { name: 'node:net', ms: [50] },
  ];
  const run = { ...runOf(bulk), start };
  const [, section] = renderDocument(run).split('## Start-up\n');
  assert.match(section!, /The goal for ours is 300 ms\./);
  assert.match(
    section!,
    /\| {2}\| ms \|\n.*\n\| synwave echo \| 190 \(180–210\) \|\n\| node:net \| 50\.0 \|\n/,
  );
  assert.match(renderTables(run), /Start-up\n +ms\n +synwave echo +190 \(180–210\)/);
});

test('two circumstances of ours are compared in a section of their own, and not among others', () => {
  const cores = result('recv', measured('ours', [10]), measured('workers', [17]));
  const run = runOf(bulk, { ...cores, case: { ...cores.case, group: 'cores', connections: 10 } });
  const [receiving, queues] = renderTables(run).split('Two queues');
  assert.match(queues!, /recv ×10 +10\.0 +17\.0 +1\.70/);
  assert.doesNotMatch(receiving!, /17\.0/);
});

test('what lasts is told by its first and last third, and by the heap for each segment', () => {
  const endurance = {
    seconds: 6,
    segments: 10_000_000,
    gbits: [4, 4, 9, 9, 2, 2],
    residentBytes: [1, 2, 3, 4, 5, 6].map((mb) => mb * 2 ** 20),
    heapBefore: 2 ** 20,
    heapAfter: 3 * 2 ** 20,
  };
  const long = result('recv', measured('ours', [], { endurance }));
  const run = runOf({ ...long, case: { ...long.case, group: 'long' } });
  assert.match(renderTables(run), /6\.00 +10\.0 +4\.00 +2\.00 +0\.50 +1\.00 +3\.00 +0\.2097 +2\.00 +6\.00/);
});

test('only what was measured has a section and a plot', () => {
  const document = renderDocument(runOf(bulk));
  assert.match(document, /!\[Receiving, Gbit\/s\]\(performance\/recv\.svg\)/);
  assert.doesNotMatch(document, /## HTTP/);
  assert.deepEqual(
    plotsOf(runOf(bulk)).map(({ name }) => name),
    ['recv'],
  );
});

test('a plot is one document, its bars as long as their numbers', () => {
  const [plot] = plotsOf(runOf(bulk));
  const widths = [...plot!.svg.matchAll(/<rect x="190" y="\d+" width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  );
  assert.equal(widths.length, 3);
  assert.equal(widths[2]! / widths[1]!, 2);
  assert.equal(widths[2]! / widths[0]!, 4);
  assert.match(plot!.svg, /^<svg [^>]*>\n[\s\S]*<\/svg>\n$/);
  assert.equal(plot!.svg.split('<text').length, plot!.svg.split('</text>').length);
});

test('docs/performance.md and its plots are what their numbers say; else run the bench with --render', () => {
  const numbers = new URL('performance/measured.json', DOCS);
  assert.ok(existsSync(numbers), 'docs/performance/measured.json');
  const run = JSON.parse(readFileSync(numbers, 'utf8')) as Run;
  assert.equal(readFileSync(new URL('performance.md', DOCS), 'utf8'), renderDocument(run));
  for (const { name, svg } of plotsOf(run)) {
    assert.equal(readFileSync(new URL(`performance/${name}.svg`, DOCS), 'utf8'), svg);
  }
});
