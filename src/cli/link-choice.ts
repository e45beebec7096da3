// `--link`: which way onto the wire a verb's stack takes, as the user writes it.
import { IpAddress } from '../wire/address.js';
import { usageError } from './failure.js';
import { parseName } from './values.js';

/** A way onto the wire. */
export type LinkChoice =
  | { readonly kind: 'tun' | 'tap' | 'ethernet'; readonly device: string }
  | { readonly kind: 'raw'; readonly addresses: readonly IpAddress[] }
  | { readonly kind: 'memory' };

/** The forms of `--link`. */
export const LINK_FORMS = 'tun:NAME | raw:ADDRESS | ethernet:IFACE | tap:NAME | memory';

/** What a verb takes when nothing is said. */
export const DEFAULT_LINK = 'tun:lab0';

/** Reads the text of `--link`. @throws CliFailure `ERR_SYNWAVE_USAGE` */
export function parseLink(text: string): LinkChoice {
  if (text === 'memory') return { kind: 'memory' };
  const [, kind, rest = ''] = /^(tun|tap|ethernet|raw):(.+)$/.exec(text) ?? [];
  if (kind === 'raw') return { kind, addresses: rest.split(',').map(rawAddress) };
  if (kind === 'tun' || kind === 'tap' || kind === 'ethernet') {
    return { kind, device: parseName(rest, '--link', 15) };
  }
  throw usageError(`--link: "${text}" names no kind of link that there is`, `write --link ${LINK_FORMS}`);
}

function rawAddress(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (address !== null) return address;
  throw usageError(
    `--link: "${text}" is not an address`,
    'write --link raw:192.0.2.7, or raw:192.0.2.7,2001:db8::7 for both families',
  );
}

/** As the user would write it. */
export function formatLink(choice: LinkChoice): string {
  switch (choice.kind) {
    case 'memory':
      return 'memory';
    case 'raw':
      return `raw:${choice.addresses.join(',')}`;
    default:
      return `${choice.kind}:${choice.device}`;
  }
}

/** Whether the link's other end belongs to the kernel or to a peer of ours, and so has an address that we give it. */
export function hasOwnPeer({ kind }: LinkChoice): boolean {
  return kind !== 'raw' && kind !== 'ethernet';
}

/** Whether the link carries frames, so that the stack has a MAC address and may have a gateway. */
export function carriesFrames({ kind }: LinkChoice): boolean {
  return kind === 'tap' || kind === 'ethernet';
}

/**
 * Whether the link makes a device with a kernel of its own behind it, in a namespace apart. The others use what is there:
 * the addresses and interfaces of the namespace in which the command runs.
 */
export function makesDevice({ kind }: LinkChoice): boolean {
  return kind === 'tun' || kind === 'tap';
}
