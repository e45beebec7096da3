// What a verb is, and how its help is printed. The verbs themselves have a file each.
import type { Lifetime } from './lifetime.js';
import { type Arguments, GENERAL_OPTIONS, type OptionSpecs, STACK_OPTIONS } from './options.js';
import type { Terminal } from './terminal.js';

/** What a verb gets to work with. */
export interface Context {
  readonly args: Arguments;
  readonly terminal: Terminal;
  readonly life: Lifetime;
}

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
  /** `stack`: opens a link, so it takes the stack's options and needs the right to make devices. */
  readonly needs: 'stack' | 'nothing';
  /** Does it. Returns the exit code; throws `CliFailure` for ends that people can act upon. */
  run(context: Context): Promise<number>;
}

/** The options that a verb shares with others. */
export function commonOptions(verb: Verb): OptionSpecs {
  return verb.needs === 'stack' ? { ...GENERAL_OPTIONS, ...STACK_OPTIONS } : GENERAL_OPTIONS;
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
