// Reads the values of command-line options. Each function either returns a checked value or throws a usage error
// that says what would have been right.
import { IpAddress } from '../wire/address.js';
import { usageError } from './failure.js';

/** A port, 1…65535; 0 only where `zero` allows it. */
export function parsePort(text: string, what: string, zero = false): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < (zero ? 0 : 1) || port > 65535) {
    throw usageError(`${what}: "${text}" is not a port`, `ports are ${zero ? 0 : 1} to 65535`);
  }
  return port;
}

/** A whole number within limits. */
export function parseInteger(text: string, what: string, min: number, max: number): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw usageError(`${what}: "${text}" is out of range`, `give a whole number from ${min} to ${max}`);
  }
  return value;
}

const UNIT_MS: Record<string, number> = { '': 1, us: 0.001, ms: 1, s: 1000, m: 60_000, min: 60_000 };

/** A duration such as `30ms`, `1.5s`, `2m`; a bare number takes `defaultUnit`. Returns milliseconds. */
export function parseDuration(text: string, what: string, defaultUnit: 'ms' | 's' = 'ms'): number {
  const match = /^(\d+(?:\.\d+)?)(us|ms|s|m|min)?$/.exec(text);
  if (match === null) throw usageError(`${what}: "${text}" is not a duration`, 'write 30ms, 1.5s or 2m');
  return Number(match[1]) * UNIT_MS[match[2] ?? defaultUnit]!;
}

/** A share such as `2%` or `0.02`. Returns 0…1. */
export function parseShare(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (!(value >= 0 && value <= 1)) {
    throw usageError(`${what}: "${text}" is not a share`, 'write 2% or 0.02, at most 100%');
  }
  return value;
}

const RATE_UNITS: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/** A rate such as `10mbit`, `1.5Mbit/s`, `1g`; a bare number is in bits per second. Returns bits per second. */
export function parseBitRate(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmg]?)(?:bit)?(?:\/s)?$/i.exec(text);
  const value = match === null ? 0 : Number(match[1]) * RATE_UNITS[match[2]!.toLowerCase()]!;
  if (!(value >= 1 && value <= 1e15)) throw usageError(`${what}: "${text}" is not a rate`, 'write 10mbit');
  return value;
}

/** A size such as `150000`, `150k` (thousands) or `64KiB`. Returns bytes. */
export function parseBytes(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:([km])(i?)b?|b)?$/i.exec(text);
  const step = match?.[3] === '' ? 1000 : 1024;
  const value =
    match === null ? 0 : Number(match[1]) * step ** ' km'.indexOf((match[2] ?? ' ').toLowerCase());
  if (!(value >= 1 && value <= 1e12)) throw usageError(`${what}: "${text}" is not a size`, 'write 150k');
  return Math.round(value);
}

/** An address with the length of its network prefix. */
export interface AddressWithPrefix {
  readonly address: IpAddress;
  /** Bits: 0…32 or 0…128. */
  readonly prefix: number;
}

/** `10.9.0.2/24` or `fd00:9::2/64`; without a prefix /24 or /64. */
export function parseAddress(text: string, what: string): AddressWithPrefix {
  const [host = '', bits] = text.split('/', 2);
  const address = IpAddress.parse(host);
  if (address === null) throw usageError(`${what}: "${text}" is not an address`, 'write 10.9.0.2/24');
  const most = address.family === 4 ? 32 : 128;
  const prefix = bits === undefined ? (most === 32 ? 24 : 64) : parseInteger(bits, `${what} prefix`, 0, most);
  return { address, prefix };
}

/** True when both addresses lie in the network that `network` describes. */
export function sameNetwork(network: AddressWithPrefix, other: IpAddress): boolean {
  if (network.address.family !== other.family) return false;
  const skipped = other.family === 4 ? 96 : 0;
  const words = (a: IpAddress) => [a.w0, a.w1, a.w2, a.w3];
  const ours = words(network.address);
  const theirs = words(other);
  for (let bit = skipped; bit < skipped + network.prefix; bit++) {
    const mask = 1 << (31 - (bit & 31));
    if (((ours[bit >> 5]! ^ theirs[bit >> 5]!) & mask) !== 0) return false;
  }
  return true;
}

/**
 * Name of a network interface or namespace.
 * @param most the kernel's limit: 15 for interfaces
 */
export function parseName(text: string, what: string, most: number): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) || text.length > most) {
    throw usageError(
      `${what}: "${text}" is not a usable name`,
      `use letters, digits, dot, dash and underscore, at most ${most} of them`,
    );
  }
  return text;
}

/** `rfc6528` (null) or `fixed` or `fixed:N`: the initial sequence number for every connection, as a uint32. */
export function parseIsn(text: string): number | null {
  if (text === 'rfc6528') return null;
  const match = /^fixed(?::(0x[0-9a-fA-F]{1,8}|\d{1,10}))?$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1] ?? 0x10000000);
  if (!(value <= 0xffffffff)) throw usageError(`--isn: "${text}"`, 'write rfc6528, fixed or fixed:NUMBER');
  return value;
}

/** One of several words. */
export function parseWord<T extends string>(text: string, what: string, words: readonly T[]): T {
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw usageError(`${what}: "${text}"`, `write one of: ${words.join(', ')}`);
  return word;
}

/** `PORT:DIR`, as `--http 80:./site`; a bare directory takes port 80. */
export function parsePortAndDirectory(text: string, what: string): { port: number; directory: string } {
  const match = /^(?:(\d+):)?(.+)$/.exec(text);
  if (match === null) throw usageError(`${what}: "${text}"`, 'write 80:./site');
  return { port: match[1] === undefined ? 80 : parsePort(match[1], what), directory: match[2]! };
}
