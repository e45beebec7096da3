// `synwave lab` as people use it, in the simulation.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SCENARIOS } from '../../src/lab/catalogue.js';
import { CLAIMS } from '../../src/lab/claims.js';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'synwave-lab-cli-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function lab(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'lab', ...words], {
    encoding: 'utf8',
    input: '\n'.repeat(100),
  });
  return { status, stdout, stderr };
}

test('list names every scenario, and every claim with what demonstrates it', () => {
  const { stdout } = lab('list');
  for (const { id, title } of SCENARIOS) assert.ok(stdout.includes(`${id}  ${title.en}`), id);
  const chinese = lab('list', '--claims', '--lang', 'zh').stdout;
  for (const { id, says } of CLAIMS) assert.ok(chinese.includes(`${id}  ${says.zh}`), id);
  const document = JSON.parse(lab('list', '--claims', '--json').stdout) as { scenarios: string[] }[];
  assert.ok(document.every(({ scenarios }) => scenarios.length > 0));
});

test('show prints what a scenario expects', () => {
  assert.match(lab('show', 't05b').stdout, /B>A FA 1 a2 {3}\| TIME-WAIT\* {2}\| LAST-ACK/);
});

test('run --json prints one document and nothing else', () => {
  const { status, stdout } = lab('run', 'T04', '--peer', 'sim', '--json');
  const { runs } = JSON.parse(stdout) as {
    runs: { id: string; ok: boolean; ladders: { rows: unknown[] }[]; assertions: { ok: boolean }[] }[];
  };
  assert.equal(status, 0);
  assert.equal(runs[0]!.id, 'T04');
  assert.ok(runs[0]!.ok && runs[0]!.assertions.length > 8 && runs[0]!.ladders[0]!.rows.length > 14);
});

test('--out keeps the capture, the log and the ladder in both languages', () => {
  assert.equal(lab('run', 'H01', '--peer', 'sim', '--out', folder, '-q').status, 0);
  for (const name of ['wire.pcapng', 'log.ndjson', 'ladder.txt', 'ladder.zh.txt']) {
    assert.ok(existsSync(join(folder, 'H01-sim', name)), name);
  }
  assert.match(
    readFileSync(join(folder, 'H01-sim', 'ladder.zh.txt'), 'utf8'),
    /实验 H01 {2}主动打开：三次握手/,
  );
});

test('a question is answered in the chosen language, with the segments that prove it', () => {
  const { stdout, status } = lab('Q1', '--peer', 'sim', '--lang', 'zh');
  assert.equal(status, 0);
  assert.match(stdout, /为什么要第三次握手/);
  assert.match(stdout, /见 H06c，0\.010 秒：A>B R 1/);
  assert.doesNotMatch(stdout, /Why a third/);
});

test('--step goes on with Enter', () => {
  assert.match(lab('run', 'H01', '--peer', 'sim', '--step').stdout, /PASS/);
  const shown = lab('run', 'H01', '--peer', 'sim', '--step', '--lang', 'zh').stdout;
  assert.match(shown, /实验本身已经结束/, 'why nothing waits for the reader is said in the language chosen');
});

test('--unicode draws with box characters', () => {
  assert.match(lab('run', 'H01', '--peer', 'sim', '--unicode').stdout, /│─── SYN seq=0 .*▶│ SYN-RECEIVED/);
});

const WRONG: [string[], RegExp][] = [
  [[], /what is to be done[\s\S]*synwave lab list/],
  [['frob'], /what is "frob"/],
  [['run'], /which scenarios[\s\S]*--all/],
  [['run', 'H99'], /there is no scenario "H99"[\s\S]*synwave lab list/],
  [['run', 'H01', '--peer', 'mars'], /--peer: "mars"/],
  [['run', 'H01', '--unsafe', 'handshake=2'], /in the lab only[\s\S]*H07/],
];
for (const [words, message] of WRONG) {
  test(`lab ${words.join(' ')}: refused with a remedy`, () => {
    const { status, stderr } = lab(...words);
    assert.equal(status, 2, stderr);
    assert.match(stderr, message);
  });
}

test('no other verb knows a counterfactual', () => {
  const result = spawnSync(process.execPath, [CLI, 'http', '.', '--unsafe', 'handshake=2'], {
    encoding: 'utf8',
  });
  assert.equal(result.status, 2);
  assert.match(result.stderr, /in the lab only/);
});
