// Programs of Node and npm on our sockets against the same programs on the kernel's, each in each role.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeIdentity } from '../programs/identity.js';
import type { NetModule } from '../programs/place.js';
import { SCENARIOS } from '../programs/scenarios.js';
import { KERNEL, Lab, linesOf, obstacle, type Program, STACK, until } from './lab.js';
import type { ClientLine, ClientOrder, ServerLine } from './program-peer.js';

const skip = obstacle('openssl');
const PEER = fileURLToPath(new URL('./program-peer.js', import.meta.url));

async function lineOf<T extends { name: string }>(program: Program, name: string): Promise<T> {
  let line: T | undefined;
  await until(`the peer speaks of "${name}"; it said ${program.stderr()}`, () => {
    line = linesOf<T>(program).find((one) => one.name === name);
    return line !== undefined || program.child.exitCode !== null;
  });
  assert.ok(line !== undefined, program.stderr());
  return line;
}

test('our servers, clients on the kernel', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const identity = makeIdentity(STACK);
  const orders = new PassThrough();
  const peer = lab.start([process.execPath, PEER, 'client'], orders);
  for (const scenario of SCENARIOS) {
    await t.test(scenario.name, async () => {
      const place = { net: stack.net as unknown as NetModule, host: STACK, identity };
      const service = await scenario.serve(place);
      const order: ClientOrder = { name: scenario.name, host: STACK, port: service.port, ca: identity.cert };
      orders.write(`${JSON.stringify(order)}\n`);
      try {
        const { failure } = await lineOf<ClientLine>(peer, scenario.name);
        assert.equal(failure, null, failure ?? '');
      } finally {
        service.close();
      }
      await stack.settled();
    });
  }
  orders.end();
  assert.equal((await peer.ended).stderr, '');
});

test('our clients, servers on the kernel', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const peer = lab.start([process.execPath, PEER, 'server', KERNEL]);
  for (const scenario of SCENARIOS) {
    await t.test(scenario.name, async () => {
      const { port, ca } = await lineOf<ServerLine>(peer, scenario.name);
      await scenario.use({ net: stack.net as unknown as NetModule, host: KERNEL, port, ca });
      await stack.settled();
    });
  }
  assert.equal(peer.stderr(), '');
});
