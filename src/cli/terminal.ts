// What people read goes to stderr and what programs read to stdout; colour only where a terminal takes it.

/** How to print, from the options. */
export interface Terminal {
  readonly color: boolean;
  readonly quiet: boolean;
  /** A line for people, on stderr; silent with -q. */
  say(text: string): void;
  /** A line for people, on stderr, with -q as well. */
  complain(text: string): void;
  /** The only document on stdout, for `--json`. */
  document(value: unknown): void;
}

const CODES = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

/** Wraps text in a colour, when colour is on. */
export function paint(terminal: Terminal, style: keyof typeof CODES, text: string): string {
  return terminal.color ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
}

/**
 * @param noColor `--no-color`; the environment's NO_COLOR counts too
 * @param quiet `-q`
 */
export function createTerminal(noColor: boolean, quiet: boolean): Terminal {
  const color = !noColor && !process.env.NO_COLOR && process.stderr.isTTY === true;
  const write = (text: string) => void process.stderr.write(`${text}\n`);
  return {
    color,
    quiet,
    say: (text) => {
      if (!quiet) write(text);
    },
    complain: write,
    document: (value) => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
  };
}
