// What an option is, and what a parsed command line holds. Which options there are stands with those who need them.

/** One option as `node:util` parses it and as the help prints it. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** Name of the value in the help, such as `SEC`. */
  readonly value?: string;
  readonly help: string;
}

/** Options by their long names. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Values after parsing: text, switches, or several of them. */
export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** A verb's command line, read. */
export interface Arguments {
  readonly values: OptionValues;
  readonly positionals: readonly string[];
}

/** Text of an option, or undefined. */
export function textOf(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** All texts of a repeatable option. */
export function textsOf(values: OptionValues, name: string): string[] {
  const value = values[name];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

/** Whether a switch is on. */
export function isOn(values: OptionValues, name: string): boolean {
  const value = values[name];
  return value === true || (Array.isArray(value) && value.length > 0);
}
