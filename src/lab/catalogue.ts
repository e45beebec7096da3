// All scenarios of the lab, in the order of the tutorial: the handshake, the teardown, the foundations.
import { type Scenario, type Variant, type World, worldsOf } from './scenario.js';
import { D01 } from './scenarios/d01-byte-counting.js';
import { D02 } from './scenarios/d02-header.js';
import { D03 } from './scenarios/d03-bad-network.js';
import { H01 } from './scenarios/h01-active-open.js';
import { H02 } from './scenarios/h02-passive-open.js';
import { H03 } from './scenarios/h03-third-segment-data.js';
import { H04 } from './scenarios/h04-syn-data.js';
import { H05 } from './scenarios/h05-fast-open.js';
import { H06 } from './scenarios/h06-stale-syn.js';
import { H07 } from './scenarios/h07-two-way.js';
import { H08 } from './scenarios/h08-lost-syn.js';
import { H09 } from './scenarios/h09-lost-synack.js';
import { H10 } from './scenarios/h10-lost-third.js';
import { H11 } from './scenarios/h11-simultaneous-open.js';
import { H12 } from './scenarios/h12-refused.js';
import { H13 } from './scenarios/h13-syn-flood.js';
import { H14 } from './scenarios/h14-duplicates.js';
import { H15 } from './scenarios/h15-half-open.js';
import { H16 } from './scenarios/h16-blind-attacks.js';
import { H17 } from './scenarios/h17-early-close.js';
import { T01 } from './scenarios/t01-client-closes.js';
import { T02 } from './scenarios/t02-server-closes.js';
import { T03 } from './scenarios/t03-half-close-quiet.js';
import { T04 } from './scenarios/t04-half-close.js';
import { T05 } from './scenarios/t05-merged.js';
import { T06 } from './scenarios/t06-simultaneous-close.js';
import { T07 } from './scenarios/t07-lost-fin.js';
import { T08 } from './scenarios/t08-lost-ack-of-fin.js';
import { T09 } from './scenarios/t09-lost-last-ack.js';
import { T10 } from './scenarios/t10-late-fin.js';
import { T11 } from './scenarios/t11-old-duplicate.js';
import { T12 } from './scenarios/t12-no-time-wait.js';
import { T13 } from './scenarios/t13-time-wait-reuse.js';
import { T14 } from './scenarios/t14-assassination.js';
import { T15 } from './scenarios/t15-abort.js';
import { T16 } from './scenarios/t16-fin-overtakes.js';
import { T17 } from './scenarios/t17-fin-with-data.js';
import { T18 } from './scenarios/t18-withheld-ack.js';
import { T19 } from './scenarios/t19-orphan.js';

/** Every scenario. */
export const SCENARIOS: readonly Scenario[] = [
  H01,
  H02,
  H03,
  H04,
  H05,
  H06,
  H07,
  H08,
  H09,
  H10,
  H11,
  H12,
  H13,
  H14,
  H15,
  H16,
  H17,
  T01,
  T02,
  T03,
  T04,
  T05,
  T06,
  T07,
  T08,
  T09,
  T10,
  T11,
  T12,
  T13,
  T14,
  T15,
  T16,
  T17,
  T18,
  T19,
  D01,
  D02,
  D03,
];

/** A variant with its scenario. */
export interface CatalogueEntry {
  readonly scenario: Scenario;
  readonly variant: Variant;
}

/** Every variant. */
export const VARIANTS: readonly CatalogueEntry[] = SCENARIOS.flatMap((scenario) =>
  scenario.variants.map((variant) => ({ scenario, variant })),
);

/** Those that can be played in the simulation. */
export const SIMULATED: readonly CatalogueEntry[] = VARIANTS.filter(({ variant }) =>
  worldsOf(variant).includes('sim'),
);

/** The variants of a scenario, or the one of that name; empty when there is none. */
export function variantsNamed(id: string): CatalogueEntry[] {
  const wanted = id.toUpperCase();
  return VARIANTS.filter(
    ({ scenario, variant }) => scenario.id === wanted || variant.id.toUpperCase() === wanted,
  );
}

const FIRST_PORTS: Readonly<Record<string, number>> = { H: 40_000, T: 45_000, D: 50_000 };
const PORTS_PER_SCENARIO = 200;
/** Client ports that a run may use beside its first. */
const PORTS_PER_RUN = 10;

/**
 * The client's port: another one for each run, so that the captures of all can be judged together, and always the same
 * one, so that a run is the same whatever else the catalogue holds.
 */
export function clientPortOf({ scenario, variant }: CatalogueEntry, world: World): number {
  const place = scenario.variants.indexOf(variant);
  const first = FIRST_PORTS[scenario.id[0]!]! + Number(scenario.id.slice(1)) * PORTS_PER_SCENARIO;
  return first + (2 * place + (world === 'sim' ? 0 : 1)) * PORTS_PER_RUN;
}
