// What the `--name=value` options of a script mean to a run.
import { IpAddress } from '../wire/address.js';
import { Unsupported } from './outcome.js';
import type { Ends } from './packet-builder.js';
import type { Script } from './script.js';

/** Settings of one run. */
export interface RunSettings {
  readonly ends: Ends;
  readonly mtu: number;
  /** MSS that the subject advertises and sends at most; null for what the MTU leaves. */
  readonly mss: number | null;
  /** Allowed distance from the time of an event, in milliseconds; null when the script says nothing. */
  readonly toleranceMs: number | null;
  readonly timestampTickUs: number | null;
  readonly bindPort: number;
  readonly connectPort: number;
  readonly isn: number | null;
}

const V4 = { local: IpAddress.v4(0x0a090002), remote: IpAddress.v4(0x0a090001) };
const V6 = { local: address('fd00:9::2'), remote: address('fd00:9::1') };
const DEFAULT_PORT = 8080;
const DEFAULT_MTU = 1500;

/** Options that only concern how the original tool sets up its machine. */
const IGNORED: ReadonlySet<string> = new Set([
  'local_ip',
  'remote_ip',
  'gateway_ip',
  'netmask_ip',
  'local_ipv4',
  'remote_ipv4',
  'local_ipv6',
  'remote_ipv6',
  'speed',
  'init_scripts',
  'code_command',
  'code_format',
  'code_sockopt',
  'non_fatal',
  'verbose',
  'dry_run',
  'debug',
  'persistent_tun_dev',
  'send_omit_free',
  'is_anyip',
  'use_expect',
  'define',
  'stop_on_failure',
]);

/** Reads the options. @throws Unsupported for options or values that are in no table */
export function readScriptOptions(script: Script): RunSettings {
  let ends: Ends = V4;
  let mtu = DEFAULT_MTU;
  let mss: number | null = null;
  let toleranceMs: number | null = null;
  let timestampTickUs: number | null = null;
  let bindPort = DEFAULT_PORT;
  let connectPort = DEFAULT_PORT;
  let isn: number | null = null;
  for (const { name, value } of script.options) {
    if (name === 'ip_version') ends = endsOf(value);
    else if (name === 'tolerance_usecs') toleranceMs = whole(name, value) / 1000;
    else if (name === 'tolerance_percent') continue;
    else if (name === 'mtu') mtu = whole(name, value);
    else if (name === 'mss') mss = whole(name, value);
    else if (name === 'tcp_ts_tick_usecs') timestampTickUs = whole(name, value) || null;
    else if (name === 'bind_port') bindPort = whole(name, value);
    else if (name === 'connect_port') connectPort = whole(name, value);
    else if (name === 'isn') isn = whole(name, value);
    else if (name === 'wire_client' || name === 'wire_server' || name.startsWith('wire_')) {
      throw new Unsupported(`--${name}: a script runs in one process here`);
    } else if (!IGNORED.has(name)) throw new Unsupported(`the option --${name} is not supported`);
  }
  return { ends, mtu, mss, toleranceMs, timestampTickUs, bindPort, connectPort, isn };
}

function endsOf(version: string | null): Ends {
  if (version === 'ipv4' || version === 'ipv4-mapped-ipv6' || version === 'ipv4_mapped_ipv6') return V4;
  if (version === 'ipv6') return V6;
  throw new Unsupported(`--ip_version=${version} is not supported`);
}

function whole(name: string, value: string | null): number {
  const number = Number(value);
  if (value === null || value === '' || !Number.isSafeInteger(number) || number < 0) {
    throw new Unsupported(`--${name} needs a whole number`);
  }
  return number;
}

function address(text: string): IpAddress {
  const found = IpAddress.parse(text);
  if (found === null) throw new Error(`${text} is no address`);
  return found;
}
