// The stack is broken on purpose, once for each scenario: the scenario that covers the rule has to fail, in words that tell
// what was asked for, what came, and the rule behind it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SCENARIOS, SIMULATED } from '../../src/lab/catalogue.js';
import { MUTATIONS, type Mutation } from './mutations.js';

type Catalogue = typeof import('../../src/lab/catalogue.js');
type Run = typeof import('../../src/lab/run.js');
type SimWorld = typeof import('../../src/lab/sim-world.js');
type Report = typeof import('../../src/lab/report.js');

register('./mutation-loader.js', import.meta.url, { data: { mutations: MUTATIONS } });
const folder = mkdtempSync(join(tmpdir(), 'synwave-mutations-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The report of a variant, played by a stack with that mutation. */
async function reportWith(index: number, { variant }: Mutation): Promise<string> {
  const load = <T>(name: string) => import(`../../src/lab/${name}.js?mutation=${index}`) as Promise<T>;
  const { clientPortOf, variantsNamed } = await load<Catalogue>('catalogue');
  const { play } = await load<Run>('run');
  const { openSimWorld } = await load<SimWorld>('sim-world');
  const { reportLines } = await load<Report>('report');
  const entry = variantsNamed(variant)[0]!;
  const settings = {
    ...entry,
    world: 'sim' as const,
    seed: 1,
    mslMs: 1000,
    clientPort: clientPortOf(entry, 'sim'),
    lang: 'en' as const,
    capture: join(folder, `${index}.wire.pcapng`),
    story: join(folder, `${index}.story.pcapng`),
  };
  const outcome = await play(settings, openSimWorld(settings));
  return reportLines(outcome, { lang: 'en', color: false, unicode: false }).join('\n');
}

test('every scenario that shows our stack has a mutation', () => {
  const covered = MUTATIONS.map(({ variant }) => variant.slice(0, 3));
  const simulated = new Set(SIMULATED.map(({ scenario }) => scenario.id));
  assert.deepEqual(
    [...simulated].filter((id) => !covered.includes(id)),
    [],
  );
});

for (const [index, mutation] of MUTATIONS.entries()) {
  test(`${mutation.variant} notices: ${mutation.mistake}`, async () => {
    const report = await reportWith(index, mutation);
    const scenario = SCENARIOS.find(({ id }) => mutation.variant.startsWith(id))!;
    assert.match(report, /^ FAIL /m, report);
    assert.match(report, mutation.tells, report);
    assert.ok(report.includes(`the rule: ${scenario.moral.en}`), report);
  });
}
