// The options that every verb with a stack shares, and the reading of a verb's command line. What the options mean
// for the stack stands in `session.ts`.
import { parseArgs } from 'node:util';
import type { EthernetDriver } from '../link/ethernet-link.js';
import type { ConnectionConfig } from '../tcp/config.js';
import type { ControllerFactory } from '../tcp/congestion/controller.js';
import { CONTROLLER_NAMES, controllerNamed } from '../tcp/congestion/registry.js';
import { IpAddress } from '../wire/address.js';
import { usageError } from './failure.js';
import { IMPAIRMENT_OPTIONS, type Impairment, readImpairment } from './impairment.js';
import {
  carriesFrames,
  DEFAULT_LINK,
  formatLink,
  hasOwnPeer,
  LINK_FORMS,
  type LinkChoice,
  makesDevice,
  parseLink,
} from './link-choice.js';
import { HOST } from './namespace.js';
import {
  type Arguments,
  isOn,
  type OptionSpec,
  type OptionSpecs,
  type OptionValues,
  textOf,
  textsOf,
} from './option-values.js';
import {
  type AddressWithPrefix,
  parseAddress,
  parseDuration,
  parseInteger,
  parseIsn,
  parseName,
  parseWord,
  sameNetwork,
} from './values.js';

export {
  type Arguments,
  isOn,
  type OptionSpec,
  type OptionSpecs,
  type OptionValues,
  textOf,
  textsOf,
} from './option-values.js';

/** Options of every verb. */
export const GENERAL_OPTIONS: OptionSpecs = {
  help: { type: 'boolean', short: 'h', help: 'this help' },
  quiet: { type: 'boolean', short: 'q', help: 'only errors' },
  verbose: {
    type: 'boolean',
    short: 'v',
    multiple: true,
    help: '-v also segments and timers, -vv everything',
  },
  'no-color': { type: 'boolean', help: 'no colours (as does NO_COLOR)' },
  netns: {
    type: 'string',
    value: 'NAME',
    help: 'network namespace; `host` is the current one (default synwave; host without a device of ours)',
  },
};

/** The option `--lang`. */
export const LANGUAGE_OPTION: OptionSpec = {
  type: 'string',
  value: 'en|zh|auto',
  help: 'language of log messages and ladder (default auto: from LANG)',
};

/** Options of the verbs that run a stack. */
export const STACK_OPTIONS: OptionSpecs = {
  link: {
    type: 'string',
    value: 'LINK',
    help: `${LINK_FORMS} (default ${DEFAULT_LINK})`,
  },
  addr: {
    type: 'string',
    multiple: true,
    value: 'ADDR/BITS',
    help: 'address of the stack (default 10.9.0.2/24)',
  },
  peer: {
    type: 'string',
    multiple: true,
    value: 'ADDR',
    help: 'address of the kernel (default: .1 of --addr)',
  },
  gateway: {
    type: 'string',
    multiple: true,
    value: 'ADDR',
    help: 'default gateway, on ethernet and tap links (default: none; IPv6 routers are heard)',
  },
  mac: {
    type: 'string',
    value: 'MAC',
    help: "MAC address of the stack, or `interface` for the interface's (default: a random one)",
  },
  vlan: { type: 'string', value: 'ID', help: 'speak in this VLAN, with tagged frames' },
  mtu: { type: 'string', value: 'BYTES', help: 'largest IP packet (default 1500)' },
  driver: {
    type: 'string',
    value: 'packet|pcap',
    help: 'how frames come and go on an ethernet link (default packet where there is one, else pcap)',
  },
  'no-offload': {
    type: 'boolean',
    help: 'tun and tap: every packet as on a wire, not up to 64 KiB and checksums left to the kernel',
  },
  isn: { type: 'string', value: 'HOW', help: 'initial sequence numbers: rfc6528 (default) or fixed[:N]' },
  msl: {
    type: 'string',
    value: 'TIME',
    help: 'maximum segment lifetime; TIME-WAIT lasts twice that (default 30s)',
  },
  cc: {
    type: 'string',
    value: 'NAME',
    help: `congestion control: ${CONTROLLER_NAMES.join(', ')}`,
  },
  'no-ws': { type: 'boolean', help: 'do not offer window scaling' },
  'syn-data': {
    type: 'string',
    value: 'HOW',
    help: 'data on a SYN: queue it until ESTABLISHED (default), discard it, or accept it at once',
  },
  'fast-open': {
    type: 'boolean',
    help: 'TCP Fast Open: ask for cookies and give them, and send and take data with the SYN',
  },
  'syn-cookies': {
    type: 'string',
    value: 'WHEN',
    help: 'SYN cookies: when the half-open table is full (default), off, or always',
  },
  backlog: { type: 'string', value: 'N', help: 'connections that may wait to be accepted' },
  ...IMPAIRMENT_OPTIONS,
  capture: { type: 'string', short: 'w', value: 'FILE', help: 'write a pcapng capture; - is stdout' },
  log: { type: 'string', value: 'FILE|-', help: 'write the pino log as JSON lines; - is stdout' },
  ladder: { type: 'boolean', help: 'draw the ladder diagram of the connections on stderr' },
  lang: LANGUAGE_OPTION,
};

/**
 * Parses a verb's words. Where two options want the same letter, the verb's own wins.
 * @throws CliFailure `ERR_SYNWAVE_USAGE`
 */
export function parseWords(
  verb: string,
  words: readonly string[],
  common: OptionSpecs,
  own: OptionSpecs,
): Arguments {
  const taken = new Set(Object.values(own).map((spec) => spec.short));
  const options: Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }> = {};
  for (const [name, spec] of [...Object.entries(common), ...Object.entries(own)]) {
    const isOwn = own[name] === spec;
    options[name] = { type: spec.type, multiple: spec.multiple ?? false };
    if (spec.short !== undefined && (isOwn || !taken.has(spec.short))) options[name].short = spec.short;
  }
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options,
      allowPositionals: true,
      strict: true,
    });
    return { values, positionals };
  } catch (error) {
    throw usageError((error as Error).message, `\`synwave help ${verb}\` lists the options`);
  }
}

/** What the options of a stack say, checked. */
export interface StackSettings {
  readonly netns: string;
  readonly link: LinkChoice;
  readonly addresses: readonly AddressWithPrefix[];
  /** The peer's addresses on the link, as `10.9.0.1/24`; one for every network of `addresses`. None where any host is a peer. */
  readonly hostAddresses: readonly string[];
  /** Default gateways; only on links of frames, as the next two. */
  readonly gateways: readonly string[];
  /** As the user wrote it; null for a random one. */
  readonly mac: string | null;
  readonly vlan: number | null;
  /** Bytes, or null for what the device has. */
  readonly mtu: number | null;
  /** Whether checksums and segmentation are left to a device that can do them. */
  readonly offload: boolean;
  /** How frames come and go on an Ethernet link; null: the default. */
  readonly driver: EthernetDriver | null;
  /** Initial sequence number of every connection, or null for RFC 6528. */
  readonly isn: number | null;
  /** Milliseconds, or null for the default. */
  readonly mslMs: number | null;
  /** Settings of connections that differ from the defaults. */
  readonly connection: Partial<ConnectionConfig>;
  readonly backlog: number | undefined;
  readonly impairment: Impairment | null;
  readonly capture: string | null;
  readonly log: string | null;
  readonly ladder: boolean;
  readonly lang: 'en' | 'zh';
  /** 0 transitions, 1 segments and timers, 2 everything; -1 nothing. */
  readonly verbosity: number;
}

/** Reads the shared options. @throws CliFailure `ERR_SYNWAVE_USAGE` naming the option */
export function readStackSettings(values: OptionValues): StackSettings {
  const text = (name: string) => textOf(values, name);
  const link = readLink(values);
  const addresses = readAddresses(values, link);
  const mtu = text('mtu');
  const mslMs = readMsl(values);
  const backlog = text('backlog');
  return {
    netns: readNetns(values),
    link,
    addresses,
    hostAddresses: hasOwnPeer(link) ? hostAddressesFor(addresses, textsOf(values, 'peer')) : [],
    ...readFrameSettings(values, link),
    mtu: mtu === undefined ? null : parseInteger(mtu, '--mtu', 576, 65535),
    offload: !isOn(values, 'no-offload'),
    isn: parseIsn(text('isn') ?? 'rfc6528'),
    mslMs,
    connection: readConnection(values, mslMs),
    backlog: backlog === undefined ? undefined : parseInteger(backlog, '--backlog', 1, 65535),
    impairment: readImpairment(values),
    capture: text('capture') ?? null,
    log: text('log') ?? null,
    ladder: isOn(values, 'ladder'),
    lang: readLanguage(values),
    verbosity: readVerbosity(values),
  };
}

function readLink(values: OptionValues): LinkChoice {
  return parseLink(textOf(values, 'link') ?? DEFAULT_LINK);
}

function readAddresses(values: OptionValues, link: LinkChoice): AddressWithPrefix[] {
  const given = textsOf(values, 'addr').map((value) => parseAddress(value, '--addr'));
  if (!hasOwnPeer(link) && textsOf(values, 'peer').length > 0) {
    throw usageError(
      `--peer says nothing on --link ${formatLink(link)}`,
      'every host that it reaches is a peer',
    );
  }
  if (link.kind === 'raw') {
    if (given.length > 0) {
      throw usageError('--addr says nothing on a raw link', 'its address stands in --link raw:ADDRESS');
    }
    return link.addresses.map((address) => ({ address, prefix: address.family === 4 ? 32 : 128 }));
  }
  if (given.length > 0) return given;
  if (link.kind === 'ethernet') {
    throw usageError(
      'an Ethernet link needs --addr ADDR/BITS',
      'give the stack a free address of the network behind that interface',
    );
  }
  return [parseAddress('10.9.0.2/24', '--addr')];
}

/** What stacks have that speak Ethernet. */
function readFrameSettings(
  values: OptionValues,
  link: LinkChoice,
): Pick<StackSettings, 'gateways' | 'mac' | 'vlan' | 'driver'> {
  const gateways = textsOf(values, 'gateway').map((text) => String(parseAddress(text, '--gateway').address));
  const mac = textOf(values, 'mac') ?? null;
  const vlan = textOf(values, 'vlan');
  if (!carriesFrames(link) && (gateways.length > 0 || mac !== null || vlan !== undefined)) {
    throw usageError(
      `--gateway, --mac and --vlan say nothing on --link ${formatLink(link)}`,
      'they belong to links of Ethernet frames: ethernet:IFACE and tap:NAME',
    );
  }
  return {
    gateways,
    mac,
    vlan: vlan === undefined ? null : parseInteger(vlan, '--vlan', 1, 4094),
    driver: readDriver(values, link),
  };
}

function readDriver(values: OptionValues, link: LinkChoice): EthernetDriver | null {
  const driver = textOf(values, 'driver');
  if (driver === undefined) return null;
  if (link.kind !== 'ethernet') {
    throw usageError(`--driver says nothing on --link ${formatLink(link)}`, 'it belongs to ethernet:IFACE');
  }
  if (driver !== 'packet' && driver !== 'pcap') {
    throw usageError(`--driver ${driver} is neither packet nor pcap`, 'leave it out for the default');
  }
  return driver;
}

function readMsl(values: OptionValues): number | null {
  const text = textOf(values, 'msl');
  return text === undefined ? null : parseDuration(text, '--msl', 's');
}

function readConnection(values: OptionValues, mslMs: number | null): Partial<ConnectionConfig> {
  const controller = textOf(values, 'cc');
  const synData = textOf(values, 'syn-data') ?? 'queue';
  const cookies = textOf(values, 'syn-cookies');
  return {
    synData: parseWord(synData, '--syn-data', ['queue', 'discard', 'accept'] as const),
    ...(isOn(values, 'no-ws') ? { windowScale: -1 } : {}),
    ...(isOn(values, 'fast-open') ? { fastOpen: true } : {}),
    ...(cookies === undefined ? {} : { synCookies: readCookies(cookies) }),
    ...(mslMs === null ? {} : { mslMs }),
    ...(controller === undefined ? {} : { congestion: readController(controller) }),
  };
}

function readCookies(word: string): ConnectionConfig['synCookies'] {
  return parseWord(word, '--syn-cookies', ['full', 'off', 'always'] as const);
}

function readController(name: string): ControllerFactory {
  const factory = controllerNamed(name);
  if (factory === null) throw usageError(`--cc: "${name}"`, `write one of: ${CONTROLLER_NAMES.join(', ')}`);
  return factory;
}

/** The namespace in which a verb works. */
export function readNetns(values: OptionValues): string {
  const usual = makesDevice(readLink(values)) ? 'synwave' : HOST;
  return parseName(textOf(values, 'netns') ?? usual, '--netns', 200);
}

function readVerbosity(values: OptionValues): number {
  if (isOn(values, 'quiet')) return -1;
  const verbose = values.verbose;
  return Array.isArray(verbose) ? Math.min(verbose.length, 2) : 0;
}

/** The language chosen, or that of the environment. */
export function readLanguage(values: OptionValues): 'en' | 'zh' {
  const word = parseWord(textOf(values, 'lang') ?? 'auto', '--lang', ['en', 'zh', 'auto']);
  if (word !== 'auto') return word;
  const locale = process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '';
  return locale.startsWith('zh') ? 'zh' : 'en';
}

/**
 * The kernel's end of the link: the `--peer` of each network, else its first address, or its second when the stack
 * has the first.
 */
function hostAddressesFor(addresses: readonly AddressWithPrefix[], peers: readonly string[]): string[] {
  const given = peers.map((text) => parseAddress(text, '--peer').address);
  for (const peer of given) {
    if (!addresses.some((own) => sameNetwork(own, peer))) {
      throw usageError(`--peer ${peer} is in no network of --addr`, 'give both ends of the link one network');
    }
    if (addresses.some((own) => own.address.equals(peer))) {
      throw usageError(`--peer ${peer} is the stack's own address`, 'the kernel needs an address of its own');
    }
  }
  return addresses.map((own) => {
    const peer = given.find((candidate) => sameNetwork(own, candidate)) ?? defaultPeer(own);
    return `${peer}/${own.prefix}`;
  });
}

function defaultPeer(own: AddressWithPrefix): IpAddress {
  const bits = own.address.family === 4 ? 32 : 128;
  const hostBits = bits - own.prefix;
  if (hostBits === 0) throw usageError(`${own.address}/${own.prefix} has no room for a peer`, 'give --peer');
  // Only the last word is ever changed: networks with fewer than 32 host bits are the use here.
  const hostMask = hostBits >= 32 ? 0xffffffff : 2 ** hostBits - 1;
  const base = (own.address.w3 & ~hostMask) >>> 0;
  const first = base + 1 === own.address.w3 >>> 0 ? base + 2 : base + 1;
  const { w0, w1, w2 } = own.address;
  return new IpAddress(w0, w1, w2, first | 0);
}
