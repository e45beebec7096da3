// The kernel's side of the programs: all scenarios on `node:net`, as servers or as clients. Run by the tests inside the
// namespace; its words are JSON lines on stdout.
import * as net from 'node:net';
import { createInterface } from 'node:readline';
import { makeIdentity } from '../programs/identity.js';
import type { ClientPlace, NetModule } from '../programs/place.js';
import { SCENARIOS } from '../programs/scenarios.js';

/** The line of one server. */
export interface ServerLine {
  readonly name: string;
  readonly port: number;
  readonly ca: string;
}

/** The line on stdin that asks for one client. */
export type ClientOrder = Omit<ClientPlace, 'net'> & { readonly name: string };

/** The line about one client that has ended. */
export interface ClientLine {
  readonly name: string;
  /** What went wrong, or null. */
  readonly failure: string | null;
}

const [role, host = ''] = process.argv.slice(2);
const kernel = net as NetModule;

function say(value: ServerLine | ClientLine): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function serve(): Promise<void> {
  const identity = makeIdentity(host);
  for (const scenario of SCENARIOS) {
    const { port } = await scenario.serve({ net: kernel, host, identity });
    say({ name: scenario.name, port, ca: identity.cert });
  }
}

async function use(order: ClientOrder): Promise<void> {
  const scenario = SCENARIOS.find((one) => one.name === order.name);
  let failure: string | null = scenario === undefined ? 'no such scenario' : null;
  try {
    await scenario?.use({ ...order, net: kernel });
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  say({ name: order.name, failure });
}

if (role === 'server') {
  await serve();
} else if (role === 'client') {
  for await (const order of createInterface({ input: process.stdin }))
    await use(JSON.parse(order) as ClientOrder);
} else {
  throw new Error(`usage: program-peer server|client HOST, not "${role}"`);
}
