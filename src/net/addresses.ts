// Addresses in the shape in which `node:net` shows them.
import { isLoopback } from '../stack/addresses.js';
import { IpAddress } from '../wire/address.js';

/** What `socket.address()` and `server.address()` return. */
export interface AddressInfo {
  address: string;
  /** `IPv4` or `IPv6`. */
  family: string;
  port: number;
}

/** Every address of a family, in text. */
export const ANY_IPV4 = '0.0.0.0';
export const ANY_IPV6 = '::';

/**
 * One end of a connection.
 * @param mapped show IPv4 as `::ffff:a.b.c.d`, as a listener for both families does
 */
export function addressInfo(ip: IpAddress, port: number, mapped: boolean): AddressInfo {
  if (ip.family === 4) {
    return mapped
      ? { address: `::ffff:${ip}`, family: 'IPv6', port }
      : { address: ip.toString(), family: 'IPv4', port };
  }
  return { address: ip.toString(), family: 'IPv6', port };
}

/** Parses an address; an IPv4-mapped one is the IPv4 address that it holds. A zone has no meaning here: null. */
export function parseAddress(text: string): IpAddress | null {
  return IpAddress.parse(text);
}

/**
 * The address that is meant by one to connect to: by the unspecified one the host itself, its loopback first, as on Linux.
 * Null when it is none.
 * @param own the addresses of the stack
 */
export function parseRemote(text: string, own: readonly IpAddress[]): IpAddress | null {
  const address = parseAddress(text);
  if (address === null || (address.w0 | address.w1 | address.w3) !== 0) return address;
  if (address.w2 !== (address.family === 4 ? 0xffff : 0)) return address;
  const ofFamily = own.filter(({ family }) => family === address.family);
  return ofFamily.find(({ w0, w1, w2, w3 }) => isLoopback(w0, w1, w2, w3)) ?? ofFamily[0] ?? address;
}

/** What a kernel says when a socket of one family is to connect to an address of another; null when nothing. */
export function familyMismatch(own: string, target: number): 'EAFNOSUPPORT' | 'EINVAL' | null {
  if (own === `IPv${target}`) return null;
  return target === 6 ? 'EAFNOSUPPORT' : 'EINVAL';
}
