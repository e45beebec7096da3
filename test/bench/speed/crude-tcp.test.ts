// The ceiling must be one that a real TCP accepts: here that is ours, over a link in memory.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createStack, memoryLinkPair } from '../../../src/index.js';
import { IpAddress } from '../../../src/wire/address.js';
import { CrudeTcp } from './crude-tcp.js';

const SINK = 1;
const SOURCE = 2;

async function opened() {
  const [link, far] = memoryLinkPair({ queueBytes: 1 << 26, queuePackets: 1 << 16 });
  const stack = await createStack({ link, addresses: ['10.0.0.1/24'] });
  const crude = new CrudeTcp(far, IpAddress.parse('10.0.0.2')!, SOURCE);
  far.start(crude);
  return { stack, crude };
}

test('the crude receiver takes what is sent to it', { timeout: 60_000 }, async () => {
  const { stack, crude } = await opened();
  const socket = stack.net.connect({ host: '10.0.0.2', port: SINK });
  await once(socket, 'connect');
  const bytes = 3_000_000;
  socket.write(Buffer.alloc(bytes));
  while (crude.bytesIn < bytes) await new Promise(setImmediate);
  assert.equal(crude.bytesIn, bytes);
  socket.resetAndDestroy();
  await stack.close();
});

test('the crude sender fills the window, and goes on as it opens, with good checksums', {
  timeout: 60_000,
}, async () => {
  const { stack, crude } = await opened();
  const socket = stack.net.connect({ host: '10.0.0.2', port: SOURCE });
  let got = 0;
  socket.on('data', (chunk) => {
    assert.ok(chunk.every((byte: number) => byte === 0x78));
    got += chunk.length;
  });
  while (got < 2_000_000) await new Promise(setImmediate);
  assert.ok(crude.bytesOut >= got);
  assert.equal(stack.stats.tcp.inErrs, 0);
  socket.resetAndDestroy();
  await stack.close();
});
