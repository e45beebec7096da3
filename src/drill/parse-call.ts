// Reads system calls and the expressions in them. Structures are read as lists of named fields, whatever their names: what
// a call makes of them is decided in calls.ts.
import type { Cursor } from './cursor.js';
import type { Call, Expression, Field } from './script.js';

/** Expressions may be nested so deep; deeper ones are nobody's script. */
const MAX_DEPTH = 20;

/** Reads `name(…) = result [ERRNO] [(note)]`. @param endUs when it returns, for `t...e name(…)` */
export function parseCall(cursor: Cursor, endUs: number | null): Call {
  const first = cursor.peek();
  if (first.kind !== 'word') throw cursor.unexpected('a packet, a call, a command or a snippet');
  const name = cursor.next().text;
  if (!cursor.is('(')) throw cursor.unexpected('"(" behind the name of a call');
  cursor.next();
  const args = parseList(cursor, ')', 0);
  cursor.expect('=');
  const result = parseExpression(cursor, 0);
  let errno: string | null = null;
  if (cursor.isKind('word') && !cursor.peek().isFirst && /^E[A-Z0-9]+$/.test(cursor.peek().text)) {
    errno = cursor.next().text;
  }
  while (cursor.is('(') && !cursor.peek().isFirst) skipNote(cursor);
  return { kind: 'call', name, args, result, errno, endUs, text: cursor.textSince(first.start) };
}

function skipNote(cursor: Cursor): void {
  cursor.expect('(');
  let depth = 1;
  while (depth > 0) {
    if (cursor.isKind('end')) throw cursor.unexpected('")"');
    if (cursor.is('(')) depth++;
    if (cursor.is(')')) depth--;
    cursor.next();
  }
}

function parseList(cursor: Cursor, closing: string, depth: number): Expression[] {
  const items: Expression[] = [];
  if (cursor.accept(closing)) return items;
  for (;;) {
    items.push(parseExpression(cursor, depth));
    if (cursor.accept(closing)) return items;
    cursor.expect(',');
  }
}

/** Reads one value. */
export function parseExpression(cursor: Cursor, depth: number): Expression {
  const parts = [parsePart(cursor, depth)];
  while (cursor.accept('|')) parts.push(parsePart(cursor, depth));
  return parts.length === 1 ? parts[0]! : { kind: 'or', parts };
}

function parsePart(cursor: Cursor, depth: number): Expression {
  if (depth > MAX_DEPTH) throw cursor.unexpected('an expression that is not nested as deep');
  const token = cursor.peek();
  switch (token.kind) {
    case 'ellipsis':
      cursor.next();
      return { kind: 'any' };
    case 'integer':
      cursor.next();
      return { kind: 'number', value: token.value };
    case 'float':
      cursor.next();
      return { kind: 'number', value: token.value };
    case 'string':
      return parseText(cursor);
    case 'word':
      return parseWord(cursor, depth);
    default:
      break;
  }
  if (cursor.accept('[')) return { kind: 'list', items: parseList(cursor, ']', depth + 1) };
  if (cursor.accept('{')) return { kind: 'record', fields: parseFields(cursor, depth + 1) };
  if (cursor.accept('&')) return parsePart(cursor, depth + 1);
  throw cursor.unexpected('a value');
}

function parseText(cursor: Cursor): Expression {
  let text = '';
  while (cursor.isKind('string')) text += unescaped(cursor.next().text);
  if (cursor.isKind('ellipsis')) cursor.next();
  return { kind: 'text', text };
}

function unescaped(text: string): string {
  const names: Record<string, string> = { n: '\n', t: '\t', r: '\r', 0: '\0' };
  return text.replace(/\\(x[0-9a-fA-F]{2}|[\s\S])/g, (_, what: string) =>
    what.length > 1 ? String.fromCharCode(Number.parseInt(what.slice(1), 16)) : (names[what] ?? what),
  );
}

function parseWord(cursor: Cursor, depth: number): Expression {
  const word = cursor.next().text;
  if (cursor.is('(') && !cursor.peek().isFirst) {
    cursor.next();
    return { kind: 'call', name: word, args: parseList(cursor, ')', depth + 1) };
  }
  if (cursor.is('=') && depth > 0) {
    cursor.next();
    return { kind: 'record', fields: [{ name: word, value: parseExpression(cursor, depth + 1) }] };
  }
  cursor.accept('present');
  return { kind: 'word', word };
}

/** The inside of `{…}`: `name=value`, `name(…)=value`, or bare values, as of an iovec. MPLS labels stand there in parentheses. */
function parseFields(cursor: Cursor, depth: number): Field[] {
  const fields: Field[] = [];
  if (cursor.accept('}')) return fields;
  for (;;) {
    fields.push(parseField(cursor, depth));
    if (cursor.accept('}')) return fields;
    if (!cursor.accept(',') && !cursor.is('(')) throw cursor.unexpected('"," or "}"');
  }
}

function parseField(cursor: Cursor, depth: number): Field {
  if (cursor.is('(')) {
    skipNote(cursor);
    return { name: 'label', value: { kind: 'any' } };
  }
  if (cursor.isKind('word')) {
    const name = cursor.peek().text;
    if (cursor.is('=', 1)) {
      cursor.next();
      cursor.next();
      return { name, value: parseExpression(cursor, depth) };
    }
    if (cursor.is('(', 1)) {
      cursor.next();
      skipNote(cursor);
      if (cursor.accept('=')) return { name, value: parseExpression(cursor, depth) };
      return { name: '', value: { kind: 'call', name, args: [] } };
    }
    // GRE headers are written without an equals sign: `flags 0x2000`, `flags [key present]`.
    if (cursor.isKind('integer', 1) || cursor.is('[', 1)) {
      cursor.next();
      return { name, value: parseExpression(cursor, depth) };
    }
  }
  return { name: '', value: parseExpression(cursor, depth) };
}
