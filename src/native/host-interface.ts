// The kernel's side of the device, set up with iproute2: addresses, queue length, link up. Touches no interface but the one
// it is given, and that only when this program made it.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { IpAddress } from '../wire/address.js';
import { TunError } from './tun-errors.js';

/** An address and prefix length for the kernel's end, as `ip address add` takes it. */
export type InterfaceAddress = string;

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

/** Runs `ip` without a shell, in the namespace, and returns what it prints. */
export function runIp(netns: string | undefined, argv: readonly string[]): Promise<string> {
  const named = netns === undefined ? null : /^(?:\/var)?\/run\/netns\/([^/]+)$/.exec(netns);
  let command = 'ip';
  let full: readonly string[] = argv;
  if (named !== null) full = ['-n', named[1]!, ...argv];
  else if (netns !== undefined) {
    command = 'nsenter';
    full = [`--net=${netns}`, 'ip', ...argv];
  }
  return new Promise((resolve, reject) => {
    execFile(command, full, { env: toolEnvironment() }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(ipError(error, command, full, stderr));
    });
  });
}

/** `ip` lives in /usr/sbin, which is not on everybody's path. Its messages are wanted in English. */
function toolEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' };
}

function ipError(error: Error, command: string, argv: readonly string[], stderr: string): TunError {
  const code = 'code' in error ? error.code : undefined;
  const missing = code === 'ENOENT' ? command : code === 127 ? 'ip' : null;
  if (missing !== null) {
    const owner = missing === 'ip' ? 'iproute2' : 'util-linux';
    return new TunError('ERR_SYNWAVE_IP_MISSING', `${missing} was not found. apt-get install ${owner}.`, {
      cause: error,
    });
  }
  const reason = stderr.trim() || error.message;
  return new TunError('ERR_SYNWAVE_TUN_CONFIG', `\`${command} ${argv.join(' ')}\` failed: ${reason}`, {
    cause: error,
  });
}
