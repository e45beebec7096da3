// `#ifdef` and its kin of nplab's dialect, done on lines before the lexer sees them. Lines that are left out become empty,
// so that positions stay.
import { ScriptError } from './script.js';

/** Names that are defined: the scripts that use them mean a stack that follows the standard. */
const DEFINED: ReadonlySet<string> = new Set(['STANDARD']);

interface Condition {
  readonly line: number;
  /** Whether the lines around the condition count. */
  readonly outer: boolean;
  isTaken: boolean;
  hasElse: boolean;
}

/**
 * The lines that count, in their places.
 * @throws ScriptError for a condition that is not closed, or an `#else` or `#endif` without one
 */
export function preprocess(lines: readonly string[]): string[] {
  const open: Condition[] = [];
  const kept = lines.map((text, i) => {
    const directive = /^\s*#\s*(ifdef|ifndef|else|endif)\b\s*(\w*)/.exec(text);
    if (directive === null) return isActive(open) ? text : '';
    apply(directive[1]!, directive[2]!, i + 1, open);
    return '';
  });
  const last = open.at(-1);
  if (last !== undefined)
    throw new ScriptError({ line: last.line, column: 1 }, 'this condition has no #endif');
  return kept;
}

function isActive(open: readonly Condition[]): boolean {
  const last = open.at(-1);
  return last === undefined || (last.outer && last.isTaken);
}

function apply(directive: string, name: string, line: number, open: Condition[]): void {
  const position = { line, column: 1 };
  if (directive === 'ifdef' || directive === 'ifndef') {
    if (name === '') throw new ScriptError(position, `#${directive} needs a name`);
    const isTaken = DEFINED.has(name) === (directive === 'ifdef');
    open.push({ line, outer: isActive(open), isTaken, hasElse: false });
    return;
  }
  const last = open.at(-1);
  if (last === undefined) throw new ScriptError(position, `#${directive} without #ifdef`);
  if (directive === 'endif') {
    open.pop();
    return;
  }
  if (last.hasElse) throw new ScriptError(position, 'a second #else');
  last.hasElse = true;
  last.isTaken = !last.isTaken;
}
