// Reads a script: options, events in their order, commands around them, and what its comments say.
import { Cursor } from './cursor.js';
import { type Token, tokenize } from './lexer.js';
import { parseCall } from './parse-call.js';
import { parsePacket } from './parse-packet.js';
import { preprocess } from './preprocess.js';
import {
  type Action,
  type Command,
  type EventTime,
  type Script,
  ScriptError,
  type ScriptEvent,
  type ScriptHeader,
  type ScriptOption,
} from './script.js';

/** A script is no longer than this, in characters: what is longer is no test. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

/**
 * Reads a packetdrill script in google's or nplab's dialect.
 * @param name a path, or a word for people
 * @throws ScriptError (`ERR_DRILL_SYNTAX`) with line and column for what neither dialect allows
 */
export function parseScript(text: string, name = 'script'): Script {
  if (text.length > MAX_CHARACTERS) {
    throw new ScriptError({ line: 1, column: 1 }, `a script has at most ${MAX_CHARACTERS} characters`);
  }
  const lines = text.split('\n');
  const source = preprocess(lines).join('\n');
  const tokens = tokenize(source);
  const options = tokens.filter((token) => token.kind === 'option').map(optionOf);
  const cursor = new Cursor(source, withDefines(tokens, options));
  const init = parseCommands(cursor);
  const events: ScriptEvent[] = [];
  while (!cursor.isKind('end') && !cursor.isKind('command')) events.push(parseEvent(cursor));
  const cleanup = parseCommands(cursor);
  if (!cursor.isKind('end')) throw cursor.unexpected('nothing behind the last command');
  if (events.length === 0) throw cursor.unexpected('an event');
  return { name, lines, options, init, events, cleanup, header: headerOf(lines) };
}

function optionOf(token: Token): ScriptOption {
  const match = /^--(\w+)(?:=([\s\S]*))?$/.exec(token.text)!;
  const value = match[2] ?? null;
  return { position: token.position, name: match[1]!, value: value?.replace(/^"([\s\S]*)"$/, '$1') ?? null };
}

/** Options are read already; words that `--define` names are replaced. */
function withDefines(tokens: readonly Token[], options: readonly ScriptOption[]): Token[] {
  const defines = new Map<string, string>();
  for (const { name, value } of options) {
    const match = name === 'define' && value !== null ? /^(\w+)=([\s\S]*)$/.exec(value) : null;
    if (match !== null) defines.set(match[1]!, match[2]!);
  }
  return tokens
    .filter((token) => token.kind !== 'option')
    .map((token) => {
      const value = token.kind === 'word' ? defines.get(token.text) : undefined;
      if (value === undefined) return token;
      if (/^".*"$/s.test(value)) return { ...token, kind: 'string', text: value.slice(1, -1) };
      if (/^`.*`$/s.test(value)) return { ...token, kind: 'command', text: value.slice(1, -1) };
      if (/^-?(\d+|0x[0-9a-f]+)$/i.test(value)) {
        return { ...token, kind: 'integer', text: value, value: Number(value) };
      }
      return { ...token, text: value };
    });
}

function parseCommands(cursor: Cursor): Command[] {
  const commands: Command[] = [];
  while (cursor.isKind('command')) {
    const { position, text } = cursor.next();
    commands.push({ kind: 'command', position, text });
  }
  return commands;
}

function parseEvent(cursor: Cursor): ScriptEvent {
  const { position } = cursor.peek();
  const time = parseTime(cursor);
  const action = parseAction(cursor, time);
  const isExpected = 'direction' in action && action.direction === 'out';
  if (time.kind !== 'at' && !isExpected) {
    throw new ScriptError(position, 'only an expected packet can come at any time or within a range');
  }
  return { position, time, action };
}

function parseAction(cursor: Cursor, time: EventTime): Action {
  if (cursor.is('<') || cursor.is('>')) return parsePacket(cursor);
  const token = cursor.peek();
  if (token.kind === 'command' || token.kind === 'code') {
    cursor.next();
    return { kind: token.kind, position: token.position, text: token.text.trim() };
  }
  if (token.kind !== 'ellipsis') return parseCall(cursor, null);
  cursor.next();
  const endUs = parseSeconds(cursor);
  if (time.kind === 'at' && endUs < time.us && !time.relative) {
    throw new ScriptError(token.position, 'a call cannot return before it begins');
  }
  return parseCall(cursor, endUs);
}

function parseTime(cursor: Cursor): EventTime {
  if (cursor.accept('*')) return { kind: 'any' };
  const relative = cursor.accept('+');
  const us = parseSeconds(cursor);
  if (!cursor.accept('~')) return { kind: 'at', relative, us };
  const { position } = cursor.peek();
  cursor.accept('+');
  const endUs = parseSeconds(cursor);
  if (endUs < us) throw new ScriptError(position, 'the range of times runs backwards');
  return { kind: 'range', relative, us, endUs };
}

function parseSeconds(cursor: Cursor): number {
  const token = cursor.peek();
  if (token.kind !== 'integer' && token.kind !== 'float') throw cursor.unexpected('a time in seconds');
  if (token.value < 0) throw new ScriptError(token.position, 'a time is not negative');
  cursor.next();
  return Math.round(token.value * 1e6);
}

function headerOf(lines: readonly string[]): ScriptHeader {
  const proves: string[] = [];
  let kernelDiffers: string | null = null;
  for (const line of lines) {
    const ids = /^\s*\/\/\s*proves:\s*(.+?)\s*$/.exec(line);
    if (ids !== null) proves.push(...ids[1]!.split(/\s*,\s*/));
    const kernel = /^\s*\/\/\s*kernel:\s*differs,\s*(.+?)\s*$/.exec(line);
    if (kernel !== null) kernelDiffers = kernel[1]!;
  }
  return { proves, kernelDiffers };
}
