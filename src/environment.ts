// The stack that the environment of a process asks for: SYNWAVE_LINK, SYNWAVE_ADDRESS and their kind.

import type { CreateStackOptions } from './create-stack.js';
import { LOOPBACK_ADDRESSES } from './default-stack.js';
import { nullLink } from './link/null.js';
import { tunLink } from './link/tun.js';
import { createLogger } from './observe/logger.js';

type Environment = Readonly<Record<string, string | undefined>>;

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * Options of `createStack` as the environment has them.
 *
 * | variable | meaning |
 * | --- | --- |
 * | `SYNWAVE_LINK` | `loopback` (default): inside of this process; `tun:NAME`: a TUN device, made when there is none |
 * | `SYNWAVE_ADDRESS` | addresses of the stack with prefix lengths, by commas; required with a TUN. `127.0.0.1` and `::1` are added |
 * | `SYNWAVE_PEER` | addresses of the kernel's end, as `10.9.0.1/24`, for a TUN that is made |
 * | `SYNWAVE_CAPTURE` | file for a pcapng capture of the link |
 * | `SYNWAVE_LOG` | level of a pino log on standard error, or `LEVEL:FILE` |
 *
 * @throws Error with code ERR_SYNWAVE_ENVIRONMENT naming the variable; those of `tunLink`
 */
export async function stackOptionsFrom(environment: Environment): Promise<CreateStackOptions> {
  const own = listOf(environment.SYNWAVE_ADDRESS);
  const { SYNWAVE_CAPTURE: capture, SYNWAVE_LOG: log } = environment;
  return {
    link: await linkFrom(environment, own),
    addresses: [...own, ...LOOPBACK_ADDRESSES.filter((address) => !own.includes(address))],
    ...(capture && { capture }),
    ...(log && { logger: loggerFrom(log) }),
  };
}

async function linkFrom(
  environment: Environment,
  own: readonly string[],
): Promise<CreateStackOptions['link']> {
  const text = environment.SYNWAVE_LINK || 'loopback';
  if (text === 'loopback') return nullLink();
  const device = /^tun:(.+)$/.exec(text)?.[1];
  if (device === undefined) throw environmentError('SYNWAVE_LINK', text, 'write loopback or tun:NAME');
  if (own.length === 0) {
    throw environmentError('SYNWAVE_ADDRESS', '', 'a stack on a TUN needs one, such as 10.9.0.2/24');
  }
  return tunLink({ name: device, hostAddress: listOf(environment.SYNWAVE_PEER) });
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
