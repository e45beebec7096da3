// The ports of a new raw link, chosen so that neither the kernel nor another link of the same address has them.
import { loadBinding } from '../native/load.js';
import type { IpAddress } from '../wire/address.js';
import { RawError } from './raw-errors.js';
import { guardedPorts } from './raw-guard.js';
import {
  conflictWith,
  ephemeralBeside,
  formatRanges,
  type KernelSocket,
  kernelEphemeralRange,
  kernelSockets,
  type Range,
  RawPorts,
  shareOf,
  socketsOn,
} from './raw-ports.js';

/**
 * @param owned those of the link's addresses that the kernel has, too
 * @param named ports that the user wants
 * @param netns path of the network namespace; undefined for the caller's own
 * @throws RawError `ERR_SYNWAVE_RAW_PORT` when one of them is taken, or nothing is left for connections
 */
export function chooseRawPorts(
  owned: readonly IpAddress[],
  named: readonly Range[],
  netns: string | undefined,
): RawPorts {
  const { sockets, others } = usersOf(owned, netns);
  const reason = portConflict(sockets, others, named);
  if (reason !== null) throw new RawError('ERR_SYNWAVE_RAW_PORT', reason);
  const beside = ephemeralBeside(within(netns, kernelEphemeralRange));
  const claimed = others.map(({ range }) => range);
  const ephemeral = shareOf(beside, claimed);
  if (ephemeral === null) {
    const message = 'other raw links of this address have all ports for connections. End one of them.';
    throw new RawError('ERR_SYNWAVE_RAW_PORT', message);
  }
  const taken = sockets.map(({ port }) => port);
  return new RawPorts(named, ephemeral, taken);
}

/** Ports that another raw link has. */
interface ForeignRange {
  readonly pid: number;
  readonly range: Range;
}

/** Who has ports of these addresses. */
export function usersOf(
  owned: readonly IpAddress[],
  netns: string | undefined,
): { sockets: readonly KernelSocket[]; others: readonly ForeignRange[] } {
  if (owned.length === 0) return { sockets: [], others: [] };
  return { sockets: socketsOn(owned, within(netns, kernelSockets)), others: guardedPorts(owned, netns) };
}

/** Why these ports cannot be had, with what to do about it; null when they can. */
export function portConflict(
  sockets: readonly KernelSocket[],
  others: readonly ForeignRange[],
  named: readonly Range[],
): string | null {
  const conflict = conflictWith(sockets, named);
  if (conflict !== null) {
    const { port, isListening } = conflict;
    return (
      `a program of this host ${isListening ? 'listens on' : 'has a connection at'} TCP port ${port}, and its kernel ` +
      `would answer as well. Stop it (ss -tnap 'sport = :${port}' shows it), or choose another port.`
    );
  }
  const rival = others.find(({ range }) => named.some((own) => overlap(own, range)));
  if (rival === undefined) return null;
  return (
    `another raw link of this address (process ${rival.pid}) has TCP ports ${formatRanges([rival.range])}, and both would ` +
    'answer. End it, or choose another port.'
  );
}

function overlap(a: Range, b: Range): boolean {
  return a.first <= b.last && b.first <= a.last;
}

function within<T>(netns: string | undefined, body: () => T): T {
  return netns === undefined ? body() : loadBinding().inNamespace(netns, body);
}
