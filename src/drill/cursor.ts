// Walks through tokens: what the parsers share.
import type { Token, TokenKind } from './lexer.js';
import { ScriptError } from './script.js';

/** A place among the tokens of a script. */
export class Cursor {
  private at = 0;

  constructor(
    readonly source: string,
    private readonly tokens: readonly Token[],
  ) {}

  /** The token `ahead` places on; the last one is `end`. */
  peek(ahead = 0): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)]!;
  }

  /** Takes the next token. */
  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.at++;
    return token;
  }

  /** Whether the next token is that sign or word. */
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return (token.kind === 'punctuation' || token.kind === 'word') && token.text === text;
  }

  isKind(kind: TokenKind, ahead = 0): boolean {
    return this.peek(ahead).kind === kind;
  }

  /** Takes the sign or word when it is there. */
  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.at++;
    return true;
  }

  /** @throws ScriptError when it is not there */
  expect(text: string): Token {
    if (!this.is(text)) throw this.unexpected(`"${text}"`);
    return this.next();
  }

  /** Takes a whole number. @throws ScriptError */
  integer(what: string, least: number, most: number): number {
    const token = this.peek();
    if (token.kind !== 'integer') throw this.unexpected(what);
    if (token.value < least || token.value > most) {
      throw new ScriptError(token.position, `${what} must be ${least} to ${most}, not ${token.text}`);
    }
    this.at++;
    return token.value;
  }

  /** The error for the next token, where `wanted` should stand. */
  unexpected(wanted: string): ScriptError {
    const token = this.peek();
    const found =
      token.kind === 'end' ? 'the end of the script' : `"${this.source.slice(token.start, token.end)}"`;
    return new ScriptError(token.position, `expected ${wanted}, found ${shorten(found)}`);
  }

  /** The text between two tokens, as written. */
  textSince(start: number): string {
    const last = this.tokens[Math.max(0, this.at - 1)]!;
    return this.source.slice(start, last.end).replace(/\s+/g, ' ');
  }

  /**
   * Skips to where an event can begin: a token that is first on its line, outside of brackets, and not behind a sign that
   * something follows.
   */
  skipToNextLine(): void {
    let depth = 0;
    let last: Token | null = null;
    for (let token = this.peek(); token.kind !== 'end'; token = this.peek()) {
      const isOpen = depth > 0 || last === null || [';', ',', ':'].includes(last.text);
      if (token.isFirst && !isOpen) return;
      if (token.kind === 'punctuation' && /[[({]/.test(token.text)) depth++;
      if (token.kind === 'punctuation' && /[\])}]/.test(token.text)) depth--;
      last = this.next();
    }
    if (depth > 0) throw this.unexpected('a closing bracket');
  }
}

function shorten(text: string): string {
  const first = text.split('\n')[0]!;
  return first.length > 40 ? `${first.slice(0, 40)}…` : first;
}
