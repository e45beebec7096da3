// Reads the TCP options of a packet, from `<` to `>`.
import { fastOpenLengthOk } from '../wire/tcp-options.js';
import type { Cursor } from './cursor.js';
import { type OptionSpec, ScriptError } from './script.js';

const UINT32 = 0xffff_ffff;
/** Octets that a header has for options. */
const MAX_OPTION_BYTES = 40;

/** Options that the language knows and this runner does not; their text ends at the next comma. */
const OTHER = /^(FOEXP|md5|ECN|exp|AO|dss|mp\w*|(add|remove|rm)_addr\w*|unk\w*|generic|raw)$/i;

/** Reads them; an empty list when there are none. */
export function parseOptions(cursor: Cursor): OptionSpec[] | 'any' {
  if (!cursor.is('<')) return [];
  // What begins on a line of its own is the next packet's direction only behind a time, so this `<` is ours.
  const start = cursor.next();
  if (cursor.isKind('ellipsis')) {
    cursor.next();
    cursor.expect('>');
    return 'any';
  }
  const options: OptionSpec[] = [];
  if (cursor.accept('>')) return options;
  do options.push(parseOption(cursor));
  while (cursor.accept(','));
  cursor.expect('>');
  const bytes = options.reduce((sum, option) => sum + bytesOf(option), 0);
  if (bytes > MAX_OPTION_BYTES) {
    throw cursor.unexpected(
      `at most ${MAX_OPTION_BYTES} octets of options since column ${start.position.column}`,
    );
  }
  return options;
}

function parseOption(cursor: Cursor): OptionSpec {
  const token = cursor.peek();
  if (token.kind !== 'word') throw cursor.unexpected('an option');
  cursor.next();
  switch (token.text) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return { name: token.text };
    case 'mss':
      return { name: 'mss', value: cursor.integer('the MSS', 0, 0xffff) };
    case 'wscale':
      return { name: 'wscale', value: cursor.integer('the shift', 0, 0xff) };
    case 'TS':
      return parseTimestamps(cursor);
    case 'sack':
      return parseSack(cursor);
    case 'FO':
      return parseFastOpen(cursor, token.start);
    default:
      if (OTHER.test(token.text)) return parseOther(cursor, token.text, token.start);
  }
  const known = 'mss, wscale, sackOK, sack, TS, FO, nop, eol';
  throw new ScriptError(token.position, `"${token.text}" is no option; there are: ${known}`);
}

function parseTimestamps(cursor: Cursor): OptionSpec {
  cursor.expect('val');
  const val = parseTimestamp(cursor);
  cursor.expect('ecr');
  return { name: 'TS', val, ecr: parseTimestamp(cursor) };
}

function parseTimestamp(cursor: Cursor): number | null {
  if (!cursor.isKind('ellipsis')) return cursor.integer('a timestamp', 0, UINT32);
  cursor.next();
  return null;
}

function parseSack(cursor: Cursor): OptionSpec {
  const blocks: [number, number][] = [];
  while (cursor.isKind('integer')) {
    const left = cursor.integer('the left edge', 0, UINT32);
    cursor.expect(':');
    blocks.push([left, cursor.integer('the right edge', 0, UINT32)]);
  }
  if (blocks.length === 0) throw cursor.unexpected('a SACK block, such as 1001:2001');
  return { name: 'sack', blocks };
}

/** A cookie that is no number, as a word of somebody's preprocessor, cannot be played. */
function parseFastOpen(cursor: Cursor, start: number): OptionSpec {
  const text = textOfOther(cursor, 'FO', start);
  const cookie = text.slice(2).trim();
  if (cookie === '...') return { name: 'FO', cookie: null };
  const isCookie = /^([0-9a-f]{2})*$/.test(cookie) && fastOpenLengthOk(2 + cookie.length / 2);
  return isCookie ? { name: 'FO', cookie } : { name: 'other', text };
}

function parseOther(cursor: Cursor, name: string, start: number): OptionSpec {
  return { name: 'other', text: textOfOther(cursor, name, start) };
}

/** What an option says, up to the next comma. */
function textOfOther(cursor: Cursor, name: string, start: number): string {
  let depth = 0;
  while (!cursor.isKind('end')) {
    if (depth === 0 && (cursor.is(',') || cursor.is('>'))) return cursor.textSince(start);
    if (cursor.is('[') || cursor.is('(') || cursor.is('{')) depth++;
    if (cursor.is(']') || cursor.is(')') || cursor.is('}')) depth--;
    cursor.next();
  }
  throw cursor.unexpected(`the end of the option ${name}`);
}

/** Octets that an option takes; 0 for those that are not encoded. */
export function bytesOf(option: OptionSpec): number {
  switch (option.name) {
    case 'nop':
    case 'eol':
      return 1;
    case 'sackOK':
      return 2;
    case 'mss':
      return 4;
    case 'wscale':
      return 3;
    case 'TS':
      return 10;
    case 'sack':
      return 2 + 8 * option.blocks.length;
    case 'FO':
      return 2 + (option.cookie ?? '').length / 2;
    case 'other':
      return 0;
  }
}
