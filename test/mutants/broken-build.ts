// Makes the build in which every mutant waits behind its switch: a copy of `dist/` beside it.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { instrument } from './instrument.js';
import { findPoints, type Mutant } from './points.js';

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
  /** Those that hold mutants. */
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
 * @param root where the copy goes; emptied before
 * @param isBroken which files of `src/`, named as `tcp/output`, get mutants
 * @param tools where this program itself lies, compiled; by default in the copy
 * @param isJudge which test files, named as `rfc9293/reset`, may judge; those that cannot are left out anyway
 */
export function writeBrokenBuild(
  dist: string,
  root: string,
  isBroken: (file: string) => boolean,
  isJudge: (file: string) => boolean,
  tools: string = join(root, 'test/mutants'),
): BrokenBuild {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  for (const folder of ['src', 'test']) {
    cpSync(join(dist, folder), join(root, folder), {
      recursive: true,
      filter: (path) => !/\.(d\.ts|map)$/.test(path),
    });
  }
  const here = (name: string) => pathToFileURL(join(tools, name)).href;
  const mutants: PlacedMutant[] = [];
  const files: string[] = [];
  for (const path of scripts(join(root, 'src'))) {
    const file = relative(join(root, 'src'), path).replace(/\.js$/, '');
    if (!isBroken(file)) continue;
    files.push(path);
    const text = readFileSync(path, 'utf8');
    const { program, points } = findPoints(file, text);
    writeFileSync(path, instrument(text, program, points, mutants.length, here('switch.js')));
    const lineAt = lines(text, join(dist, 'src', `${file}.js.map`));
    for (const point of points) {
      for (const mutant of point.mutants) mutants.push({ ...mutant, line: lineAt(mutant.at) });
    }
  }
  const testFiles = scripts(join(root, 'test')).filter((path) => {
    const file = relative(join(root, 'test'), path);
    if (!file.endsWith('.test.js') || NO_JUDGES.test(file)) return false;
    return isJudge(file.replace(/\.test\.js$/, '')) && !WANTS_MORE.test(readFileSync(path, 'utf8'));
  });
  // A part of the library registers cases as well: what makes a test of a script.
  for (const path of [...testFiles, ...scripts(join(root, 'src/drill'))]) {
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll(/(['"])node:test\1/g, JSON.stringify(here('collect.js'))));
  }
  return { worker: join(tools, 'worker.js'), mutants, files, testFiles };
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
