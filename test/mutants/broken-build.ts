// Makes two builds, copies of `dist/` beside it: one in which every mutant waits behind its switch, and one that tells which
// of them would change anything.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'acorn';
import { hasher } from './hash.js';
import { instrument } from './instrument.js';
import { findPoints, type Mutant } from './points.js';
import { Purity } from './purity.js';
import { watched } from './watched.js';

/** A mutant with its place in the TypeScript source. */
export interface PlacedMutant extends Mutant {
  /** Line in `src/<file>.ts`, from 1. */
  readonly line: number;
}

/** The build, ready for workers. */
export interface BrokenBuild {
  /** The program of the processes that judge. */
  readonly worker: string;
  /** In the order of their numbers. */
  readonly mutants: readonly PlacedMutant[];
  /** The tests that judge, as `rfc9293/reset`. */
  readonly testNames: readonly string[];
  readonly broken: Copy;
  readonly watched: Copy;
  /** Changes with anything that a test depends on. */
  hashOf(testName: string): string;
}

/** Paths in one of the copies. */
interface Copy {
  /** Files that hold mutants. */
  readonly files: readonly string[];
  readonly testFiles: readonly string[];
}

/** Tests that do not judge: they need devices, start programs, measure memory, or are about the mutants themselves. */
const NO_JUDGES =
  /^(mutants|conformance|interop|native|cli|net|net-parity|programs|lab|dashboard)\/|^link\/(tun|ethernet|raw)|allocation\.test\.js$/;
/** Nor those that use more of node:test than cases: hooks, or the context of a test. */
const WANTS_MORE =
  /\bt\.(after|before|mock|test|signal)\b|\b(before|after|beforeEach|afterEach|mock)\b[^;]*from 'node:test'/;

/**
 * Writes the build.
 * @param dist what `tsc` made
 * @param root where the copies go, with `-broken` and `-watched` behind the name; emptied before
 * @param isBroken which files of `src/`, named as `tcp/output`, get mutants
 * @param tools where this program itself lies, compiled; by default in the copy
 * @param isJudge which test files, named as `rfc9293/reset`, may judge; those that cannot are left out anyway
 */
export function writeBrokenBuild(
  dist: string,
  root: string,
  isBroken: (file: string) => boolean,
  isJudge: (file: string) => boolean,
  tools: string = join(`${root}-broken`, 'test/mutants'),
): BrokenBuild {
  removeBroken(root);
  const src = join(dist, 'src');
  const sources = scripts(src).map((path) => ({
    file: relative(src, path).replace(/\.js$/, ''),
    text: readFileSync(path, 'utf8'),
  }));
  const purity = new Purity(
    sources.map(({ text }) => parse(text, { ecmaVersion: 2022, sourceType: 'module', allowHashBang: true })),
  );
  const testNames = scripts(join(dist, 'test'))
    .filter((path) => path.endsWith('.test.js') && !WANTS_MORE.test(readFileSync(path, 'utf8')))
    .map((path) => relative(join(dist, 'test'), path).replace(/\.test\.js$/, ''))
    .filter((name) => !NO_JUDGES.test(name) && isJudge(name));
  const here = (name: string) => pathToFileURL(join(tools, name)).href;
  const copies = copiesAt(root);
  for (const copy of Object.values(copies)) copyOf(dist, copy, testNames, here('collect.js'));

  const mutants: PlacedMutant[] = [];
  const files = sources.filter(({ file }) => isBroken(file));
  for (const { file, text } of files) {
    const { program, points } = findPoints(file, text);
    const first = mutants.length;
    const name = join('src', `${file}.js`);
    writeFileSync(join(copies.broken, name), instrument(text, program, points, first, here('switch.js')));
    writeFileSync(
      join(copies.watched, name),
      watched(text, program, points, first, here('watch.js'), purity),
    );
    const lineAt = lines(text, join(src, `${file}.js.map`));
    for (const point of points) {
      for (const mutant of point.mutants) mutants.push({ ...mutant, line: lineAt(mutant.at) });
    }
  }
  const pathsIn = (copy: string): Copy => ({
    files: files.map(({ file }) => join(copy, 'src', `${file}.js`)),
    testFiles: testNames.map((name) => join(copy, 'test', `${name}.test.js`)),
  });
  return {
    worker: join(tools, 'worker.js'),
    mutants,
    testNames,
    broken: pathsIn(copies.broken),
    watched: pathsIn(copies.watched),
    hashOf: hasher(
      dist,
      files.map(({ file }) => join(src, `${file}.js`)),
    ),
  };
}

/** Removes what `writeBrokenBuild` has written. */
export function removeBroken(root: string): void {
  for (const copy of Object.values(copiesAt(root))) rmSync(copy, { recursive: true, force: true });
}

/** The copies are as deep in the folders as `dist`, because tests read files beside it. */
function copiesAt(root: string) {
  return { broken: `${root}-broken`, watched: `${root}-watched` };
}

/** A copy in which the tests, and what makes a test of a script, register their cases at `collector`. */
function copyOf(dist: string, copy: string, testNames: readonly string[], collector: string): void {
  mkdirSync(copy, { recursive: true });
  for (const folder of ['src', 'test']) {
    cpSync(join(dist, folder), join(copy, folder), {
      recursive: true,
      filter: (path) => !/\.(d\.ts|map)$/.test(path),
    });
  }
  const testFiles = testNames.map((name) => join(copy, 'test', `${name}.test.js`));
  for (const path of [...testFiles, ...scripts(join(copy, 'src/drill'))]) {
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll(/(['"])node:test\1/g, JSON.stringify(collector)));
  }
}

function scripts(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.js'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** From an offset in the JavaScript to the line in the TypeScript. */
function lines(text: string, mapFile: string): (offset: number) => number {
  const map = existsSync(mapFile) ? new SourceMap(JSON.parse(readFileSync(mapFile, 'utf8'))) : null;
  return (offset) => {
    const before = text.slice(0, offset).split('\n');
    if (map === null) return before.length;
    const entry = map.findEntry(before.length - 1, before.at(-1)!.length);
    return 'originalLine' in entry ? entry.originalLine + 1 : before.length;
  };
}
