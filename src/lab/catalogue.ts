// All scenarios of the lab, in the order of the tutorial: the handshake, the teardown, the foundations.
import type { Scenario, Variant, World } from './scenario.js';
import { H01 } from './scenarios/h01-active-open.js';
import { H08 } from './scenarios/h08-lost-syn.js';
import { T01 } from './scenarios/t01-client-closes.js';
import { T04 } from './scenarios/t04-half-close.js';
import { T09 } from './scenarios/t09-lost-last-ack.js';

/** Every scenario. */
export const SCENARIOS: readonly Scenario[] = [H01, H08, T01, T04, T09];

/** A variant with its scenario and its place among all. */
export interface CatalogueEntry {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly index: number;
}

/** Every variant. */
export const VARIANTS: readonly CatalogueEntry[] = SCENARIOS.flatMap((scenario) =>
  scenario.variants.map((variant) => ({ scenario, variant })),
).map((entry, index) => ({ ...entry, index }));

/** The variants of a scenario, or the one of that name; empty when there is none. */
export function variantsNamed(id: string): CatalogueEntry[] {
  const wanted = id.toUpperCase();
  return VARIANTS.filter(
    ({ scenario, variant }) => scenario.id === wanted || variant.id.toUpperCase() === wanted,
  );
}

const FIRST_PORT = 40_000;
/** Client ports that a run may use beside its first. */
const PORTS_PER_RUN = 10;

/** The client's port: another one for each run, so that the captures of all can be judged together. */
export function clientPortOf(entry: CatalogueEntry, world: World): number {
  return FIRST_PORT + (2 * entry.index + (world === 'sim' ? 0 : 1)) * PORTS_PER_RUN;
}
