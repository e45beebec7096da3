import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStack } from '../../../src/index.js';
import { State } from '../../../src/tcp/state.js';
import { ACK, SYN } from '../../../src/wire/segment.js';
import { LOCAL, TestLink } from '../../stack/test-link.js';
import { FIXED_ISN, openCrowd } from './crowd.js';

test('the crowd is accepted, rests, and takes nothing but its handshakes', async (t) => {
  const link = new TestLink();
  const stack = await createStack({ link, addresses: [`${LOCAL}/24`], isn: { fixed: FIXED_ISN } });
  t.after(() => stack.close());
  let accepted = 0;
  const server = stack.net.createServer(() => void accepted++);
  await new Promise<void>((resolve) => server.listen(7, resolve));
  await openCrowd(stack, String(LOCAL), 7, 2000);
  assert.equal(accepted, 2000);
  assert.equal(stack.core.connectionCount, 2000);
  for (const { connection } of stack.connections()) assert.equal(connection.state, State.ESTABLISHED);
  assert.ok(link.takeSegments().every(({ flags }) => flags === (SYN | ACK)));
});

test('connections that were not established are no crowd', async (t) => {
  const stack = await createStack({ link: new TestLink(), addresses: [`${LOCAL}/24`] });
  t.after(() => stack.close());
  await assert.rejects(openCrowd(stack, String(LOCAL), 7, 3), /0 of 3/);
});
