// Network namespaces: made when missing, shared by runs that overlap, removed by the last run that has a claim to
// them. The host's own interfaces are never touched.
import { existsSync, readlinkSync } from 'node:fs';
import { mustRun, run } from './command.js';
import { environmentError } from './failure.js';
import type { Lifetime } from './lifetime.js';
import {
  isAlive,
  type Marker,
  type MarkerFile,
  newMarker,
  readMarkers,
  removeMarker,
  writeMarker,
} from './ownership.js';

/** The word that stands for the namespace in which the process already is. */
export const HOST = 'host';

/** Path that names a namespace for `nsenter` and `setns`. */
export function namespacePath(name: string): string {
  return `/run/netns/${name}`;
}

/** The same for links, which take nothing for the current namespace. */
export function namespaceFile(name: string): string | undefined {
  return name === HOST ? undefined : namespacePath(name);
}

/** Whether `ip netns` knows the name. */
export function namespaceExists(name: string): boolean {
  return existsSync(namespacePath(name));
}

/** The words that run a command in a namespace. */
export function inNamespace(name: string, argv: readonly string[]): string[] {
  return name === HOST ? [...argv] : ['nsenter', `--net=${namespacePath(name)}`, '--', ...argv];
}

/** `ip` in a namespace. */
export function ipIn(name: string, ...args: string[]): string[] {
  return name === HOST ? ['ip', ...args] : ['ip', '-n', name, ...args];
}

/** True when the process is in the machine's first network namespace, as far as it may know. */
export function isMachineNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/net') === readlinkSync('/proc/1/ns/net');
  } catch {
    // Without the right to look at process 1 we are inside a container or a user namespace.
    return false;
  }
}

/** A namespace in use by this run. */
export interface Claim {
  readonly netns: string;
  /** True when this run has to remove it. */
  readonly made: boolean;
  /** Notes a device that this run makes in it. */
  addDevice(name: string): void;
}

/**
 * Makes the namespace unless it is there, with its loopback up, and registers its removal with `life`.
 * A namespace left behind by a run that died is taken over.
 * @throws CliFailure when the kernel does not allow it
 */
export function claimNamespace(netns: string, verb: string, life: Lifetime): Claim {
  const marker = newMarker(netns, verb, false);
  if (netns === HOST) return { netns, made: false, addDevice: () => {} };
  const path = makeNamespace(marker);
  const release = () => releaseNamespace(marker, path);
  life.defer(`namespace ${netns}`, release, release);
  return {
    netns,
    made: marker.madeNamespace,
    addDevice: (name) => {
      marker.devices.push(name);
      writeMarker({ ...marker, madeNamespace: onDisk(marker, path).madeNamespace });
    },
  };
}

/** As `claimNamespace`, for `up`: what it makes stays until `down`. Returns the marker, already on disk. */
export function claimLasting(netns: string): Marker {
  const marker = newMarker(netns, 'up', true);
  makeNamespace(marker);
  return marker;
}

function makeNamespace(marker: Marker): string {
  const { netns } = marker;
  const claims = readMarkers().filter((file) => file.marker.netns === netns);
  if (namespaceExists(netns)) {
    const maker = claims.find((file) => file.marker.madeNamespace);
    marker.madeNamespace = maker !== undefined && !isAlive(maker.marker);
    if (marker.madeNamespace) removeMarker(maker!.path);
    return writeMarker(marker);
  }
  // The claim comes first: a run that is killed between the two lines leaves a claim without a namespace, never a
  // namespace without a claim.
  marker.madeNamespace = true;
  const path = writeMarker(marker);
  const added = run(['ip', 'netns', 'add', netns]);
  if (added.status !== 0) {
    if (!/File exists/.test(added.stderr)) {
      removeMarker(path);
      throw environmentError(
        `cannot make the network namespace ${netns}: ${added.stderr}`,
        'run as root; inside `unshare -Urn` add --netns host; `synwave doctor` tells more',
      );
    }
    marker.madeNamespace = false;
    writeMarker(marker);
    return path;
  }
  mustRun(ipIn(netns, 'link', 'set', 'lo', 'up'));
  return path;
}

/** Gives a claim up. The namespace goes with its last claim; with others alive, one of them inherits it. */
function releaseNamespace(own: Marker, path: string): void {
  const marker = onDisk(own, path);
  if (!marker.madeNamespace) {
    removeMarker(path);
    return;
  }
  const heir = readMarkers().find(
    (file) => file.path !== path && file.marker.netns === marker.netns && isAlive(file.marker),
  );
  if (heir !== undefined) {
    writeMarker({ ...heir.marker, madeNamespace: true });
    removeMarker(path);
    return;
  }
  removeNamespace(marker.netns);
  removeMarker(path);
}

/** A run that ended before may have made this one its heir: the file knows, the memory does not. */
function onDisk(marker: Marker, path: string): Marker {
  return readMarkers().find((file) => file.path === path)?.marker ?? marker;
}

function removeNamespace(netns: string): void {
  if (!namespaceExists(netns)) return;
  mustRun(['ip', 'netns', 'del', netns], `remove it by hand: ip netns del ${netns}`);
}

/** Removes what a claim names, then the claim. Used by `down` and `clean`. Returns what was removed, in words. */
export function removeClaimed(file: MarkerFile): string[] {
  const { marker, path } = file;
  const removed: string[] = [];
  if (namespaceExists(marker.netns)) {
    const others = readMarkers().filter(
      (other) => other.path !== path && other.marker.netns === marker.netns && isAlive(other.marker),
    );
    if (marker.madeNamespace && others.length === 0) {
      removeNamespace(marker.netns);
      removed.push(`namespace ${marker.netns}`);
    } else {
      for (const device of marker.devices) {
        if (run(ipIn(marker.netns, 'link', 'del', device)).status === 0) {
          removed.push(`device ${device} in ${marker.netns}`);
        }
      }
      if (marker.madeNamespace) writeMarker({ ...others[0]!.marker, madeNamespace: true });
    }
  }
  removeMarker(path);
  return removed;
}
