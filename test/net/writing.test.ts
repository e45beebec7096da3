// How a write enters the send buffer: copies, pieces, pushes, and the order of failures.
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Liveness } from '../../src/net/liveness.js';
import { PendingWrite } from '../../src/net/pending-write.js';
import { Transport, type TransportOwner } from '../../src/net/transport.js';
import type { Endpoint } from '../../src/stack/endpoint.js';
import { Event } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import { ScriptedStack } from './scripted-stack.js';

function establish() {
  const endpoint = ScriptedStack.incoming();
  endpoint.state = State.ESTABLISHED;
  const owner = new Duplex({ read() {}, write() {} }) as unknown as TransportOwner;
  owner._unrefTimer = () => {};
  const liveness = new Liveness();
  const transport = new Transport(endpoint as unknown as Endpoint, owner, liveness);
  return { endpoint, transport, liveness };
}

function write(transport: Transport, chunk: Uint8Array | string): Promise<string | null> {
  return new Promise((resolve) => {
    transport.startWrite(PendingWrite.ofChunk(chunk, 'utf8'), (error) => resolve(error?.message ?? null));
  });
}

test('user memory is copied before the callback', async () => {
  const { endpoint, transport } = establish();
  const chunk = Buffer.from('original');
  await write(transport, chunk);
  chunk.fill('!');
  assert.equal(endpoint.sentText, 'original');
});

test('a large write is copied only as far as there is room', async () => {
  const { endpoint, transport } = establish();
  endpoint.sendSpace = 1000;
  const done = write(transport, Buffer.alloc(5000, 'a'));
  assert.deepEqual(
    endpoint.sent.map(({ bytes, push }) => [bytes.length, push]),
    [[1000, true]],
  );
  endpoint.sendSpace = 4000;
  endpoint.tell(Event.WRITABLE);
  assert.equal(await done, null);
  assert.deepEqual(
    endpoint.sent.map(({ bytes, push }) => [bytes.length, push]),
    [
      [1000, true],
      [4000, true],
    ],
  );
});

test('a write that takes longer leaves from the memory of the user, which is read no more once its callback runs', async () => {
  const { endpoint, transport } = establish();
  endpoint.sendSpace = 1000;
  const chunk = Buffer.alloc(5000, 'a');
  const done = write(transport, chunk);
  assert.equal(endpoint.sent[0]!.bytes.buffer, chunk.buffer);
  endpoint.sendSpace = 4000;
  endpoint.tell(Event.WRITABLE);
  assert.equal(await done, null);
  chunk.fill('!');
  assert.equal(endpoint.sentText, 'a'.repeat(5000));
});

test('a socket destroyed in the midst of a write leaves the memory of the user alone', () => {
  const { endpoint, transport } = establish();
  endpoint.sendSpace = 1000;
  const chunk = Buffer.alloc(5000, 'a');
  void write(transport, chunk);
  transport.release('close');
  chunk.fill('!');
  assert.equal(endpoint.sentText, 'a'.repeat(1000));
});

test('a short write goes in whole and at once, whatever it is made of, or is left to wait', () => {
  const { endpoint, transport, liveness } = establish();
  const scratch = Buffer.from('bytes');
  assert.equal(transport.writeShort('h\u00e9', 'latin1'), true);
  assert.equal(transport.writeShort('\u20ac', 'utf8'), true);
  assert.equal(transport.writeShort(scratch, 'utf8'), true);
  scratch.fill('!');
  const pieces = [
    { chunk: '6f6b', encoding: 'hex' as const },
    { chunk: Buffer.from([0, 1]), encoding: 'utf8' as const },
    { chunk: 'eg==', encoding: 'base64' as const },
  ];
  assert.equal(transport.writeShortPieces(pieces), true);
  assert.deepEqual(
    endpoint.sent.map(({ bytes, push }) => [Buffer.from(bytes).toString('latin1'), push]),
    [
      ['h\u00e9', true],
      ['\u00e2\u0082\u00ac', true],
      ['bytes', true],
      ['ok\0\u0001z', true],
    ],
  );
  assert.equal(transport.bytesWritten, 15);
  assert.equal(liveness.isHeld, true, 'until it is acknowledged');
  endpoint.sendSpace = 4;
  assert.equal(transport.writeShort('12345', 'utf8'), false);
  assert.equal(transport.writeShortPieces(pieces), false);
  assert.equal(transport.writeShort('', 'utf8'), false);
  endpoint.sendSpace = 1e6;
  assert.equal(transport.writeShort(Buffer.alloc(100_000), 'utf8'), false);
  assert.equal(transport.writeShort('x'.repeat(6000), 'utf8'), false, 'it may be three times as many bytes');
  transport.startWrite(PendingWrite.ofChunk(Buffer.alloc(2e6), 'utf8'), () => {});
  assert.equal(transport.writeShort('x', 'utf8'), false, 'behind one that waits');
  assert.equal(endpoint.sent.length, 5);
  endpoint.state = State.CLOSED;
  endpoint.tell(Event.CLOSED);
  assert.equal(transport.writeShort('x', 'utf8'), false, 'after the end');
});

test('refused bytes are never kept by reference', async () => {
  const { endpoint, transport } = establish();
  endpoint.sendSpace = 0;
  const chunk = Buffer.from('late');
  void write(transport, chunk);
  assert.equal(endpoint.sent.length, 0);
  endpoint.sendSpace = 100;
  endpoint.tell(Event.WRITABLE);
  assert.notEqual(endpoint.sent[0]!.bytes.buffer, chunk.buffer.slice(0));
  chunk.fill('!');
  assert.equal(endpoint.sentText, 'late');
});

test('gathered writes go in one after the other, with one push at the end', () => {
  const { endpoint, transport } = establish();
  const chunks = [
    { chunk: 'ab', encoding: 'utf8' as const },
    { chunk: Buffer.from('cd'), encoding: 'utf8' as const },
    { chunk: '', encoding: 'utf8' as const },
    { chunk: '6566', encoding: 'hex' as const },
  ];
  let done = false;
  transport.startWrite(PendingWrite.ofChunks(chunks), () => {
    done = true;
  });
  assert.equal(done, true);
  assert.deepEqual(
    endpoint.sent.map(({ push }) => push),
    [false, false, true],
  );
  assert.equal(endpoint.sentText, 'abcdef');
  assert.equal(transport.bytesWritten, 6);
});

test('pieces of any size in room of any size: the bytes stay in order', () => {
  for (let room = 1; room < 12; room++) {
    const { endpoint, transport } = establish();
    const words = ['a', 'bcd', '', 'efghijk', 'l', 'mnopqrstuvwxyz'];
    endpoint.sendSpace = room;
    let done = 0;
    const chunks = words.map((chunk) => ({ chunk: Buffer.from(chunk), encoding: 'utf8' as const }));
    transport.startWrite(PendingWrite.ofChunks(chunks), () => done++);
    while (done === 0) {
      endpoint.sendSpace = room;
      endpoint.tell(Event.WRITABLE);
    }
    assert.equal(endpoint.sentText, 'abcdefghijklmnopqrstuvwxyz');
    assert.equal(done, 1);
  }
});

test('an empty write completes', async () => {
  const { transport } = establish();
  assert.equal(await write(transport, ''), null);
});

test('writes after a reset: ECONNRESET once, EPIPE from then on', async () => {
  const { endpoint, transport } = establish();
  endpoint.state = State.CLOSED;
  endpoint.error = 'ECONNRESET';
  endpoint.sendSpace = 0;
  endpoint.tell(Event.CLOSED);
  assert.equal(await write(transport, 'x'), 'write ECONNRESET');
  assert.equal(await write(transport, 'x'), 'write EPIPE');
  assert.equal(await write(transport, 'x'), 'write EPIPE');
});

test('a connection that timed out says so', async () => {
  const { endpoint, transport } = establish();
  endpoint.state = State.CLOSED;
  endpoint.error = 'ETIMEDOUT';
  endpoint.tell(Event.CLOSED);
  assert.equal(await write(transport, 'x'), 'write ETIMEDOUT');
});
