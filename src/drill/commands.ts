// The commands of scripts: a table of known patterns that become settings, assertions or nothing. No shell is ever started;
// a command that is in no pattern makes the script one to be skipped.
import { Unsupported } from './outcome.js';

/** A wish of a script to its subject: a name of `sysctl` and its value, or our own `synwave.NAME`. */
export interface Setting {
  readonly name: string;
  readonly value: string;
}

/** What a command means here. */
export type CommandMeaning =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'settings'; readonly settings: readonly Setting[] }
  /** As many connections as that are in the state. */
  | { readonly kind: 'count'; readonly state: string; readonly count: number };

const NOTHING: CommandMeaning = { kind: 'nothing' };

/** Commands without effect on what is tested. */
const HARMLESS: readonly RegExp[] = [
  /^(true|:|sync)$/,
  /^sleep [\d.]+$/,
  /^(\S*\/)?(defaults|cleanup|restore_defaults|check_\w+)\.(sh|py)( \S+)*$/,
  /^kldload (-\w+ )*\w+$/,
  /^(modprobe|\/sbin\/modprobe) \w+$/,
  /^echo( |$)[^|<>;&$`]*$/,
  /^tc qdisc (add|replace|del)( [\w.:]+)*$/,
  /^sh \S*\/?(defaults|cleanup)\.sh$/,
];

/** @throws Unsupported for a command that is in no pattern */
export function meaningOf(command: string): CommandMeaning {
  const meanings = splitCommands(command).map(meaningOfOne);
  const settings = meanings.flatMap((meaning) => (meaning.kind === 'settings' ? meaning.settings : []));
  const count = meanings.find((meaning) => meaning.kind === 'count');
  if (count !== undefined && meanings.length > 1) throw foreign(command);
  if (count !== undefined) return count;
  return settings.length > 0 ? { kind: 'settings', settings } : NOTHING;
}

/** `a; b` and `a && b` are two commands, as are lines; pipes belong to one. */
function splitCommands(command: string): string[] {
  return command
    .replace(/\\\n/g, ' ')
    .split(/\s*(?:;|&&|\n)\s*/)
    .map((one) =>
      one
        .replace(/\s+/g, ' ')
        .replace(/ ?\d?>\s?\/dev\/null$/, '')
        .trim(),
    )
    .filter((one) => one !== '' && !one.startsWith('#'));
}

function meaningOfOne(command: string): CommandMeaning {
  if (HARMLESS.some((pattern) => pattern.test(command))) return NOTHING;
  const sysctl = /^(?:\S*\/)?sysctl((?: -\w+)*) (.+)$/.exec(command);
  if (sysctl !== null) return { kind: 'settings', settings: settingsOf(sysctl[2]!, command) };
  const paths = /^(?:\S*\/)?set_sysctls\.py (.+)$/.exec(command);
  if (paths !== null) return { kind: 'settings', settings: settingsOf(paths[1]!, command) };
  const counted =
    /^(?:sockstat|netstat|ss)\b[^|]*(?:\|[^|]*)*\| ?grep -c '?"?([A-Z][A-Z0-9_-]+)'?"? ?\| ?grep (?:-\w+ )?'?(\d+)'?$/.exec(
      command,
    );
  if (counted !== null)
    return { kind: 'count', state: counted[1]!.replace(/-/g, '_'), count: Number(counted[2]) };
  throw foreign(command);
}

/** `a=1 b=2`, a value with blanks in quotes, a name also as a path under /proc/sys. */
function settingsOf(text: string, command: string): Setting[] {
  const settings: Setting[] = [];
  const pattern = /([\w./-]+) ?= ?("[^"]*"|'[^']*'|\S+)\s*/y;
  let at = 0;
  for (pattern.lastIndex = 0; at < text.length; at = pattern.lastIndex) {
    const match = pattern.exec(text);
    if (match === null) throw foreign(command);
    const name = match[1]!.replace(/^\/proc\/sys\//, '').replace(/\//g, '.');
    settings.push({ name, value: match[2]!.replace(/^["']|["']$/g, '') });
  }
  return settings;
}

function foreign(command: string): Unsupported {
  return new Unsupported(
    `no shell runs here, and the command "${command}" is none of those that are understood`,
  );
}
