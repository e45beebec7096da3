// `synwave clean`: removes what runs left behind that were killed. Only things that carry our claim, and only when
// the process that claimed them is dead.
import { readdirSync } from 'node:fs';
import { findGuards, removeGuardTable } from '../link/raw-guard.js';
import { ExitCode } from './failure.js';
import { HOST, namespaceFile, removeClaimed } from './namespace.js';
import { isOn } from './options.js';
import { isAlive, type MarkerFile, readMarkers } from './ownership.js';
import { removeDeadTaps } from './tap-server.js';
import type { Verb } from './verb.js';

/** The claims whose process has ended without taking them back. */
export function leftovers(): MarkerFile[] {
  return readMarkers().filter((file) => !isAlive(file.marker));
}

/** The guard of a raw link whose process has ended without taking it away. */
export interface LeftGuard {
  readonly table: string;
  readonly pid: number;
  /** Name of the namespace, `host` for the current one. */
  readonly netns: string;
}

/** Such guards in this namespace and in all that have a name. */
export function leftGuards(): LeftGuard[] {
  // By name of the table: the current namespace may have a name as well.
  const found = new Map<string, LeftGuard>();
  for (const netns of [...namespaceNames(), HOST]) {
    for (const { table, pid, isAlive } of findGuards(namespaceFile(netns))) {
      if (!isAlive) found.set(table, { table, pid, netns });
    }
  }
  return [...found.values()];
}

/** Removes one. Returns what was removed, in words. */
export function removeGuard({ table, netns }: LeftGuard): string[] {
  if (!removeGuardTable(table, namespaceFile(netns))) return [];
  return [`nftables table ${table}${netns === HOST ? '' : ` in ${netns}`}`];
}

function namespaceNames(): string[] {
  try {
    return readdirSync('/run/netns').sort();
  } catch {
    return [];
  }
}

/** `synwave clean`. */
export const clean: Verb = {
  name: 'clean',
  summary: 'remove what killed runs left behind',
  usage: '',
  description: `
A run that is killed by SIGKILL cannot remove its namespace, nor the firewall table of a raw link. This does: it reads
the claims under /run/synwave and the names of the tables, compares process number and start time with what runs now, and
removes only what belongs to the dead. What \`synwave up\` made
stays; \`synwave down\` removes that.`,
  options: {},
  json: { prints: 'what was removed' },
  needs: 'nothing',
  async run({ args, terminal }) {
    // The tables first: with its namespace a table is gone, and could not be told of.
    const guards = leftGuards().flatMap(removeGuard);
    const removed = [...guards, ...leftovers().flatMap(removeClaimed)];
    removeDeadTaps();
    terminal.say(removed.length === 0 ? 'nothing to remove' : `removed ${removed.join(', ')}`);
    if (isOn(args.values, 'json')) terminal.document({ removed });
    return ExitCode.OK;
  },
};
