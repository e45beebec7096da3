// The mutants that no test can or need find out, each with its reason: test/mutants/survivors.json.
import { readFileSync } from 'node:fs';
import type { Mutant } from './points.js';

/** An entry of the list. */
export interface Excuse {
  /** The `key` of one mutant, or with `*` for anything of several that share a reason. */
  readonly mutants: readonly string[];
  /** `equivalent`: behaves the same. `telling`: changes only what a listener is told. `speed`: changes only cost. */
  readonly kind: 'equivalent' | 'telling' | 'speed';
  readonly reason: string;
}

/** The whole list. */
export class Excuses {
  private readonly rules: { pattern: RegExp; source: string; excuse: Excuse; used: boolean }[] = [];

  constructor(excuses: readonly Excuse[]) {
    for (const excuse of excuses) {
      for (const source of excuse.mutants)
        this.rules.push({ pattern: matcher(source), source, excuse, used: false });
    }
  }

  static read(file: string): Excuses {
    return new Excuses(JSON.parse(readFileSync(file, 'utf8')) as Excuse[]);
  }

  /** Why this mutant may live, or null. */
  of(mutant: Mutant): Excuse | null {
    const rule = this.rules.find((one) => one.pattern.test(mutant.key));
    if (rule === undefined) return null;
    rule.used = true;
    return rule.excuse;
  }

  /** Entries that no mutant asked for so far. */
  get unused(): string[] {
    return this.rules.filter((one) => !one.used).map((one) => one.source);
  }
}

function matcher(source: string): RegExp {
  const parts = source.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
