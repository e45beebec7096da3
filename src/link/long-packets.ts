// Which kernels take a packet that is longer than its IP header can tell, and of which destinations that makes sense.
import { IpAddress } from '../wire/address.js';

/** Linux 6.3 knows such packets of IPv4 ("BIG TCP"); since 6.6 a TUN device has the memory for them. */
const FIRST_RELEASE = [6, 6] as const;

/** Whether the kernel of that release (`os.release()`) takes them out of a TUN device. */
export function takesLongPackets(release: string): boolean {
  const [major = 0, minor = 0] = release.split(/\D/, 2).map(Number);
  return major > FIRST_RELEASE[0] || (major === FIRST_RELEASE[0] && minor >= FIRST_RELEASE[1]);
}

/**
 * The IPv4 addresses among these of the kernel's end, as int32. Only what goes to the kernel itself is better in one piece: what it
 * forwards it would have to cut by itself, where a network interface cuts 64 KiB at a time.
 * @param addresses with or without prefix lengths
 */
export function longDestinations(addresses: readonly string[]): number[] {
  return addresses
    .map((address) => IpAddress.parse(address.split('/', 1)[0]!))
    .filter((address) => address?.family === 4)
    .map((address) => address!.w3);
}
