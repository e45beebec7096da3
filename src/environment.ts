// The stack that the environment of a process asks for: SYNWAVE_LINK, SYNWAVE_ADDRESS and their kind.

import type { CreateStackOptions } from './create-stack.js';
import { LOOPBACK_ADDRESSES } from './default-stack.js';
import { ethernetLink } from './link/ethernet.js';
import { nullLink } from './link/null.js';
import { rawLink } from './link/raw.js';
import { tapLink } from './link/tap.js';
import { tunLink } from './link/tun.js';
import { createLogger } from './observe/logger.js';

type Environment = Readonly<Record<string, string | undefined>>;

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * Options of `createStack` as the environment has them.
 *
 * | variable | meaning |
 * | --- | --- |
 * | `SYNWAVE_LINK` | `loopback` (default): inside of this process; `tun:NAME` or `tap:NAME`: a device, made when there is none; `ethernet:IFACE`; `raw:ADDRESS`, more of them by commas |
 * | `SYNWAVE_ADDRESS` | addresses of the stack with prefix lengths, by commas; required but for `loopback` and `raw`. `127.0.0.1` and `::1` are added |
 * | `SYNWAVE_PEER` | addresses of the kernel's end, as `10.9.0.1/24`, for a device that is made |
 * | `SYNWAVE_PORTS` | TCP ports of a `raw` link on which the program will listen, as `80,8000-8010` |
 * | `SYNWAVE_GATEWAY` | default gateways of an `ethernet` or `tap` link, by commas |
 * | `SYNWAVE_CAPTURE` | file for a pcapng capture of the link |
 * | `SYNWAVE_LOG` | level of a pino log on standard error, or `LEVEL:FILE` |
 *
 * @throws Error with code ERR_SYNWAVE_ENVIRONMENT naming the variable; those of the link
 */
export async function stackOptionsFrom(environment: Environment): Promise<CreateStackOptions> {
  const { SYNWAVE_CAPTURE: capture, SYNWAVE_LOG: log } = environment;
  const { link, addresses } = await linkFrom(environment);
  const gateway = listOf(environment.SYNWAVE_GATEWAY);
  return {
    link,
    addresses: [...addresses, ...LOOPBACK_ADDRESSES.filter((address) => !addresses.includes(address))],
    ...(gateway.length > 0 && { gateway }),
    ...(capture && { capture }),
    ...(log && { logger: loggerFrom(log) }),
  };
}

async function linkFrom(environment: Environment): Promise<Pick<CreateStackOptions, 'link' | 'addresses'>> {
  const own = listOf(environment.SYNWAVE_ADDRESS);
  const text = environment.SYNWAVE_LINK || 'loopback';
  if (text === 'loopback') return { link: nullLink(), addresses: own };
  const [, kind, rest = ''] = /^(tun|tap|ethernet|raw):(.+)$/.exec(text) ?? [];
  if (kind === 'raw') {
    const link = await rawLink({ address: listOf(rest), ports: listOf(environment.SYNWAVE_PORTS) });
    return { link, addresses: link.addresses };
  }
  if (kind === undefined) {
    const remedy = 'write loopback, tun:NAME, tap:NAME, ethernet:IFACE or raw:ADDRESS';
    throw environmentError('SYNWAVE_LINK', text, remedy);
  }
  if (own.length === 0) {
    throw environmentError('SYNWAVE_ADDRESS', '', `a stack on ${text} needs one, such as 10.9.0.2/24`);
  }
  if (kind === 'ethernet') {
    return { link: await ethernetLink({ interface: rest, addresses: own }), addresses: own };
  }
  const device = { name: rest, hostAddress: listOf(environment.SYNWAVE_PEER) };
  return { link: await (kind === 'tun' ? tunLink(device) : tapLink(device)), addresses: own };
}

function loggerFrom(text: string): ReturnType<typeof createLogger> {
  const colon = text.indexOf(':');
  const word = colon < 0 ? text : text.slice(0, colon);
  const level = LEVELS.find((each) => each === word);
  if (level === undefined) {
    throw environmentError('SYNWAVE_LOG', text, `write LEVEL or LEVEL:FILE; levels are ${LEVELS.join(', ')}`);
  }
  return createLogger({ level, destination: colon < 0 ? 2 : text.slice(colon + 1) });
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

function environmentError(name: string, value: string, remedy: string): Error {
  return Object.assign(new Error(`${name}="${value}": ${remedy}`), { code: 'ERR_SYNWAVE_ENVIRONMENT' });
}
