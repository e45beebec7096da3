// Plays every script of this folder against the stack, to the letter and the millisecond.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { drillTest, parseScript } from '../../src/drill/index.js';
import { SCRIPTS, scriptPaths } from './scripts.js';

const ID = /^(RFC9293 (MUST|SHLD|MAY|REC)-\d+|RFC9293 §[\d.]+|RFC \d+( §[\d.]+)?)$/;

for (const path of scriptPaths()) {
  drillTest(join(SCRIPTS, path), { strict: true, title: path });
}

test('every script names the rules that it proves', () => {
  for (const path of scriptPaths()) {
    const { proves } = parseScript(textOf(path), path).header;
    assert.notEqual(proves.length, 0, `${path} lacks a line "// proves: ID[, ID]"`);
    for (const id of proves) assert.match(id, ID, `${path} proves "${id}", which is no id of a rule`);
  }
});

test('what is said about the kernel can be read', () => {
  for (const path of scriptPaths()) {
    const said = textOf(path).match(/^.*\bkernel:.*$/gm) ?? [];
    for (const line of said) assert.match(line, /^\/\/ kernel: differs, \S/, path);
    assert.ok(said.length <= 1, `${path} speaks of the kernel twice`);
  }
});

test('no two scripts are the same', () => {
  const seen = new Map<string, string>();
  for (const path of scriptPaths()) {
    const body = textOf(path)
      .replace(/\/\/.*$/gm, '')
      .replace(/\s+/g, ' ');
    assert.equal(seen.get(body), undefined, path);
    seen.set(body, path);
  }
});

function textOf(path: string): string {
  return readFileSync(join(SCRIPTS, path), 'utf8');
}
