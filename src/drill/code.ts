// The snippets between `%{` and `}%`: assertions over TCP_INFO and running variables. A small part of Python, read and
// evaluated here; nothing is ever handed to an interpreter. What is not understood makes the script one to be skipped.
import { FUNCTIONS } from './evaluate.js';
import { Unsupported } from './outcome.js';

/** What a snippet computes with. */
export type Value = number | string | boolean;

/** An expression of a snippet. */
export type CodeExpression =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unary'; readonly op: string; readonly operand: CodeExpression }
  | {
      readonly kind: 'binary';
      readonly op: string;
      readonly left: CodeExpression;
      readonly right: CodeExpression;
    }
  /** `a < b <= c`: all must hold. */
  | {
      readonly kind: 'compare';
      readonly first: CodeExpression;
      readonly rest: readonly (readonly [string, CodeExpression])[];
    }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly CodeExpression[] };

/** A statement of a snippet. */
export type Statement =
  | {
      readonly kind: 'assert';
      readonly test: CodeExpression;
      readonly message: CodeExpression | null;
      readonly text: string;
    }
  | { readonly kind: 'assign'; readonly name: string; readonly op: string; readonly value: CodeExpression }
  | { readonly kind: 'print'; readonly args: readonly CodeExpression[] };

const TOKEN =
  /\s*(?:(0x[0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*)|('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|(\/\/=?|\*\*|<<|>>|[=!<>]=|[-+*/%&|^]=|[-+*/%&|^~<>()=,;:.[\]{}]))/y;
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
/** Binary operators from the weakest to the strongest, below comparison. */
const LEVELS: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%'],
];
/** Expressions may be nested so deep. */
const MAX_DEPTH = 50;

/**
 * Reads a snippet.
 * @throws Unsupported for what is no assertion, assignment or print of plain arithmetic
 */
export function parseCode(text: string): Statement[] {
  const statements: Statement[] = [];
  for (const line of splitStatements(text)) statements.push(new CodeParser(line).statement());
  return statements;
}

/** Newlines and semicolons part statements, outside of parentheses; comments go. */
function splitStatements(text: string): string[] {
  const found: string[] = [];
  let current = '';
  let depth = 0;
  for (const part of text.match(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|#[^\n]*|\\\n|[\s\S]/g) ?? []) {
    if (part.startsWith('#') || part === '\\\n') continue;
    if ('([{'.includes(part)) depth++;
    if (')]}'.includes(part)) depth--;
    if ((part === '\n' && depth === 0) || part === ';') {
      found.push(current);
      current = '';
    } else current += part;
  }
  found.push(current);
  return found.map((one) => one.trim()).filter((one) => one !== '');
}

class CodeParser {
  private readonly tokens: string[] = [];
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {
    let end = 0;
    TOKEN.lastIndex = 0;
    for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
      this.tokens.push(match[0].trim());
      end = TOKEN.lastIndex;
    }
    if (text.slice(end).trim() !== '') throw this.foreign();
  }

  statement(): Statement {
    const [first, second] = this.tokens;
    let statement: Statement;
    if (first === 'assert') statement = this.assertion();
    else if (first === 'print') statement = this.print();
    else if (first === 'pass') statement = { kind: 'print', args: [] };
    else if (
      first !== undefined &&
      /^[A-Za-z_]/.test(first) &&
      /^(?:=|[-+*/%&|^]=|\/\/=)$/.test(second ?? '')
    ) {
      this.at = 2;
      statement = { kind: 'assign', name: first, op: second!.slice(0, -1), value: this.expression() };
    } else throw this.foreign();
    if (first === 'pass') this.at = 1;
    if (this.at < this.tokens.length) throw this.foreign();
    return statement;
  }

  private assertion(): Statement {
    this.at = 1;
    const test = this.expression();
    const message = this.accept(',') ? this.messageOf() : null;
    return { kind: 'assert', test, message, text: this.text.replace(/\s+/g, ' ') };
  }

  /** A message may be formatted in ways that are not read here; what it says is then left out. */
  private messageOf(): CodeExpression | null {
    const start = this.at;
    try {
      const message = this.expression();
      if (this.at === this.tokens.length) return message;
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
      this.at = start;
    }
    this.at = this.tokens.length;
    return null;
  }

  /** As the function and as the statement of older scripts. */
  private print(): Statement {
    this.at = 1;
    const isCall = this.accept('(');
    const isEmpty = isCall ? this.accept(')') : this.at === this.tokens.length;
    if (isEmpty) return { kind: 'print', args: [] };
    const args: CodeExpression[] = [];
    do args.push(this.expression());
    while (this.accept(','));
    if (isCall && !this.accept(')')) throw this.foreign();
    return { kind: 'print', args };
  }

  private expression(): CodeExpression {
    if (++this.depth > MAX_DEPTH) throw this.foreign();
    let left = this.conjunction();
    while (this.accept('or')) left = { kind: 'binary', op: 'or', left, right: this.conjunction() };
    this.depth--;
    return left;
  }

  private conjunction(): CodeExpression {
    let left = this.negation();
    while (this.accept('and')) left = { kind: 'binary', op: 'and', left, right: this.negation() };
    return left;
  }

  private negation(): CodeExpression {
    if (!this.accept('not')) return this.comparison();
    if (++this.depth > MAX_DEPTH) throw this.foreign();
    return { kind: 'unary', op: 'not', operand: this.negation() };
  }

  private comparison(): CodeExpression {
    const first = this.binary(0);
    const rest: [string, CodeExpression][] = [];
    while (COMPARISONS.includes(this.tokens[this.at] ?? ''))
      rest.push([this.tokens[this.at++]!, this.binary(0)]);
    return rest.length === 0 ? first : { kind: 'compare', first, rest };
  }

  private binary(level: number): CodeExpression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.unary();
    let left = this.binary(level + 1);
    while (operators.includes(this.tokens[this.at] ?? '')) {
      const op = this.tokens[this.at++]!;
      left = { kind: 'binary', op, left, right: this.binary(level + 1) };
    }
    return left;
  }

  private unary(): CodeExpression {
    const op = ['-', '+', '~'].find((sign) => this.accept(sign));
    if (op === undefined) return this.atom();
    if (++this.depth > MAX_DEPTH) throw this.foreign();
    return { kind: 'unary', op, operand: this.unary() };
  }

  private atom(): CodeExpression {
    const token = this.tokens[this.at++];
    if (token === undefined) throw this.foreign();
    if (token === '(') {
      const inner = this.accept(')') ? { kind: 'value' as const, value: '' } : this.tuple();
      return inner;
    }
    if (/^[\d.]+\d*|^0x/.test(token) && !Number.isNaN(Number(token)))
      return { kind: 'value', value: Number(token) };
    if (/^['"]/.test(token)) return { kind: 'value', value: token.slice(1, -1) };
    if (!/^[A-Za-z_]/.test(token)) throw this.foreign();
    if (!this.accept('(')) return { kind: 'name', name: token };
    if (!FUNCTIONS.has(token)) throw this.foreign();
    const args: CodeExpression[] = [];
    if (!this.accept(')')) {
      do args.push(this.expression());
      while (this.accept(','));
      if (!this.accept(')')) throw this.foreign();
    }
    return { kind: 'call', name: token, args };
  }

  private tuple(): CodeExpression {
    const inner = this.expression();
    if (!this.accept(')')) throw this.foreign();
    return inner;
  }

  private accept(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at++;
    return true;
  }

  private foreign(): Unsupported {
    return new Unsupported(
      `the snippet "${this.text.split('\n')[0]}" is more than an assertion or an assignment`,
    );
  }
}
