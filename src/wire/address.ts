// IP addresses as four int32 words, IPv4 in its IPv4-mapped form, so that both families hash, compare and
// travel alike. Parsing and printing live here; who owns an address does not.

/** An immutable IPv4 or IPv6 address. */
export class IpAddress {
  /**
   * @param w0 bits 127…96 as int32; 0 for IPv4
   * @param w1 bits 95…64; 0 for IPv4
   * @param w2 bits 63…32; 0x0000ffff for IPv4
   * @param w3 bits 31…0; the whole address for IPv4
   */
  constructor(
    readonly w0: number,
    readonly w1: number,
    readonly w2: number,
    readonly w3: number,
  ) {}

  /** An IPv4 address from its 32 bits, network order. */
  static v4(bits: number): IpAddress {
    return new IpAddress(0, 0, 0xffff, bits | 0);
  }

  /** 4 or 6. */
  get family(): 4 | 6 {
    return this.w0 === 0 && this.w1 === 0 && this.w2 === 0xffff ? 4 : 6;
  }

  /** True when both hold the same address. */
  equals(other: IpAddress): boolean {
    return this.w3 === other.w3 && this.w2 === other.w2 && this.w1 === other.w1 && this.w0 === other.w0;
  }

  /**
   * Parses dotted IPv4 or colon-separated IPv6 text (RFC 4291 §2.2), without zone.
   * @returns the address, or null when the text is not one
   */
  static parse(text: string): IpAddress | null {
    return text.includes(':') ? parseV6(text) : parseV4(text);
  }

  /** Dotted IPv4, or IPv6 as RFC 5952 prints it. */
  toString(): string {
    return this.family === 4 ? formatV4(this.w3) : formatV6(this);
  }
}

/** The two ends of a connection as one of them sees it. Ports are 0…65535. */
export interface FourTuple {
  readonly local: IpAddress;
  readonly localPort: number;
  readonly remote: IpAddress;
  readonly remotePort: number;
}

/**
 * The tuple of a connection. No literal: of one whose objects mostly live long, V8 makes the next ones among the old objects, where
 * those of short connections are garbage until a collection of everything.
 */
export class ConnectionTuple implements FourTuple {
  constructor(
    readonly local: IpAddress,
    readonly localPort: number,
    readonly remote: IpAddress,
    readonly remotePort: number,
  ) {}
}

/** `address:port`, with brackets around IPv6. */
export function formatEndpoint(address: IpAddress, port: number): string {
  return address.family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

function parseV4(text: string): IpAddress | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return null;
  let bits = 0;
  for (let i = 1; i <= 4; i++) {
    const part = match[i]!;
    const value = Number(part);
    if (value > 255 || (part.length > 1 && part.startsWith('0'))) return null;
    bits = (bits << 8) | value;
  }
  return IpAddress.v4(bits);
}

function parseV6(text: string): IpAddress | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const word = (i: number) => (groups[i]! << 16) | groups[i + 1]!;
  return new IpAddress(word(0), word(2), word(4), word(6));
}

/** @param atEnd whether the text ends the address: only there may it be dotted (RFC 4291 §2.2, form 3) */
function groupsOf(text: string, atEnd: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (atEnd && i === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === null) return null;
      groups.push(v4.w3 >>> 16, v4.w3 & 0xffff);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return null;
    }
  }
  return groups;
}

function formatV4(bits: number): string {
  return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
}

function formatV6(address: IpAddress): string {
  const groups = [address.w0, address.w1, address.w2, address.w3].flatMap((w) => [w >>> 16, w & 0xffff]);
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  const hex = groups.map((g) => g.toString(16));
  if (bestStart < 0) return hex.join(':');
  return `${hex.slice(0, bestStart).join(':')}::${hex.slice(bestStart + bestLength).join(':')}`;
}
