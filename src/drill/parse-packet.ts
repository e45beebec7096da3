// Reads packets of both directions: TCP segments and ICMP errors in full, tunnels and other protocols as far as their end.
import { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from '../wire/segment.js';
import type { Cursor } from './cursor.js';
import { parseIpInfo } from './parse-ip-info.js';
import { parseOptions } from './parse-options.js';
import { type Action, type Direction, type IcmpPacket, ScriptError, type SequenceNumber } from './script.js';

const UINT32 = 0xffff_ffff;

/** `A` is no ACK, which is written as a full stop: it is the flag that AccECN has added. */
const ACCURATE_ECN = 'A';

const FLAG_BITS: Readonly<Record<string, number>> = {
  F: FIN,
  S: SYN,
  R: RST,
  P: PSH,
  '.': ACK,
  U: URG,
  E: ECE,
  W: CWR,
  C: CWR,
};

/** Words behind the direction that begin something other than a TCP segment, with the reason why it is skipped. */
const OTHERS: Readonly<Record<string, string>> = {
  udp: 'UDP packets are not TCP',
  udplite: 'UDP-Lite packets are not TCP',
  sctp: 'SCTP packets are not TCP',
  ipv4: 'encapsulated packets are not supported',
  ipv6: 'encapsulated packets are not supported',
  gre: 'GRE tunnels are not supported',
  GREv0: 'GRE tunnels are not supported',
  mpls: 'MPLS is not supported',
};

/** Reads what follows the time when it begins with `<` or `>`. */
export function parsePacket(cursor: Cursor): Action {
  const direction: Direction = cursor.next().text === '<' ? 'in' : 'out';
  if (cursor.is('[') && isIcmpQuote(cursor)) return parseOldIcmp(cursor, direction);
  const ip = parseIpInfo(cursor);
  const word = cursor.peek();
  if (word.kind === 'word' && word.text === 'icmp') return parseIcmp(cursor, direction, ip);
  if (word.kind === 'word' && Object.hasOwn(OTHERS, word.text)) {
    cursor.skipToNextLine();
    return { kind: 'other', direction, unsupported: OTHERS[word.text]! };
  }
  cursor.accept('tcp');
  return parseTcp(cursor, direction, ip);
}

function parseTcp(cursor: Cursor, direction: Direction, ip: IcmpPacket['ip']): Action {
  const ports = parsePorts(cursor);
  const { flags, isAccurateEcn } = parseFlags(cursor);
  const { seq, length } = parseSequence(cursor);
  const ack = cursor.accept('ack') ? parseNumber(cursor, 'the acknowledgment number') : null;
  const win = cursor.accept('win') ? parseWindow(cursor) : null;
  const urg = cursor.accept('urg') ? cursor.integer('the urgent pointer', 0, 0xffff) : 0;
  const options = parseOptions(cursor);
  let unsupported = isAccurateEcn ? 'the ACE counter of AccECN is not supported' : null;
  if (cursor.is('{')) {
    cursor.skipToNextLine();
    unsupported = 'mutated packets are not supported';
  }
  if (options === 'any' && direction === 'in') {
    throw new ScriptError(cursor.peek().position, 'only an expected packet can leave its options open');
  }
  for (const option of options === 'any' ? [] : options) {
    if (option.name === 'other') unsupported ??= `the option "${option.text}" is not supported`;
  }
  return { kind: 'tcp', direction, ip, ports, flags, seq, length, ack, win, urg, options, unsupported };
}

function parsePorts(cursor: Cursor): { source: number; destination: number } | null {
  if (!cursor.isKind('integer') || !cursor.is('>', 1)) return null;
  const source = cursor.integer('a port', 1, 0xffff);
  cursor.expect('>');
  return { source, destination: cursor.integer('a port', 1, 0xffff) };
}

function parseFlags(cursor: Cursor): { flags: number; isAccurateEcn: boolean } {
  if (cursor.accept('-')) return { flags: 0, isAccurateEcn: false };
  const first = cursor.peek();
  let letters = '';
  // `.5` is lexed as a number: the ACK flag with an ACE counter. So is the `5` of `5.`.
  if (first.kind === 'word' && !/^(ack|win|urg)$/.test(first.text)) letters += cursor.next().text;
  const number = cursor.peek();
  if (number.kind === 'float' || (letters === '' && number.kind === 'integer' && cursor.is('.', 1))) {
    letters += cursor.next().text;
  }
  if (cursor.accept('.')) letters += '.';
  if (letters === '') throw cursor.unexpected('the flags of a segment, such as "S", "P." or "-"');
  let flags = 0;
  let isAccurateEcn = false;
  for (const letter of letters) {
    const bit = FLAG_BITS[letter];
    if (bit !== undefined) flags |= bit;
    else if (letter === ACCURATE_ECN || /[0-7]/.test(letter)) isAccurateEcn = true;
    else
      throw new ScriptError(
        first.position,
        `"${letter}" is no flag; there are: S F R P . U E W C, and A of AccECN`,
      );
  }
  return { flags, isAccurateEcn };
}

/** `1:1001(1000)`, `1!:1!(0)!` or `...(0)`. */
function parseSequence(cursor: Cursor): { seq: SequenceNumber; length: number } {
  const { position } = cursor.peek();
  const seq = parseNumber(cursor, 'a sequence number');
  if (seq.kind === 'any' && !cursor.is(':')) return { seq, length: parseLength(cursor) };
  cursor.expect(':');
  const end = parseNumber(cursor, 'the sequence number behind the segment');
  const length = parseLength(cursor);
  if (seq.kind !== 'any' && end.kind !== 'any' && ((seq.value + length) & UINT32) >>> 0 !== end.value) {
    throw new ScriptError(position, `${seq.value}:${end.value} are not ${length} octets`);
  }
  return { seq, length };
}

function parseLength(cursor: Cursor): number {
  cursor.expect('(');
  const length = cursor.integer('the payload length', 0, 0xffff);
  cursor.expect(')');
  cursor.accept('!');
  return length;
}

function parseNumber(cursor: Cursor, what: string): SequenceNumber {
  if (cursor.isKind('ellipsis')) {
    cursor.next();
    return { kind: 'any' };
  }
  const value = cursor.integer(what, 0, UINT32);
  return { kind: cursor.accept('!') ? 'absolute' : 'relative', value };
}

function parseWindow(cursor: Cursor): number | null {
  if (cursor.isKind('ellipsis') || cursor.is('*')) {
    cursor.next();
    return null;
  }
  return cursor.integer('the window', 0, 0xffff);
}

function isIcmpQuote(cursor: Cursor): boolean {
  return cursor.isKind('integer', 1) || cursor.is('udp', 1) || cursor.is('raw', 1);
}

/** The order of the first dialect: the quote stands before `icmp`. */
function parseOldIcmp(cursor: Cursor, direction: Direction): Action {
  const quote = parseQuote(cursor);
  const ip = parseIpInfo(cursor);
  const action = parseIcmp(cursor, direction, ip);
  return { ...action, quote: quote.quote, unsupported: action.unsupported ?? quote.unsupported };
}

function parseIcmp(cursor: Cursor, direction: Direction, ip: IcmpPacket['ip']): IcmpPacket {
  cursor.expect('icmp');
  if (!cursor.isKind('word')) throw cursor.unexpected('the type of an ICMP message');
  const type = cursor.next().text;
  let code: string | null = null;
  const next = cursor.peek();
  const isWord = next.kind === 'word' && !['mtu', 'id'].includes(next.text) && !next.isFirst;
  if (isWord || (next.kind === 'integer' && !next.isFirst)) code = cursor.next().text;
  const mtu = cursor.accept('mtu') ? cursor.integer('the MTU', 0, UINT32) : null;
  if (cursor.accept('id')) cursor.integer('the identifier', 0, 0xffff);
  const { quote, unsupported } = cursor.is('[') ? parseQuote(cursor) : NO_QUOTE;
  const own = direction === 'out' ? 'ICMP messages of the subject are not looked at' : null;
  return { kind: 'icmp', direction, ip, type, code, mtu, quote, unsupported: own ?? unsupported };
}

type Quote = Pick<IcmpPacket, 'quote' | 'unsupported'>;

const NO_QUOTE: Quote = { quote: { seq: { kind: 'relative', value: 0 }, length: 0 }, unsupported: null };

function parseQuote(cursor: Cursor): Quote {
  cursor.expect('[');
  let quote: Quote;
  if (cursor.accept('udp') || cursor.accept('raw')) {
    parseLength(cursor);
    quote = { ...NO_QUOTE, unsupported: 'ICMP about other protocols than TCP is not supported' };
  } else {
    quote = { quote: parseSequence(cursor), unsupported: null };
  }
  cursor.expect(']');
  return quote;
}
