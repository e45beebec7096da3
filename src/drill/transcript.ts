// What happened in a run, line by line: for reports, and live for `--trace`.

/** Lines kept; a script that does more is not helped by its beginning. */
const MAX_LINES = 2000;

/** The record of one run. */
export class Transcript {
  readonly lines: string[] = [];

  /** @param live takes each line as it comes */
  constructor(private readonly live: ((line: string) => void) | null = null) {}

  /** Notes what happened at a script time. */
  add(atMs: number, text: string): void {
    const line = `${(atMs / 1000).toFixed(6).padStart(11)}  ${text}`;
    if (this.lines.length < MAX_LINES) this.lines.push(line);
    this.live?.(line);
  }
}
