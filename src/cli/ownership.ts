// Who made what: one small JSON file for every running `synwave` that made or uses a namespace. Nothing is ever
// removed that no such file claims, and nothing while the process that claims it lives.
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTimeOf } from '../native/process-identity.js';

/** The claim of one run. */
export interface Marker {
  readonly version: 1;
  /** Namespace that it works in. */
  readonly netns: string;
  /** Whether it made that namespace, and so removes it. */
  madeNamespace: boolean;
  /** Network devices that it made in it. */
  devices: string[];
  /** The process, or 0 for what `synwave up` leaves standing until `synwave down`. */
  readonly pid: number;
  /** Start time of that process in clock ticks since boot, which tells it from a later one of the same number. */
  readonly startTime: string;
  /** Boot in which this was written. */
  readonly bootId: string;
  readonly verb: string;
  /** True when the process lives in a user namespace of its own, through which `synwave sh` must go. */
  readonly userNamespace: boolean;
}

/** A marker with its place on disk. */
export interface MarkerFile {
  readonly path: string;
  readonly marker: Marker;
}

/** Environment variable that names the folder of the markers, in place of the usual one. */
export const RUNTIME_VARIABLE = 'SYNWAVE_RUNTIME_DIR';

/** Environment variable that is set for runs inside a user namespace of their own. */
export const USER_NAMESPACE_VARIABLE = 'SYNWAVE_USER_NAMESPACE';

/** Folder of the markers: of the system for root, of the user otherwise. */
export function runtimeDirectory(): string {
  const given = process.env[RUNTIME_VARIABLE];
  if (given !== undefined && given !== '') return given;
  const uid = process.getuid?.() ?? 0;
  if (uid === 0 && isWritable('/run')) return '/run/synwave';
  const own = process.env.XDG_RUNTIME_DIR;
  if (own !== undefined && own !== '' && isWritable(own)) return join(own, 'synwave');
  return join(tmpdir(), `synwave-${uid}`);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function currentBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** Whether the claim still stands: its process runs, or `up` made it in this boot. */
export function isAlive(marker: Marker): boolean {
  if (marker.bootId !== currentBootId()) return false;
  return marker.pid === 0 || startTimeOf(marker.pid) === marker.startTime;
}

/** A claim of this process (or of `up`, which outlives it), not on disk yet. */
export function newMarker(netns: string, verb: string, lasting: boolean): Marker {
  return {
    version: 1,
    netns,
    madeNamespace: false,
    devices: [],
    pid: lasting ? 0 : process.pid,
    startTime: lasting ? '' : (startTimeOf(process.pid) ?? ''),
    bootId: currentBootId(),
    verb,
    userNamespace: process.env[USER_NAMESPACE_VARIABLE] === '1',
  };
}

/** Writes a claim; an earlier one of the same process and namespace is replaced. */
export function writeMarker(marker: Marker): string {
  const directory = runtimeDirectory();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${marker.netns}.${marker.pid === 0 ? 'up' : marker.pid}.json`);
  writeFileSync(path, `${JSON.stringify(marker)}\n`, { mode: 0o600 });
  return path;
}

/** Takes a claim back. */
export function removeMarker(path: string): void {
  rmSync(path, { force: true });
}

/** All claims on this machine, of the living and the dead. Files that are not ours are passed over. */
export function readMarkers(): MarkerFile[] {
  const directory = runtimeDirectory();
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  const found: MarkerFile[] = [];
  for (const name of names.sort()) {
    if (!name.endsWith('.json')) continue;
    const path = join(directory, name);
    const marker = parseMarker(path);
    if (marker !== null) found.push({ path, marker });
  }
  return found;
}

function parseMarker(path: string): Marker | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Marker> | null;
    const isMarker =
      value?.version === 1 &&
      typeof value.netns === 'string' &&
      typeof value.pid === 'number' &&
      Array.isArray(value.devices);
    return isMarker ? (value as Marker) : null;
  } catch {
    return null;
  }
}
