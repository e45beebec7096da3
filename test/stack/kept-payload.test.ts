// Payload that stays where the link has read it: what is kept, what is copied all the same, and that nothing a reader has in
// its hands ever changes, over a link that writes over everything else.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { createStack, memoryLinkPair } from '../../src/index.js';
import { PassingLink } from '../../src/lab/passing-link.js';
import type { Link, LinkReceiver, PacketBatch } from '../../src/stack/link.js';

/** Delivers each batch in memory of its own, and spoils afterwards what was not kept of it. */
class LendingLink extends PassingLink {
  readonly slabs: ArrayBufferLike[] = [];
  keptBytes = 0;
  lends = true;

  constructor(inner: Link) {
    super(inner);
  }

  override start(receiver: LinkReceiver): void {
    this.inner.start({
      receive: (batch) => this.lend(batch, receiver),
      writable: () => receiver.writable(),
      failed: (error) => receiver.failed(error),
    });
  }

  private lend(batch: PacketBatch, receiver: LinkReceiver): void {
    const bytes = batch.bytes.slice();
    const lent = {
      ...batch,
      bytes,
      view: new DataView(bytes.buffer),
      ...(this.lends ? { keptUpTo: 0 } : {}),
    };
    receiver.receive(lent);
    const kept = lent.keptUpTo ?? 0;
    this.keptBytes += kept;
    if (kept > 0) this.slabs.push(bytes.buffer);
    bytes.fill(0xaa, kept);
  }
}

/** Byte `i` of the stream: it repeats after more than any window. */
function byteAt(i: number): number {
  return (Math.imul(i, 2654435761) >>> 24) ^ (i >>> 20);
}

interface Received {
  readonly link: LendingLink;
  readonly chunks: readonly Buffer[];
}

/** Sends so many bytes, and keeps all chunks until the end. */
async function transfer(mtu: number, bytes: number, lends: boolean): Promise<Received> {
  const [near, far] = memoryLinkPair({ mtu, queueBytes: 1 << 26, queuePackets: 1 << 16 });
  const link = new LendingLink(near);
  link.lends = lends;
  const receiver = await createStack({ link, addresses: ['10.0.0.1/24'] });
  const sender = await createStack({ link: far, addresses: ['10.0.0.2/24'] });
  const chunks: Buffer[] = [];
  const server = receiver.net.createServer();
  server.listen(7);
  const client = sender.net.connect({ host: '10.0.0.1', port: 7 });
  const [socket] = await once(server, 'connection');
  client.end(Uint8Array.from({ length: bytes }, (_, i) => byteAt(i)));
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  await receiver.close();
  await sender.close();
  return { link, chunks };
}

function assertIntact(chunks: readonly Buffer[], bytes: number): void {
  let at = 0;
  for (const chunk of chunks)
    for (const byte of chunk) if (byte !== byteAt(at++)) assert.fail(`byte ${at - 1}`);
  assert.equal(at, bytes);
}

describe('payload of a link that lends its memory', () => {
  const BYTES = 4_000_000;

  test('ATTACKS 37: large payloads stay where they were read, and are never written again', async () => {
    const { link, chunks } = await transfer(65_535, BYTES, true);
    assertIntact(chunks, BYTES);
    const inPlace = chunks.filter((chunk) => link.slabs.includes(chunk.buffer));
    // What comes while much is unread is copied, and how much that is depends on the machine.
    assert.ok(inPlace.length > chunks.length / 8, `${inPlace.length} of ${chunks.length}`);
  });

  test('ATTACKS 37: small ones are copied, and pin nothing', async () => {
    const { link, chunks } = await transfer(1500, BYTES / 10, true);
    assertIntact(chunks, BYTES / 10);
    assert.equal(link.keptBytes, 0);
  });

  test('nothing is kept of a link that does not lend', async () => {
    const { link, chunks } = await transfer(65_535, BYTES, false);
    assertIntact(chunks, BYTES);
    assert.equal(link.keptBytes, 0);
  });
});
