// Cuts a script into tokens. What they mean is decided by the parsers.
import { type Position, ScriptError } from './script.js';

/** Kinds of tokens. `name` is `--name`, with its value in `value`. */
export type TokenKind =
  | 'integer'
  | 'float'
  | 'word'
  | 'string'
  | 'command'
  | 'code'
  | 'option'
  | 'ellipsis'
  | 'punctuation'
  | 'end';

/** One token. */
export interface Token {
  readonly kind: TokenKind;
  /** Without its quotes; for `integer` and `float` as written. */
  readonly text: string;
  /** Of numbers. */
  readonly value: number;
  readonly position: Position;
  /** Nothing but blanks stands before it on its line. */
  readonly isFirst: boolean;
  /** Offset of its first and behind its last character. */
  readonly start: number;
  readonly end: number;
}

const BLANK = /(?:[ \t\r\n]+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const OPTION =
  /--([a-zA-Z0-9_]+)(?:=("(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|[^\s"`]*(?:"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`)?))?/y;

/** In the order in which they are tried. A number ends where no letter follows it. */
const TOKENS: readonly (readonly [TokenKind, RegExp])[] = [
  ['code', /%\{([\s\S]*?)\}%/y],
  ['command', /`((?:\\[\s\S]|[^`\\])*)`/y],
  ['string', /"((?:\\[\s\S]|[^"\\])*)"/y],
  ['ellipsis', /\.\.\./y],
  ['float', /-?[0-9]*\.[0-9]+/y],
  ['integer', /0x[0-9a-fA-F]+/y],
  ['integer', /-?[0-9]+(?![a-zA-Z0-9_])/y],
  ['word', /[a-zA-Z0-9_]+/y],
  ['punctuation', /[^\s]/y],
];

/**
 * All tokens of a text, an `end` behind them.
 * @param defines words that stand for others: `--define=NAME=VALUE`
 * @throws ScriptError for a comment, string or snippet that is not closed
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const lineStarts = startsOf(text);
  let at = 0;
  let line = 0;
  for (;;) {
    BLANK.lastIndex = at;
    if (BLANK.test(text)) at = BLANK.lastIndex;
    while (line + 1 < lineStarts.length && lineStarts[line + 1]! <= at) line++;
    const position = { line: line + 1, column: at - lineStarts[line]! + 1 };
    const isFirst = text.slice(lineStarts[line]!, at).trim() === '';
    if (at >= text.length) {
      tokens.push({ kind: 'end', text: '', value: 0, position, isFirst: true, start: at, end: at });
      return tokens;
    }
    const token = tokenAt(text, at, position, isFirst);
    tokens.push(token);
    at = token.end;
  }
}

function startsOf(text: string): number[] {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return starts;
}

function tokenAt(text: string, at: number, position: Position, isFirst: boolean): Token {
  if (text.startsWith('--', at)) {
    OPTION.lastIndex = at;
    const match = OPTION.exec(text);
    if (match !== null) {
      const end = OPTION.lastIndex;
      return { kind: 'option', text: match[0], value: 0, position, isFirst, start: at, end };
    }
  }
  for (const [kind, pattern] of TOKENS) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) continue;
    const word = match[1] ?? match[0];
    if (kind === 'punctuation') refuseUnclosed(text, at, position);
    const value = kind === 'integer' || kind === 'float' ? Number(word) : 0;
    return { kind, text: word, value, position, isFirst, start: at, end: pattern.lastIndex };
  }
  throw new ScriptError(position, 'cannot be read');
}

function refuseUnclosed(text: string, at: number, position: Position): void {
  const opening = [
    ['/*', 'comment'],
    ['%{', 'snippet'],
    ['`', 'command'],
    ['"', 'string'],
  ].find(([mark]) => text.startsWith(mark!, at));
  if (opening !== undefined) throw new ScriptError(position, `this ${opening[1]} is not closed`);
}
