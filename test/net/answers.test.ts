// What of a conversation between programs leaves as one segment.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createNet } from '../../src/net/net.js';
import type { Socket } from '../../src/net/socket.js';
import { ACK, PSH, SYN } from '../../src/wire/segment.js';
import { fromPeer, testStack } from '../stack/test-link.js';

/** What a server sends to a client whose request comes in one batch with the end of the handshake, from one task. */
async function answersOf(t: TestContext, serve: (socket: Socket) => void): Promise<[number, string][]> {
  const { stack, link } = testStack({ defer: queueMicrotask });
  t.after(() => stack.close());
  createNet(stack).createServer(serve).listen(80);
  await turn();
  link.inject(fromPeer({ flags: SYN, seq: 100 }));
  link.takeSegments();
  const request = { flags: ACK | PSH, seq: 101, ack: 1001, payload: Buffer.from('hello') };
  setImmediate(() => link.inject(fromPeer({ flags: ACK, seq: 101, ack: 1001 }), fromPeer(request)));
  await turn();
  await turn();
  return link.takeSegments().map(({ ack, payload }) => [ack, Buffer.from(payload).toString()]);
}

test('the answer to a request that comes with the end of the handshake carries its acknowledgment', async (t) => {
  const echo = (socket: Socket) => void socket.on('data', (chunk) => socket.write(`${chunk}!`));
  assert.deepEqual(await answersOf(t, echo), [[106, 'hello!']]);
});

test('where nobody answers at once, the acknowledgment leaves all the same', async (t) => {
  assert.deepEqual(await answersOf(t, () => {}), [[106, '']]);
});
