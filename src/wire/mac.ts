// MAC addresses (IEEE 802) as two numbers, the upper 16 and the lower 32 bits, so that comparing and writing one
// allocates nothing. Parsing, printing, and the groups that IP multicast maps to.

/** Octets of an address on the wire. */
export const MAC_BYTES = 6;

/** An immutable 48-bit MAC address. */
export class MacAddress {
  /**
   * @param high the first two octets, 0…0xffff
   * @param low the last four as int32
   */
  constructor(
    readonly high: number,
    readonly low: number,
  ) {}

  /** ff:ff:ff:ff:ff:ff. */
  static readonly BROADCAST = new MacAddress(0xffff, -1);

  /** Parses six octets in hexadecimal, separated by colons or hyphens; null when the text is not that. */
  static parse(text: string): MacAddress | null {
    if (!/^[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2}){4}$/.test(text)) return null;
    const digits = text.replace(/[:-]/g, '');
    return new MacAddress(Number.parseInt(digits.slice(0, 4), 16), Number.parseInt(digits.slice(4), 16) | 0);
  }

  /** The address at `bytes[offset … offset + 6)`. */
  static read(view: DataView, offset: number): MacAddress {
    return new MacAddress(view.getUint16(offset), view.getInt32(offset + 2));
  }

  /**
   * A locally administered unicast address out of six random octets (IEEE 802 §8.4: the second bit of the first octet set,
   * the first one clear).
   */
  static random(octets: Uint8Array): MacAddress {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = octets;
    const first = (a & 0xfc) | 2;
    return new MacAddress((first << 8) | b, (c << 24) | (d << 16) | (e << 8) | f);
  }

  /** The group that an IPv6 multicast address maps to (RFC 2464 §7): 33:33 and its last 32 bits. */
  static ofIpv6Group(lastWord: number): MacAddress {
    return new MacAddress(0x3333, lastWord | 0);
  }

  /** True for groups and the broadcast address. */
  get isGroup(): boolean {
    return (this.high & 0x0100) !== 0;
  }

  /** True for 00:00:00:00:00:00, which no interface has. */
  get isZero(): boolean {
    return this.high === 0 && this.low === 0;
  }

  /** True when both hold the same address. */
  equals(other: MacAddress): boolean {
    return this.low === other.low && this.high === other.high;
  }

  /** Six octets in hexadecimal, separated by colons. */
  toString(): string {
    const digits = this.high.toString(16).padStart(4, '0') + (this.low >>> 0).toString(16).padStart(8, '0');
    return digits.replace(/..(?!$)/g, '$&:');
  }
}
