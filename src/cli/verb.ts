// What a verb is, and how its help is printed. The verbs themselves have a file each.
import { usageError } from './failure.js';
import type { Lifetime } from './lifetime.js';
import {
  type Arguments,
  GENERAL_OPTIONS,
  isOn,
  type OptionSpecs,
  parseWords,
  STACK_OPTIONS,
} from './options.js';
import type { Terminal } from './terminal.js';

/** What a verb gets to work with. */
export interface Context {
  readonly args: Arguments;
  readonly terminal: Terminal;
  readonly life: Lifetime;
}

/** What `--json` does: the words of the help, or, for verbs whose stdout is data, what to do instead. */
export type JsonOutput = { readonly prints: string } | { readonly instead: string };

/** One word after `synwave`. */
export interface Verb {
  readonly name: string;
  /** One line for the list of verbs. */
  readonly summary: string;
  /** The words after the name, as `HOST PORT`. */
  readonly usage: string;
  /** Paragraphs for `synwave help VERB`: what it does, with an example that works as printed. */
  readonly description: string;
  readonly options: OptionSpecs;
  readonly json: JsonOutput;
  /** `stack`: opens a link, so it takes the stack's options and needs the right to make devices; `devices`: only that right. */
  readonly needs: 'stack' | 'devices' | 'nothing';
  /** Does it. Returns the exit code; throws `CliFailure` for ends that people can act upon. */
  run(context: Context): Promise<number>;
}

/** The options that a verb shares with others. */
export function commonOptions(verb: Verb): OptionSpecs {
  const json: OptionSpecs =
    'prints' in verb.json
      ? { json: { type: 'boolean', help: `one JSON document on stdout at the end: ${verb.json.prints}` } }
      : {};
  return { ...GENERAL_OPTIONS, ...json, ...(verb.needs === 'stack' ? STACK_OPTIONS : {}) };
}

/** `--json` for verbs that have none: known to the parser, so that it can be refused with a reason. */
const REFUSED_JSON: OptionSpecs = { json: { type: 'boolean', help: '' } };

/** Reads the words after the verb. @throws CliFailure `ERR_SYNWAVE_USAGE` */
export function readWords(verb: Verb, words: readonly string[]): Arguments {
  if (words.some((word) => /^--unsafe(=|$)/.test(word))) {
    throw usageError(
      `${verb.name}: what protects TCP can be taken away in the lab only, by the scenarios that show what it is for`,
      'synwave lab run H07, T12 or T18',
    );
  }
  const args = parseWords(verb.name, words, { ...REFUSED_JSON, ...commonOptions(verb) }, verb.options);
  if (isOn(args.values, 'json') && 'instead' in verb.json) {
    throw usageError(`${verb.name} has no --json: its stdout is data`, verb.json.instead);
  }
  return args;
}

/** The text of `synwave help VERB`. */
export function helpOf(verb: Verb): string {
  const common = commonOptions(verb);
  const taken = new Set(Object.values(verb.options).map((spec) => spec.short));
  const parts = [`usage: synwave ${verb.name} ${verb.usage}`.trimEnd(), '', verb.description.trim()];
  if (Object.keys(verb.options).length > 0) parts.push('', 'options:', tableOf(verb.options, new Set()));
  parts.push('', 'common options:', tableOf(common, taken));
  return parts.join('\n');
}

function tableOf(options: OptionSpecs, taken: ReadonlySet<string | undefined>): string {
  const rows = Object.entries(options).map(([name, spec]) => {
    const short = spec.short !== undefined && !taken.has(spec.short) ? `-${spec.short}, ` : '    ';
    const value = spec.type === 'string' ? ` ${spec.value ?? 'VALUE'}` : '';
    return [`  ${short}--${name}${value}`, spec.help] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`).join('\n');
}
