// The two ends of a wire: a TUN device each, in a namespace each, where the kernels live that talk to each other.
import { type TunLink, tunLink } from '../link/tun.js';
import type { PacketIds } from '../stack/link.js';
import { run } from './command.js';
import { usageError } from './failure.js';
import type { Lifetime } from './lifetime.js';
import { claimNamespace, HOST, ipIn } from './namespace.js';
import { type OptionSpecs, type OptionValues, textOf, textsOf } from './option-values.js';
import { USER_NAMESPACE_VARIABLE } from './ownership.js';
import { parseAddress, parseInteger, parseName } from './values.js';

/** Which of the two. */
export type SideName = 'left' | 'right';

/** What the options say of one end. */
export interface EndSettings {
  readonly side: SideName;
  readonly device: string;
  readonly netns: string;
  /** The kernel's addresses there, as `10.9.0.1/24`; given to a device that the wire makes. */
  readonly addresses: readonly string[];
}

/** One end, in use. */
export interface WireEnd extends EndSettings {
  readonly link: TunLink;
  /** Packets that the kernel lost in front of the wire since it began, because the device's queue was full. */
  queueDrops(): number;
}

/** The options that name the ends. */
export const END_OPTIONS: OptionSpecs = {
  left: {
    type: 'string',
    value: 'NAME[@NETNS]',
    help: 'the left device: an existing TUN, else one is made (wire0)',
  },
  right: { type: 'string', value: 'NAME[@NETNS]', help: 'the right device' },
  'left-addr': {
    type: 'string',
    multiple: true,
    value: 'ADDR/BITS',
    help: 'address of the left kernel (default 10.9.0.1/24)',
  },
  'right-addr': {
    type: 'string',
    multiple: true,
    value: 'ADDR/BITS',
    help: 'address of the right kernel (default 10.9.0.2/24)',
  },
  mtu: { type: 'string', value: 'BYTES', help: 'largest IP packet (default 1500)' },
};

const DEFAULT_DEVICE = 'wire0';
const DEFAULT_ADDRESSES = { left: '10.9.0.1/24', right: '10.9.0.2/24' } as const;

/** Reads the options of both ends. @throws CliFailure `ERR_SYNWAVE_USAGE` */
export function readEnds(values: OptionValues): Record<SideName, EndSettings> {
  const prefix = parseName(textOf(values, 'netns') ?? `synwave-${process.pid}`, '--netns', 190);
  const left = readEnd(values, 'left', prefix);
  const right = readEnd(values, 'right', prefix);
  if (left.netns === right.netns) {
    throw usageError(
      `both ends are in the namespace ${left.netns}, where the kernel talks to itself without a wire`,
      'give them two: --left NAME@ONE --right NAME@OTHER',
    );
  }
  return { left, right };
}

function readEnd(values: OptionValues, side: SideName, prefix: string): EndSettings {
  const what = `--${side}`;
  const [device = '', named] = splitAt(textOf(values, side) ?? DEFAULT_DEVICE);
  if (named === undefined && prefix === HOST) {
    throw usageError('a wire needs a namespace for each end', `name the device as ${what} NAME@${HOST}`);
  }
  const netns = named === undefined ? `${prefix}-${side}` : parseName(named, what, 200);
  const given = textsOf(values, `${side}-addr`).map((text) => parseAddress(text, `${what}-addr`));
  const addresses = given.map(({ address, prefix }) => `${address}/${prefix}`);
  // The namespace of the machine gets no address that nobody asked for.
  if (addresses.length === 0 && netns !== HOST) addresses.push(DEFAULT_ADDRESSES[side]);
  return { side, device: parseName(device, what, 15), netns, addresses };
}

/** Splits at the last `@`. */
function splitAt(text: string): [string, string?] {
  const at = text.lastIndexOf('@');
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** The value of `--mtu`, or undefined. @throws CliFailure `ERR_SYNWAVE_USAGE` */
export function readMtu(values: OptionValues): number | undefined {
  const text = textOf(values, 'mtu');
  return text === undefined ? undefined : parseInteger(text, '--mtu', 576, 65_535);
}

/**
 * Makes what is missing of an end, its namespace first, and registers its removal.
 * @throws CliFailure when the kernel does not allow it; TunError
 */
export async function openEnd(
  settings: EndSettings,
  life: Lifetime,
  mtu: number | undefined,
  packetIds: PacketIds,
): Promise<WireEnd> {
  const { device, netns, addresses } = settings;
  const claim = claimNamespace(netns, 'wire', life);
  const isThere = run(ipIn(netns, 'link', 'show', 'dev', device)).status === 0;
  const link = await tunLink({
    name: device,
    ...(netns === HOST ? {} : { netns }),
    // What somebody else has set up stays as it is.
    ...(isThere ? {} : { hostAddress: addresses }),
    ...(mtu === undefined ? {} : { mtu }),
    // To look for more packets would only keep the processor from the ends.
    busyPollUs: 0,
    offload: false,
    packetIds,
  });
  life.defer(`device ${device}`, () => link.close());
  if (!link.persistent) claim.addDevice(link.name);
  const before = transmitDrops(netns, link.name);
  return { ...settings, link, queueDrops: () => transmitDrops(netns, link.name) - before };
}

/** The kernel's count of packets that it could not queue for the reader of a device. */
function transmitDrops(netns: string, device: string): number {
  const result = run(ipIn(netns, '-json', '-stats', 'link', 'show', 'dev', device));
  if (result.status !== 0) return 0;
  const [found] = JSON.parse(result.stdout) as { stats64?: { tx?: { dropped?: number } } }[];
  return found?.stats64?.tx?.dropped ?? 0;
}

/** The words before a command that shall run on the kernel of an end. */
export function wayInto(netns: string): string {
  if (netns === HOST) return '';
  const inUserNamespace = process.env[USER_NAMESPACE_VARIABLE] === '1';
  return inUserNamespace ? `synwave sh --netns ${netns} -- ` : `ip netns exec ${netns} `;
}
