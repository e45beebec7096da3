// The addresses that a stack owns, and what other addresses are to it: broadcast, multicast, martian, on-link. No routes:
// everything that is not ours leaves by the link.
import { IpAddress } from '../wire/address.js';
import { systemError } from './errors.js';

/** An address with the prefix around it. */
export interface Prefix {
  readonly address: IpAddress;
  /** Bits of the prefix, counted in 128: an IPv4 `/24` is 120. */
  readonly prefixBits: number;
}

/** Addresses of the loopback net that are remembered. */
const MAX_LOOPBACKS = 1024;

/** A stack's own addresses, in the order in which they were given. */
export class LocalAddresses {
  private owned: readonly Prefix[];
  /** All that were ever given, in their order. */
  private readonly given: readonly Prefix[];
  /** Addresses of 127.0.0.0/8 that were asked for, when one of them was given: all of the net is the host itself. */
  private readonly loopbacks: Map<number, IpAddress> | null;

  /**
   * @param texts such as `10.9.0.2/24` or `fd00:9::2/64`; without a prefix length the address stands alone, and
   *   `127.0.0.1/8` means all of its net
   * @throws Error with code EINVAL for text that is no address, or an address that no host can have
   */
  constructor(texts: readonly string[]) {
    this.given = texts.map(parseOwned);
    this.owned = this.given;
    const hasLoopback = this.owned.some(({ address: { w0, w1, w2, w3 }, prefixBits }) => {
      return prefixBits === 96 + 8 && isLoopback(w0, w1, w2, w3);
    });
    this.loopbacks = hasLoopback ? new Map() : null;
  }

  /** Takes an address away: it is not ours, or not yet. Null when it was not among ours. */
  withdraw(address: IpAddress): Prefix | null {
    const found = this.owned.find((own) => own.address.equals(address)) ?? null;
    this.owned = this.owned.filter((own) => own !== found);
    return found;
  }

  /** Gives back what `withdraw` took, to its place among the others. */
  restore(own: Prefix): void {
    this.owned = this.given.filter((other) => other === own || this.owned.includes(other));
  }

  /** Length, in bits of 128, of our longest prefix that has the address in it; -1 when none has. */
  longestPrefix(address: IpAddress): number {
    let longest = -1;
    for (const own of this.owned) {
      if (own.address.family === address.family && inPrefix(address, own)) {
        longest = Math.max(longest, own.prefixBits);
      }
    }
    return longest;
  }

  /** All addresses. */
  list(): IpAddress[] {
    return this.owned.map((own) => own.address);
  }

  /** Our address with these words, or null when it is not ours. */
  find(w0: number, w1: number, w2: number, w3: number): IpAddress | null {
    for (let i = 0; i < this.owned.length; i++) {
      const a = this.owned[i]!.address;
      if (a.w3 === w3 && a.w2 === w2 && a.w1 === w1 && a.w0 === w0) return a;
    }
    if (this.loopbacks === null || w2 !== 0xffff || !isLoopback(w0, w1, w2, w3)) return null;
    return this.findLoopback(this.loopbacks, w3);
  }

  private givenLoopbackFor(own: IpAddress): IpAddress {
    if (own.family === 6 || !isLoopback(own.w0, own.w1, own.w2, own.w3)) return own;
    return this.owned.find((each) => inPrefix(own, each))?.address ?? own;
  }

  /** RFC 1122 §3.2.1.3: 127.0.0.0/8 is the host itself, whatever stands in the last three bytes. */
  private findLoopback(loopbacks: Map<number, IpAddress>, bits: number): IpAddress | null {
    const hostBits = bits & 0xffffff;
    if (hostBits === 0 || hostBits === 0xffffff) return null;
    let address = loopbacks.get(bits);
    if (address === undefined) {
      // Everybody in this process may ask for any of 16 million.
      if (loopbacks.size >= MAX_LOOPBACKS) loopbacks.clear();
      address = IpAddress.v4(bits);
      loopbacks.set(bits, address);
    }
    return address;
  }

  /** Whether `address` is ours. */
  owns(address: IpAddress): boolean {
    return this.find(address.w0, address.w1, address.w2, address.w3) !== null;
  }

  /** Whether the address is the limited broadcast, or the broadcast or network address of one of our subnets. */
  isBroadcast(w0: number, w1: number, w2: number, w3: number): boolean {
    if ((w0 | w1) !== 0 || w2 !== 0xffff) return false;
    if (w3 === -1) return true;
    for (let i = 0; i < this.owned.length; i++) {
      const { address, prefixBits } = this.owned[i]!;
      const hostBits = 128 - prefixBits;
      // A /31 or /32 has no broadcast address (RFC 3021).
      if (address.w2 !== 0xffff || (address.w0 | address.w1) !== 0 || hostBits < 2 || hostBits > 30) continue;
      const mask = -1 << hostBits;
      if ((w3 & mask) !== (address.w3 & mask)) continue;
      const host = w3 & ~mask;
      if (host === 0 || host === ~mask) return true;
    }
    return false;
  }

  /**
   * Whether no packet from the outside may bear this source (RFC 1122 §3.2.1.3, RFC 9293 MUST-63): broadcast, multicast,
   * unspecified, loopback, reserved, or our own (ATTACKS: LAND).
   */
  isMartianSource(w0: number, w1: number, w2: number, w3: number): boolean {
    if (isNeverASource(w0, w1, w2, w3) || isLoopback(w0, w1, w2, w3)) return true;
    return this.find(w0, w1, w2, w3) !== null || this.isBroadcast(w0, w1, w2, w3);
  }

  /** Whether a connection to this address can be asked for (RFC 9293 MUST-46). */
  isValidRemote(address: IpAddress): boolean {
    const { w0, w1, w2, w3 } = address;
    return !isNeverASource(w0, w1, w2, w3) && !this.isBroadcast(w0, w1, w2, w3);
  }

  /**
   * Our address for packets to `remote` (RFC 9293 MUST-44): itself when it is ours (of the loopback net the one that was
   * given, as on Linux), else the one with the longest prefix
   * around it, else the first of its family that is not a loopback address. Null when there is none.
   */
  sourceFor(remote: IpAddress): IpAddress | null {
    const own = this.find(remote.w0, remote.w1, remote.w2, remote.w3);
    if (own !== null) return this.loopbacks === null ? own : this.givenLoopbackFor(own);
    if (isLoopback(remote.w0, remote.w1, remote.w2, remote.w3)) return null;
    let best: Prefix | null = null;
    let bestBits = -1;
    for (const candidate of this.owned) {
      const { address } = candidate;
      if (address.family !== remote.family || isLoopback(address.w0, address.w1, address.w2, address.w3)) {
        continue;
      }
      const bits = inPrefix(remote, candidate) ? candidate.prefixBits : 0;
      if (bits > bestBits) {
        best = candidate;
        bestBits = bits;
      }
    }
    return best === null ? null : best.address;
  }
}

/** 224.0.0.0/4 or ff00::/8. */
export function isMulticast(w0: number, w1: number, w2: number, w3: number): boolean {
  if ((w0 | w1) === 0 && w2 === 0xffff) return w3 >>> 28 === 14;
  return w0 >>> 24 === 0xff;
}

/** 127.0.0.0/8 or ::1. */
export function isLoopback(w0: number, w1: number, w2: number, w3: number): boolean {
  if ((w0 | w1) !== 0) return false;
  return w2 === 0xffff ? w3 >>> 24 === 127 : w2 === 0 && w3 === 1;
}

/** Multicast, unspecified or "this network" 0.0.0.0/8, and the reserved 240.0.0.0/4 with the limited broadcast. */
function isNeverASource(w0: number, w1: number, w2: number, w3: number): boolean {
  if (isMulticast(w0, w1, w2, w3)) return true;
  if ((w0 | w1) !== 0) return false;
  if (w2 === 0xffff) return w3 >>> 24 === 0 || w3 >>> 28 === 15;
  return (w2 | w3) === 0;
}

/** Whether the address lies in the prefix; families are told apart by prefixes longer than 96 bits. */
export function inPrefix(address: IpAddress, { address: own, prefixBits }: Prefix): boolean {
  return (
    prefixEqual(address.w0, own.w0, prefixBits) &&
    prefixEqual(address.w1, own.w1, prefixBits - 32) &&
    prefixEqual(address.w2, own.w2, prefixBits - 64) &&
    prefixEqual(address.w3, own.w3, prefixBits - 96)
  );
}

function prefixEqual(a: number, b: number, bits: number): boolean {
  if (bits <= 0) return true;
  return bits >= 32 ? a === b : (a ^ b) >>> (32 - bits) === 0;
}

function parseOwned(text: string): Prefix {
  const own = parsePrefix(text, 'address');
  const { w0, w1, w2, w3 } = own.address;
  if (isNeverASource(w0, w1, w2, w3)) {
    throw systemError('EINVAL', 'address', text, undefined, 'no host can own this address');
  }
  return own;
}

/**
 * Parses an address and the length of its prefix; without one it stands alone.
 * @param what what is being parsed, for the error
 * @throws Error with code EINVAL for text that is not that
 */
export function parsePrefix(text: string, what = 'route'): Prefix {
  const [addressText, lengthText, ...rest] = text.split('/');
  const address = IpAddress.parse(addressText!);
  if (address === null || rest.length > 0) {
    throw systemError('EINVAL', what, text, undefined, 'write it as 10.9.0.2/24 or fd00:9::2/64');
  }
  const width = address.family === 4 ? 32 : 128;
  const length = lengthText === undefined ? width : Number(lengthText);
  if (!/^\d{1,3}$/.test(lengthText ?? '0') || length > width) {
    throw systemError('EINVAL', what, text, undefined, `the prefix length must be 0 to ${width}`);
  }
  return { address, prefixBits: 128 - width + length };
}
