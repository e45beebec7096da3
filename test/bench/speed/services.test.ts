// The raw responder: every request is answered once, however a stream cuts it.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { it } from 'node:test';
import { responder } from './services.js';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: bench\r\n\r\n');

it('answers a request that comes in two chunks, wherever it is cut', () => {
  for (let cut = 0; cut <= REQUEST.length; cut++) {
    let answers = 0;
    const socket = Object.assign(new EventEmitter(), { write: () => ++answers > 0 });
    responder(64)(socket as unknown as Socket);
    for (let request = 1; request <= 2; request++) {
      const chunks = [REQUEST.subarray(0, cut), REQUEST.subarray(cut)].filter((chunk) => chunk.length > 0);
      for (const [i, chunk] of chunks.entries()) {
        socket.emit('data', chunk);
        assert.equal(answers, i === chunks.length - 1 ? request : request - 1, `cut at ${cut}`);
      }
    }
  }
});
