// The package raw-socket would crash in a worker thread: the link is refused there before it is loaded.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

test('a raw link in a worker thread is refused with its reason', async () => {
  const module = new URL('../../src/link/raw-package.js', import.meta.url);
  const code = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(module.href)})
      .then(({ loadRawSocket }) => loadRawSocket())
      .then(() => parentPort.postMessage(null), ({ code, message }) => parentPort.postMessage({ code, message }));`;
  const worker = new Worker(code, { eval: true });
  const [answer] = (await once(worker, 'message')) as [{ code: string; message: string } | null];
  await worker.terminate();
  assert.equal(answer?.code, 'ERR_SYNWAVE_RAW_THREAD');
  assert.match(answer.message, /main thread only.*tunLink/);
});
