// Where the project's own packetdrill scripts are, and what their headers must say.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageRoot } from '../../src/native/load.js';

/** Folder of the scripts, with one folder for each topic. */
export const SCRIPTS = join(packageRoot(), 'test', 'drill');

/** All scripts, sorted, as paths below `SCRIPTS`. */
export function scriptPaths(): string[] {
  return readdirSync(SCRIPTS, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.pkt'))
    .map((entry) => relative(SCRIPTS, join(entry.parentPath, entry.name)))
    .sort();
}
