// Runs every scenario with the server and the client in this process.
import { test } from 'node:test';
import type { Identity, NetModule } from './place.js';
import { SCENARIOS } from './scenarios.js';

const DEADLINE_MS = 30_000;

/** Two modules that reach each other. */
export interface Ends {
  readonly server: NetModule;
  readonly client: NetModule;
  /** Where the servers listen. */
  readonly host: string;
  readonly identity: Identity;
  /** Waits until nothing is left of a scenario. @throws when something remains */
  settled?(): Promise<void>;
}

/** Defines one test for each scenario. */
export function defineScenarios(ends: Ends): void {
  const { host, identity } = ends;
  for (const scenario of SCENARIOS) {
    test(scenario.name, { timeout: DEADLINE_MS }, async () => {
      const service = await scenario.serve({ net: ends.server, host, identity });
      try {
        await scenario.use({ net: ends.client, host, port: service.port, ca: identity.cert });
      } finally {
        service.close();
      }
      await ends.settled?.();
    });
  }
}
