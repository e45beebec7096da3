// Which TCP ports a raw link takes for its stack, and whether the kernel has any of them in use.
import { readFileSync } from 'node:fs';
import type { LocalPorts } from '../stack/link.js';
import { IpAddress } from '../wire/address.js';

const MAX_PORT = 65_535;
/** Ports that only privileged programs use; none of them becomes an ephemeral one. */
const FIRST_UNPRIVILEGED = 1024;
/** What Linux has unless somebody changed it. */
const USUAL_KERNEL_RANGE = { first: 32_768, last: 60_999 };

/** A range of ports, both ends included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * The ports of a link: those that its user named, and a range for connections from any port, of which the kernel may
 * have some already.
 */
export class RawPorts implements LocalPorts {
  readonly remedy =
    'the link shares its address with the kernel: name the port when opening it, rawLink({ ports: [80] })';
  /** All of them, in order, without overlap. */
  readonly ranges: readonly Range[];
  private readonly members = new Uint8Array(MAX_PORT + 1);

  constructor(
    named: readonly Range[],
    readonly ephemeral: Range,
    taken: readonly number[] = [],
  ) {
    this.members.fill(1, ephemeral.first, ephemeral.last + 1);
    for (const port of taken) this.members[port] = 0;
    for (const { first, last } of named) this.members.fill(1, first, last + 1);
    this.ranges = rangesOf(this.members);
  }

  has(port: number): boolean {
    return this.members[port] === 1;
  }
}

function rangesOf(members: Uint8Array): Range[] {
  const ranges: Range[] = [];
  for (let first = members.indexOf(1); first >= 0; ) {
    const end = members.indexOf(0, first);
    const last = end < 0 ? MAX_PORT : end - 1;
    ranges.push({ first, last });
    first = end < 0 ? -1 : members.indexOf(1, end);
  }
  return ranges;
}

/**
 * Reads ports as users give them: numbers, and texts such as `8000-8010`.
 * @throws RangeError `ERR_OUT_OF_RANGE`
 */
export function parsePorts(given: readonly (number | string)[]): Range[] {
  return given.map((item) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(item));
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (first >= 1 && first <= last && last <= MAX_PORT) return { first, last };
    const error = new RangeError(
      `ports: ${JSON.stringify(item)} is neither a port (1 to 65535) nor a range such as "8000-8010"`,
    );
    throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
  });
}

/** `7,8000-8010`, as nftables and people write it. */
export function formatRanges(ranges: readonly Range[], dash = '-', comma = ', '): string {
  return ranges
    .map(({ first, last }) => (first === last ? `${first}` : `${first}${dash}${last}`))
    .join(comma);
}

/** The larger of the two ranges of unprivileged ports that the kernel does not choose from for its own connections. */
export function ephemeralBeside(kernel: Range): Range {
  const below = { first: FIRST_UNPRIVILEGED, last: kernel.first - 1 };
  const above = { first: kernel.last + 1, last: MAX_PORT };
  const size = ({ first, last }: Range) => last - first + 1;
  // What lies below holds the well-known ports of servers: enough room above is better.
  if (size(above) >= 1024 || size(above) >= size(below)) return above;
  return below;
}

/**
 * The larger half of the largest gap that other links leave in a range: the next link finds room as well.
 * @returns null when nothing is left
 */
export function shareOf(range: Range, claimed: readonly Range[]): Range | null {
  const free = new Uint8Array(MAX_PORT + 1);
  free.fill(1, range.first, range.last + 1);
  for (const { first, last } of claimed) free.fill(0, first, last + 1);
  const size = ({ first, last }: Range) => last - first + 1;
  const [largest] = rangesOf(free).sort((a, b) => size(b) - size(a));
  if (largest === undefined) return null;
  const half = Math.ceil(size(largest) / 2);
  return {
    first: largest.first,
    last: largest.first + Math.max(half, Math.min(LEAST_SHARE, size(largest))) - 1,
  };
}

/** Ports below which a share is not halved. */
const LEAST_SHARE = 256;

/** The ports from which the kernel of the present network namespace chooses for its connections. */
export function kernelEphemeralRange(): Range {
  try {
    const text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
    const [first, last] = text.trim().split(/\s+/).map(Number);
    if (Number.isInteger(first) && Number.isInteger(last)) return { first: first!, last: last! };
  } catch {
    // A /proc that does not show it shows that nobody has changed it.
  }
  return USUAL_KERNEL_RANGE;
}

/** A socket of the kernel. */
export interface KernelSocket {
  /** Its local address; null for any. */
  readonly address: IpAddress | null;
  readonly port: number;
  readonly isListening: boolean;
}

const LISTEN = '0A';
/** TIME-WAIT and CLOSE: nobody uses that port any more. */
const PAST = ['06', '07'];

/** Reads /proc/net/tcp or /proc/net/tcp6. Sockets that have ended are left out. */
export function parseKernelSockets(text: string): KernelSocket[] {
  const sockets: KernelSocket[] = [];
  for (const line of text.split('\n').slice(1)) {
    const [, local = '', , state = ''] = line.trim().split(/\s+/);
    const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local);
    if (match === null || PAST.includes(state)) continue;
    sockets.push({
      address: addressOf(match[1]!),
      port: Number.parseInt(match[2]!, 16),
      isListening: state === LISTEN,
    });
  }
  return sockets;
}

/** The file shows each word of the address as a number of the machine. */
function addressOf(hex: string): IpAddress | null {
  if (/^0*$/.test(hex)) return null;
  const bytes = Buffer.from(hex, 'hex');
  if (LITTLE_ENDIAN) bytes.swap32();
  if (bytes.length === 4) return IpAddress.v4(bytes.readInt32BE(0));
  return new IpAddress(
    bytes.readInt32BE(0),
    bytes.readInt32BE(4),
    bytes.readInt32BE(8),
    bytes.readInt32BE(12),
  );
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** All TCP sockets of the kernel in the network namespace of this thread. */
export function kernelSockets(): KernelSocket[] {
  return ['tcp', 'tcp6'].flatMap((file) => {
    try {
      return parseKernelSockets(readFileSync(`/proc/thread-self/net/${file}`, 'utf8'));
    } catch {
      return []; // A kernel without IPv6 has no tcp6.
    }
  });
}

/** Those of the kernel's sockets that share one of these addresses. */
export function socketsOn(
  addresses: readonly IpAddress[],
  sockets: readonly KernelSocket[] = kernelSockets(),
): KernelSocket[] {
  return sockets.filter(({ address }) => address === null || addresses.some((own) => own.equals(address)));
}

/** The first of the kernel's sockets that has one of these ports, or null. */
export function conflictWith(sockets: readonly KernelSocket[], named: readonly Range[]): KernelSocket | null {
  const isNamed = (port: number) => named.some(({ first, last }) => port >= first && port <= last);
  return sockets.find(({ port }) => isNamed(port)) ?? null;
}
