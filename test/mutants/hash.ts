// Tells whether something that a test depends on has changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * A hash of what a compiled test depends on: the files that it imports, directly or not, the broken ones, and the scripts where
 * it plays scripts.
 */
export function hasher(dist: string, broken: readonly string[]): (testFile: string) => string {
  const hashes = new Map<string, string>();
  const imports = new Map<string, readonly string[]>();
  const enter = (path: string) => {
    if (hashes.has(path) || !existsSync(path)) return;
    const text = readFileSync(path, 'utf8');
    hashes.set(path, createHash('sha256').update(text).digest('hex'));
    const found = [...text.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)];
    const targets = found.map((one) => join(dirname(path), one[1]!));
    imports.set(path, targets);
    for (const one of targets) enter(one);
  };
  const scripts = scriptHash(join(dist, '../test/drill'));
  return (testFile) => {
    const reached = new Set<string>();
    const walk = (path: string) => {
      if (reached.has(path)) return;
      enter(path);
      reached.add(path);
      for (const one of imports.get(path) ?? []) walk(one);
    };
    walk(join(dist, 'test', `${testFile}.test.js`));
    const playsScripts = [...reached].some((path) => path.includes('/src/drill/'));
    for (const path of broken) walk(path);
    const all = createHash('sha256').update(broken.map((path) => relative(dist, path)).join());
    for (const path of [...reached].sort()) all.update(relative(dist, path)).update(hashes.get(path) ?? '');
    if (playsScripts) all.update(scripts);
    return all.digest('hex');
  };
}

function scriptHash(folder: string): string {
  if (!existsSync(folder)) return '';
  const all = createHash('sha256');
  for (const name of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
    if (name.endsWith('.pkt')) all.update(name).update(readFileSync(join(folder, name)));
  }
  return all.digest('hex');
}
