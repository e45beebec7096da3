// What a verb does not need is not loaded for it: each module takes its part of the time until the first SYN is answered.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SOURCES = new URL('../../src/', import.meta.url);
const STATIC_IMPORT = /^(?:import|export)\s[^;]*?from\s+'(\.[^']+)'/gm;

/** The modules that come with `module`, itself included, as paths below src. */
function loadedWith(module: string, found = new Set<string>()): Set<string> {
  if (found.has(module)) return found;
  found.add(module);
  const url = new URL(module, SOURCES);
  const text = readFileSync(url, 'utf8');
  for (const [, path] of text.matchAll(STATIC_IMPORT)) {
    loadedWith(fileURLToPath(new URL(path!, url)).slice(fileURLToPath(SOURCES).length), found);
  }
  return found;
}

const isOf =
  (...folders: string[]) =>
  (module: string) =>
    folders.some((folder) => module.startsWith(folder));

test('the command loads no verb before it knows which one is wanted', () => {
  const loaded = [...loadedWith('cli/main.js')];
  assert.ok(loaded.includes('cli/verbs.js'));
  assert.deepEqual(
    loaded.filter(isOf('cli/echo', 'cli/lab', 'cli/doctor', 'lab/', 'drill/', 'stack/', 'net/')),
    [],
  );
});

test('a serving verb loads neither links nor recorders that nobody asked for', () => {
  const loaded = [...loadedWith('cli/echo.js')];
  assert.ok(loaded.includes('stack/stack.js'));
  const others = isOf(
    'link/raw',
    'link/ethernet',
    'link/impair',
    'link/memory',
    'observe/ladder',
    'cli/doctor',
    'lab/',
    'drill/',
  );
  assert.deepEqual(loaded.filter(others), []);
});
