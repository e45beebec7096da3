// Translates the calls of a script to socket calls, and compares what they return.
import { constants } from 'node:os';
import { Unsupported } from './outcome.js';
import type { Call, Expression, Field } from './script.js';
import type { CallResult, OptionValue, SocketCall } from './socket-call.js';

/** Numbers of words that scripts use for values. */
const WORDS: Readonly<Record<string, number>> = {
  SHUT_RD: 0,
  SHUT_WR: 1,
  SHUT_RDWR: 2,
  O_RDWR: 2,
  O_NONBLOCK: 0o4000,
  ...constants.errno,
};

/** Options of sockets that have a number, by name. */
const NUMBER_OPTIONS: ReadonlySet<string> = new Set([
  'SO_REUSEADDR',
  'SO_REUSEPORT',
  'SO_ERROR',
  'SO_RCVBUF',
  'SO_SNDBUF',
  'SO_KEEPALIVE',
  'SO_OOBINLINE',
  'SO_ACCEPTCONN',
  'SO_TYPE',
  'SO_DEBUG',
  'SO_RCVLOWAT',
  'TCP_NODELAY',
  'TCP_MAXSEG',
  'TCP_CORK',
  'TCP_KEEPIDLE',
  'TCP_KEEPINTVL',
  'TCP_KEEPCNT',
  'TCP_USER_TIMEOUT',
  'TCP_LINGER2',
  'TCP_SYNCNT',
  'TCP_WINDOW_CLAMP',
  'TCP_QUICKACK',
  'TCP_FASTOPEN',
  'IP_TOS',
  'IP_TTL',
  'IPV6_TCLASS',
  'IPV6_UNICAST_HOPS',
  'IPV6_V6ONLY',
  'IP_MTU_DISCOVER',
]);

/** Values of IP_MTU_DISCOVER and their like are words that only name a number to be stored. */
const STORED_WORDS: Readonly<Record<string, number>> = {
  IP_PMTUDISC_DONT: 0,
  IP_PMTUDISC_WANT: 1,
  IP_PMTUDISC_DO: 2,
};

type Translator = (call: Call) => SocketCall;

const TRANSLATORS: Readonly<Record<string, Translator>> = {
  socket: toSocket,
  bind: (call) => ({ name: 'bind', fd: fdOf(call), port: portOf(call.args[1]) }),
  listen: (call) => ({ name: 'listen', fd: fdOf(call), backlog: numberOf(call, 1) }),
  accept: (call) => toAccept(call, []),
  accept4: (call) => toAccept(call, wordsOf(call.args[3])),
  connect: (call) => ({ name: 'connect', fd: fdOf(call), port: portOf(call.args[1]) }),
  read: (call) => toRead(call, numberOf(call, 2), []),
  recv: (call) => toRead(call, numberOf(call, 2), wordsOf(call.args[3])),
  recvfrom: (call) => toRead(call, numberOf(call, 2), wordsOf(call.args[3])),
  readv: (call) => toRead(call, vectorLength(call.args[1]), []),
  recvmsg: (call) => toRead(call, vectorLength(messageVector(call)), wordsOf(call.args[2])),
  write: (call) => toWrite(call, call.args[1], numberOf(call, 2), []),
  send: (call) => toWrite(call, call.args[1], numberOf(call, 2), wordsOf(call.args[3])),
  sendto: (call) => toWrite(call, call.args[1], numberOf(call, 2), wordsOf(call.args[3])),
  writev: (call) => toWrite(call, undefined, vectorLength(call.args[1]), []),
  sendmsg: (call) => toWrite(call, undefined, vectorLength(messageVector(call)), wordsOf(call.args[2])),
  shutdown: toShutdown,
  close: (call) => ({ name: 'close', fd: fdOf(call) }),
  fcntl: toFcntl,
  setsockopt: toSetsockopt,
  getsockopt: toGetsockopt,
  ioctl: toIoctl,
  poll: toPoll,
};

/** @throws Unsupported for calls, options and arguments that are in no table */
export function toSocketCall(call: Call): SocketCall {
  const translate = Object.hasOwn(TRANSLATORS, call.name) ? TRANSLATORS[call.name] : undefined;
  if (translate === undefined) throw new Unsupported(`the call ${call.name}() is not supported`);
  return translate(call);
}

function toSocket(call: Call): SocketCall {
  const [family, type, protocol] = call.args;
  const types = wordsOf(type);
  if (!types.includes('SOCK_STREAM')) throw new Unsupported('only sockets of type SOCK_STREAM are supported');
  const protocols = wordsOf(protocol);
  if (protocols.some((word) => word !== 'IPPROTO_TCP')) {
    throw new Unsupported(`only IPPROTO_TCP is supported, not ${protocols.join('|')}`);
  }
  const is6 = wordsOf(family).includes('AF_INET6');
  const fd = call.result.kind === 'number' ? call.result.value : -1;
  return { name: 'socket', family: is6 ? 6 : 4, nonblocking: types.includes('SOCK_NONBLOCK'), fd };
}

function toAccept(call: Call, flags: readonly string[]): SocketCall {
  const newFd = call.result.kind === 'number' ? call.result.value : -1;
  return { name: 'accept', fd: fdOf(call), newFd, nonblocking: flags.includes('SOCK_NONBLOCK') };
}

const READ_FLAGS = ['MSG_PEEK', 'MSG_DONTWAIT', 'MSG_TRUNC', 'MSG_WAITALL', 'MSG_OOB'];
const WRITE_FLAGS = ['MSG_FASTOPEN', 'MSG_DONTWAIT', 'MSG_MORE', 'MSG_OOB', 'MSG_NOSIGNAL', 'MSG_EOR'];

function toRead(call: Call, length: number, flags: readonly string[]): SocketCall {
  refuseOthers('recv', flags, READ_FLAGS);
  return { name: 'read', fd: fdOf(call), length, flags };
}

function toWrite(
  call: Call,
  data: Expression | undefined,
  length: number,
  flags: readonly string[],
): SocketCall {
  refuseOthers('send', flags, WRITE_FLAGS);
  return { name: 'write', fd: fdOf(call), length, text: data?.kind === 'text' ? data.text : null, flags };
}

function refuseOthers(what: string, flags: readonly string[], known: readonly string[]): void {
  const other = flags.find((flag) => !known.includes(flag));
  if (other !== undefined) throw new Unsupported(`${what}() with ${other} is not supported`);
}

function toShutdown(call: Call): SocketCall {
  const [word] = wordsOf(call.args[1]);
  const how = (['SHUT_RD', 'SHUT_WR', 'SHUT_RDWR'] as const).find(
    (name, i) => name === word || String(i) === word,
  );
  if (how === undefined) throw new Unsupported(`shutdown() needs SHUT_RD, SHUT_WR or SHUT_RDWR, not ${word}`);
  return { name: 'shutdown', fd: fdOf(call), how };
}

function toFcntl(call: Call): SocketCall {
  const [command = ''] = wordsOf(call.args[1]);
  if (command !== 'F_GETFL' && command !== 'F_SETFL')
    throw new Unsupported(`fcntl() with ${command} is not supported`);
  return {
    name: 'fcntl',
    fd: fdOf(call),
    command,
    nonblocking: wordsOf(call.args[2]).includes('O_NONBLOCK'),
  };
}

function toSetsockopt(call: Call): SocketCall {
  const option = optionOf(call);
  return { name: 'setsockopt', fd: fdOf(call), option, value: optionValue(call.args[3], option) };
}

function toGetsockopt(call: Call): SocketCall {
  return { name: 'getsockopt', fd: fdOf(call), option: optionOf(call) };
}

function optionOf(call: Call): string {
  const [option = ''] = wordsOf(call.args[2]);
  if (NUMBER_OPTIONS.has(option) || option === 'SO_LINGER' || option === 'TCP_CONGESTION') return option;
  throw new Unsupported(`${call.name}() with ${option} is not supported`);
}

function optionValue(value: Expression | undefined, option: string): OptionValue {
  const only = value?.kind === 'list' && value.items.length === 1 ? value.items[0] : value;
  if (option === 'SO_LINGER' && only?.kind === 'record') {
    const field = (name: string) => {
      const found = only.fields.find((one) => one.name === name)?.value;
      return found?.kind === 'number' ? found.value : 0;
    };
    return { onoff: field('onoff'), linger: field('linger') };
  }
  if (option === 'TCP_CONGESTION' && only?.kind === 'text') return only.text.replace(/\0+$/, '');
  const number = only === undefined ? null : constantOf(only);
  if (number === null) throw new Unsupported(`setsockopt() of ${option} needs a number`);
  return number;
}

function toIoctl(call: Call): SocketCall {
  const [word] = wordsOf(call.args[1]);
  const request = word === 'FIONREAD' ? 'SIOCINQ' : word;
  if (request !== 'SIOCINQ' && request !== 'SIOCOUTQ')
    throw new Unsupported(`ioctl() with ${word} is not supported`);
  return { name: 'ioctl', fd: fdOf(call), request };
}

function toPoll(call: Call): SocketCall {
  const list = call.args[0];
  if (list?.kind !== 'list') throw new Unsupported('poll() needs a list of {fd=…, events=…}');
  const fds = list.items.map((item) => {
    const fields = item.kind === 'record' ? item.fields : [];
    const fd = fieldOf(fields, 'fd');
    return { fd: fd?.kind === 'number' ? fd.value : -1, events: wordsOf(fieldOf(fields, 'events')) };
  });
  return { name: 'poll', fds, timeoutMs: numberOf(call, 2) };
}

function fieldOf(fields: readonly Field[], name: string): Expression | undefined {
  return fields.find((field) => field.name === name)?.value;
}

function fdOf(call: Call): number {
  return numberOf(call, 0);
}

function numberOf(call: Call, index: number): number {
  const arg = call.args[index];
  const number = arg === undefined ? null : constantOf(arg);
  if (number === null) throw new Unsupported(`${call.name}() needs a number as argument ${index + 1}`);
  return number;
}

function constantOf(e: Expression): number | null {
  if (e.kind === 'number') return e.value;
  if (e.kind === 'word') return WORDS[e.word] ?? STORED_WORDS[e.word] ?? null;
  if (e.kind === 'list' && e.items.length === 1) return constantOf(e.items[0]!);
  if (e.kind !== 'or') return null;
  const parts = e.parts.map(constantOf);
  return parts.includes(null) ? null : parts.reduce<number>((all, part) => all | part!, 0);
}

/** The words of `A | B`; numbers other than 0 as text. */
function wordsOf(e: Expression | undefined): string[] {
  if (e === undefined || e.kind === 'any') return [];
  if (e.kind === 'word') return [e.word];
  if (e.kind === 'number') return e.value === 0 ? [] : [String(e.value)];
  if (e.kind === 'or') return e.parts.flatMap(wordsOf);
  return [];
}

/** The port of `{sa_family = …, sin_port = htons(8080), …}`; null for `...`. */
function portOf(e: Expression | undefined): number | null {
  if (e?.kind !== 'record') return null;
  const port = fieldOf(e.fields, 'sin_port');
  const number = port?.kind === 'call' ? port.args[0] : port;
  return number?.kind === 'number' ? number.value : null;
}

function vectorLength(e: Expression | undefined): number {
  if (e?.kind !== 'list') throw new Unsupported('the vector must be a list of {..., length}');
  let length = 0;
  for (const item of e.items) {
    const last = item.kind === 'record' ? item.fields.at(-1)?.value : undefined;
    if (last?.kind !== 'number') throw new Unsupported('the vector must be a list of {..., length}');
    length += last.value;
  }
  return length;
}

function messageVector(call: Call): Expression | undefined {
  const message = call.args[1];
  if (message?.kind !== 'record') throw new Unsupported(`${call.name}() needs a message`);
  const control = fieldOf(message.fields, 'msg_control');
  if (control?.kind === 'list' && control.items.length > 0) {
    throw new Unsupported(`${call.name}() with control messages is not supported`);
  }
  return fieldOf(message.fields, 'msg_iov');
}

/** Errors for which the stacks of this world differ, each with those that are as good (lenient matching only). */
const SAME_ERRORS: readonly (readonly string[])[] = [
  ['ECONNREFUSED', 'ECONNRESET'],
  ['ECONNRESET', 'EPIPE'],
];

function isSameError(a: string, b: string, strict: boolean): boolean {
  const name = (error: string) => (error === 'EWOULDBLOCK' ? 'EAGAIN' : error);
  if (name(a) === name(b)) return true;
  return !strict && SAME_ERRORS.some((set) => set.includes(a) && set.includes(b));
}

/** What is wrong with a result, in words: `expected` and `got` for the report; null when all is as the script says. */
export function resultProblem(
  call: Call,
  result: CallResult,
  strict: boolean,
): { message: string; expected: string; got: string } | null {
  const expected = constantOf(call.result);
  const wanted = expected === null ? '...' : `${expected}${call.errno === null ? '' : ` ${call.errno}`}`;
  const got = `${result.value}${result.errno === null ? '' : ` ${result.errno}`}`;
  const isNewFd = call.name === 'socket' || call.name.startsWith('accept');
  const isFlags = call.name === 'fcntl';
  if (expected !== null && !(isFlags && expected >= 0 && result.value >= 0)) {
    // A descriptor is what the script calls it.
    const isRight = isNewFd && expected >= 0 ? result.value >= 0 : result.value === expected;
    const isRightError =
      call.errno === null || (result.errno !== null && isSameError(call.errno, result.errno, strict));
    if (!isRight || !isRightError)
      return { message: `${call.name}() returned another result`, expected: wanted, got };
  }
  if (typeof result.corruptAt === 'number') {
    const at = `octet ${result.corruptAt} of the stream`;
    return {
      message: 'the data read is not the data sent',
      expected: 'the data in its order',
      got: `another ${at}`,
    };
  }
  return outProblem(call, result, strict);
}

function outProblem(
  call: Call,
  result: CallResult,
  strict: boolean,
): { message: string; expected: string; got: string } | null {
  if (result.out === undefined || result.value < 0) return null;
  if (call.name === 'poll') return pollProblem(call, result);
  const given = call.args[call.name === 'ioctl' ? 2 : 3];
  const only = given?.kind === 'list' && given.items.length === 1 ? given.items[0] : given;
  if (only === undefined || only.kind === 'any') return null;
  const option = call.name === 'ioctl' ? wordsOf(call.args[1])[0] : wordsOf(call.args[2])[0];
  // How a buffer is counted is every stack's own affair.
  if (option === 'SO_RCVBUF' || option === 'SO_SNDBUF') return null;
  const message = `${call.name}() read another value`;
  if (typeof result.out === 'string') {
    const text = only.kind === 'text' ? only.text.replace(/\0+$/, '') : null;
    return text === null || text === result.out ? null : { message, expected: text, got: result.out };
  }
  const number = constantOf(only);
  if (number === null || typeof result.out !== 'number' || number === result.out) return null;
  if (option !== 'SO_ERROR') return { message, expected: String(number), got: String(result.out) };
  const [expected, got] = [errorName(number), errorName(result.out)];
  return isSameError(expected, got, strict) ? null : { message, expected, got };
}

function pollProblem(
  call: Call,
  result: CallResult,
): { message: string; expected: string; got: string } | null {
  const list = call.args[0];
  if (list?.kind !== 'list' || !Array.isArray(result.out)) return null;
  for (const [i, item] of list.items.entries()) {
    const revents = item.kind === 'record' ? fieldOf(item.fields, 'revents') : undefined;
    if (revents === undefined) continue;
    const expected = wordsOf(revents).sort().join('|') || '0';
    const got = [...((result.out[i] as string[] | undefined) ?? [])].sort().join('|') || '0';
    if (expected !== got) return { message: `poll() found other events`, expected, got };
  }
  return null;
}

/** `ECONNRESET` for 104; `0` for 0. */
export function errorName(errno: number): string {
  if (errno === 0) return '0';
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
}

/** The number of an error by name, 0 for null. */
export function errorNumber(name: string | null): number {
  return name === null ? 0 : ((constants.errno as Record<string, number>)[name] ?? -1);
}
