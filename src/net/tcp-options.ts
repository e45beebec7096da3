// The option `tcp` of `connect` and `createServer`: settings of TCP that `node:net` has no words for, checked one by one.
import type { ConnectionConfig } from '../tcp/config.js';
import type { ControllerFactory } from '../tcp/congestion/controller.js';
import { CONTROLLER_NAMES, controllerNamed } from '../tcp/congestion/registry.js';
import { invalidArgType, invalidArgValue, outOfRange } from './errors.js';

/** Settings that have an option of their own, as in `node:net`. */
const SET_ELSEWHERE = {
  nagle: 'noDelay',
  keepAlive: 'keepAlive',
  keepAliveIdleMs: 'keepAliveInitialDelay',
} as const;

type SetByNumberOrWord = Omit<ConnectionConfig, 'congestion' | keyof typeof SET_ELSEWHERE>;

/** Settings of one connection, or of all that a server accepts; they come on top of those of the stack. */
export interface TcpOptions extends Partial<SetByNumberOrWord> {
  /** The congestion controller: its name, as `cubic`, or a factory of your own. It stays for the connection's life. */
  congestion?: string | ControllerFactory;
}

interface NumberRule {
  readonly integer: boolean;
  readonly min: number;
  readonly max: number;
}

/** A switch, a number within bounds, or one of some words. */
type Rule = 'boolean' | NumberRule | readonly string[];

const SWITCH = 'boolean';
/** Largest window that TCP can tell of (RFC 7323 §2.3), and more than a sender may have in flight. */
const LARGEST_BUFFER_BYTES = 2 ** 30;
const LARGEST_SEGMENT_BYTES = 65_535;
/** Below it headers would outweigh data. */
const LEAST_SEGMENT_BYTES = 64;

function count(min: number, max: number = Number.MAX_SAFE_INTEGER): NumberRule {
  return { integer: true, min, max };
}

function ms(min: number, max: number = Number.MAX_SAFE_INTEGER): NumberRule {
  return { integer: false, min, max };
}

const RULES: Readonly<Record<keyof SetByNumberOrWord, Rule>> = {
  receiveMss: count(LEAST_SEGMENT_BYTES, LARGEST_SEGMENT_BYTES),
  pathMss: count(LEAST_SEGMENT_BYTES, LARGEST_SEGMENT_BYTES),
  joinedSendBytes: count(0, LARGEST_BUFFER_BYTES),
  sendBufferBytes: count(1, LARGEST_BUFFER_BYTES),
  sendBufferMaxBytes: count(0, LARGEST_BUFFER_BYTES),
  receiveBufferBytes: count(1, LARGEST_BUFFER_BYTES),
  receiveBufferMaxBytes: count(0, LARGEST_BUFFER_BYTES),
  windowScale: count(-1, 14),
  sack: SWITCH,
  timestamps: SWITCH,
  ecn: ['off', 'accept', 'on'],
  // RFC9293 MUST-40: less than half a second.
  delayedAckMs: ms(0, 499),
  rtoInitialMs: ms(1),
  rtoMinMs: ms(0),
  rtoMaxMs: ms(1),
  r1Retransmissions: count(1),
  r2Ms: ms(1),
  r2SynMs: ms(1),
  synAckRetries: count(0),
  userTimeoutMs: ms(0),
  keepAliveIntervalMs: ms(1),
  keepAliveProbes: count(1),
  mslMs: ms(0),
  finWait2Ms: ms(0),
  orphanMs: ms(0),
  synData: ['queue', 'discard', 'accept'],
  synDataBytes: count(0, LARGEST_SEGMENT_BYTES),
  fastOpen: SWITCH,
  fastOpenPending: count(0),
  synCookies: ['off', 'full', 'always'],
  reassemblySegments: count(1),
  peerMssFloor: count(1, LARGEST_SEGMENT_BYTES),
  challengeAckLimit: count(0),
  challengeAckWindowMs: ms(1),
  rfc1337: SWITCH,
  dscp: count(0, 63),
  ttl: count(1, 255),
  reportSoftErrors: SWITCH,
  probeBaseMss: count(0, LARGEST_SEGMENT_BYTES),
  initialWindowSegments: count(1),
};

/**
 * Checks the option `tcp`. Settings that are undefined count as absent.
 * @returns undefined when the option is absent
 * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE; ERR_INVALID_ARG_VALUE for settings and words that there are not, naming
 *   those that there are
 */
export function parseTcpOptions(value: unknown): Partial<ConnectionConfig> | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null) {
    throw invalidArgType('options.tcp', 'of type object', value);
  }
  const config: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(value)) {
    if (setting === undefined) continue;
    config[key] = parseSetting(key, setting, `options.tcp.${key}`);
  }
  return config;
}

function parseSetting(key: string, value: unknown, name: string): unknown {
  if (key === 'congestion') return parseCongestion(value, name);
  if (Object.hasOwn(SET_ELSEWHERE, key)) {
    const option = SET_ELSEWHERE[key as keyof typeof SET_ELSEWHERE];
    throw invalidArgValue(name, value, `is no setting here; use the option "${option}", as in node:net`);
  }
  if (!Object.hasOwn(RULES, key)) {
    throw invalidArgValue(
      name,
      value,
      `is no setting; there are congestion, ${Object.keys(RULES).join(', ')}`,
    );
  }
  checkRule(RULES[key as keyof typeof RULES], value, name);
  return value;
}

function parseCongestion(value: unknown, name: string): ControllerFactory {
  if (typeof value === 'function') return value as ControllerFactory;
  if (typeof value !== 'string') throw invalidArgType(name, 'one of type string or function', value);
  const factory = controllerNamed(value);
  if (factory !== null) return factory;
  throw invalidArgValue(name, value, `must be a factory or one of ${CONTROLLER_NAMES.join(', ')}`);
}

function checkRule(rule: Rule, value: unknown, name: string): void {
  if (rule === SWITCH) {
    if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value);
  } else if ('min' in rule) {
    if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
    if (rule.integer && !Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
    if (!(value >= rule.min && value <= rule.max)) {
      throw outOfRange(name, `>= ${rule.min} && <= ${rule.max}`, value);
    }
  } else if (!rule.includes(value as string)) {
    throw invalidArgValue(name, value, `must be one of ${rule.join(', ')}`);
  }
}
