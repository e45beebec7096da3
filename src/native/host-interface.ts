// The kernel's side of the device, set up with iproute2: addresses, queue length, link up. Touches no interface but the one
// it is given, and that only when this program made it.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { IpAddress } from '../wire/address.js';
import { TunError } from './tun-errors.js';

/** An address and prefix length for the kernel's end, as `ip address add` takes it. */
export type InterfaceAddress = string;

/**
 * Packets from the kernel that may wait in a device's queue. What does not fit is dropped silently, and the default of 500 is
 * less than one fast sender's window.
 */
export const TX_QUEUE_PACKETS = 10_000;

/** How to set up a device. */
export interface InterfaceSetup {
  readonly addresses: readonly InterfaceAddress[];
  /** Packets that may wait for the reader. */
  readonly txQueueLength: number;
  /** Keeps the kernel from making a link-local address, and with it from sending router solicitations. */
  readonly noLinkLocal: boolean;
}

/**
 * Path of a namespace given by name (`ip netns add NAME`) or by path.
 * @throws TunError `ENOENT` when there is none of that name
 */
export function netnsPath(netns: string): string {
  if (netns.includes('/')) return netns;
  for (const folder of ['/run/netns', '/var/run/netns']) {
    if (netns !== '' && existsSync(`${folder}/${netns}`)) return `${folder}/${netns}`;
  }
  throw new TunError(
    'ENOENT',
    `network namespace ${JSON.stringify(netns)} does not exist. \`ip netns add NAME\` makes one.`,
  );
}

/**
 * Gives a device its addresses and queue and brings it up.
 * @param netns path of its namespace, or undefined for the caller's own
 * @throws TunError `ERR_SYNWAVE_TUN_CONFIG`, `ERR_SYNWAVE_IP_MISSING`
 */
export async function setUpInterface(
  name: string,
  netns: string | undefined,
  setup: InterfaceSetup,
): Promise<void> {
  const settings = ['txqueuelen', String(setup.txQueueLength)];
  if (setup.noLinkLocal) settings.push('addrgenmode', 'none');
  await runIp(netns, ['link', 'set', 'dev', name, ...settings]);
  for (const address of setup.addresses) {
    const noDad = address.includes(':') ? ['nodad'] : [];
    await runIp(netns, ['address', 'add', address, 'dev', name, ...noDad]);
  }
  await runIp(netns, ['link', 'set', 'dev', name, 'up']);
}

/**
 * Sees whether an interface that is not ours to change is as it is wanted: with these addresses, this MTU, and up when addresses
 * are wanted.
 * @throws TunError `ERR_SYNWAVE_TUN_ADDRESS` with the command that would help; `ERR_SYNWAVE_TUN_CONFIG`,
 * `ERR_SYNWAVE_IP_MISSING`
 */
export async function checkInterface(
  name: string,
  netns: string | undefined,
  wanted: { readonly addresses: readonly InterfaceAddress[]; readonly mtu: number | undefined },
): Promise<void> {
  const state = await readInterface(name, netns);
  const complain = (what: string, remedy: string) =>
    new TunError(
      'ERR_SYNWAVE_TUN_ADDRESS',
      `TUN device ${name} existed before and is not changed, but ${what}. Run: ip ${remedy}` +
        (netns === undefined ? '' : ` (in namespace ${netns})`),
    );
  if (wanted.mtu !== undefined && wanted.mtu !== state.mtu)
    throw complain(`its MTU is ${state.mtu}, not ${wanted.mtu}`, `link set dev ${name} mtu ${wanted.mtu}`);
  for (const address of wanted.addresses) {
    if (!state.addresses.includes(canonicalAddress(address)))
      throw complain(`it does not have the address ${address}`, `address add ${address} dev ${name}`);
  }
  if (wanted.addresses.length > 0 && !state.up) throw complain('it is down', `link set dev ${name} up`);
}

/** An interface as it is. */
export interface InterfaceFacts {
  /** Kind of medium, as `ip` names it: `ether`, `loopback`, `none` for TUN. */
  readonly kind: string;
  /** MAC address, in lower case. */
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
}

/**
 * Looks an interface up.
 * @returns null when there is none of that name
 * @throws TunError `ERR_SYNWAVE_TUN_CONFIG`, `ERR_SYNWAVE_IP_MISSING`
 */
export async function inspectInterface(
  name: string,
  netns: string | undefined,
): Promise<InterfaceFacts | null> {
  let text: string;
  try {
    text = await runIp(netns, ['-json', 'link', 'show', 'dev', name]);
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return null;
    throw error;
  }
  const list = JSON.parse(text) as {
    flags?: string[];
    mtu?: number;
    link_type?: string;
    address?: string;
  }[];
  const found = list.find((entry) => entry.flags !== undefined);
  if (found === undefined) return null;
  const { flags = [], mtu = 0, link_type: kind = '', address: mac = '' } = found;
  return { kind, mac, mtu, up: flags.includes('UP') };
}

interface InterfaceState {
  readonly up: boolean;
  readonly mtu: number;
  /** `address/prefix` of each. */
  readonly addresses: readonly string[];
}

async function readInterface(name: string, netns: string | undefined): Promise<InterfaceState> {
  const text = await runIp(netns, ['-json', 'address', 'show', 'dev', name]);
  const list = JSON.parse(text) as {
    flags?: string[];
    mtu?: number;
    addr_info?: { local?: string; prefixlen?: number }[];
  }[];
  // Older iproute2 prints an empty object for each interface that it leaves out.
  const found = list.find((entry) => entry.flags !== undefined);
  return {
    up: found?.flags?.includes('UP') ?? false,
    mtu: found?.mtu ?? 0,
    addresses: (found?.addr_info ?? []).map((info) => `${info.local}/${info.prefixlen}`),
  };
}

/** IPv6 addresses have many spellings; `ip` prints the canonical one. */
function canonicalAddress(address: string): string {
  if (!address.includes(':')) return address;
  const slash = address.indexOf('/');
  const parsed = IpAddress.parse(address.slice(0, slash));
  return parsed === null ? address : `${parsed}${address.slice(slash)}`;
}

/** Offloads whose work a link without devices at its ends never gets done. */
const OFFLOADS = ['tx', 'tso', 'gso', 'gro'] as const;

/** The command that has the kernel finish checksums and cut segments by itself, before packets reach a link. */
export function offloadRemedy(name: string): string {
  return `ethtool -K ${name} ${OFFLOADS.map((offload) => `${offload} off`).join(' ')}`;
}

/**
 * Runs that command. For interfaces that this program made: others' throughput depends on their offloads.
 * @throws TunError `ERR_SYNWAVE_TUN_CONFIG` when ethtool refuses, `ERR_SYNWAVE_IP_MISSING` when it is not there
 */
export async function switchOffloadsOff(name: string, netns?: string): Promise<void> {
  const [tool, ...argv] = offloadRemedy(name).split(' ');
  await runTool(netns, tool!, 'ethtool', argv);
}

/**
 * Which of those offloads are on.
 * @throws TunError as `switchOffloadsOff`
 */
export async function offloadsOn(name: string, netns?: string): Promise<string[]> {
  const text = await runTool(netns, 'ethtool', 'ethtool', ['-k', name]);
  const features: Record<(typeof OFFLOADS)[number], string> = {
    tx: 'tx-checksumming',
    tso: 'tcp-segmentation-offload',
    gso: 'generic-segmentation-offload',
    gro: 'generic-receive-offload',
  };
  return OFFLOADS.filter((offload) => new RegExp(`^${features[offload]}: on`, 'm').test(text));
}

/** Runs `ip` without a shell, in the namespace, and returns what it prints. */
export function runIp(netns: string | undefined, argv: readonly string[]): Promise<string> {
  return runTool(netns, 'ip', 'iproute2', argv);
}

/** Runs a program without a shell, in the namespace. @param owner the Debian package that has it */
function runTool(
  netns: string | undefined,
  tool: string,
  owner: string,
  argv: readonly string[],
): Promise<string> {
  const named = netns === undefined ? null : /^(?:\/var)?\/run\/netns\/([^/]+)$/.exec(netns);
  let command = tool;
  let full: readonly string[] = argv;
  if (named !== null && tool === 'ip') full = ['-n', named[1]!, ...argv];
  else if (netns !== undefined) {
    command = 'nsenter';
    full = [`--net=${netns}`, tool, ...argv];
  }
  return new Promise((resolve, reject) => {
    execFile(command, full, { env: toolEnvironment() }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(toolError(error, command, full, stderr, tool, owner));
    });
  });
}

/** `ip` lives in /usr/sbin, which is not on everybody's path. Its messages are wanted in English. */
function toolEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' };
}

function toolError(
  error: Error,
  command: string,
  argv: readonly string[],
  stderr: string,
  tool: string,
  owner: string,
): TunError {
  const code = 'code' in error ? error.code : undefined;
  const missing = code === 'ENOENT' ? command : code === 127 ? tool : null;
  if (missing !== null) {
    const its = missing === tool ? owner : 'util-linux';
    return new TunError('ERR_SYNWAVE_IP_MISSING', `${missing} was not found. apt-get install ${its}.`, {
      cause: error,
    });
  }
  const reason = stderr.trim() || error.message;
  return new TunError('ERR_SYNWAVE_TUN_CONFIG', `\`${command} ${argv.join(' ')}\` failed: ${reason}`, {
    cause: error,
  });
}
