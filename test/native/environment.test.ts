// The port and its surroundings: worker threads, exceptions out of callbacks, the end of the process.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { STACK } from './packets.js';
import { stop, TestNamespace, until, whyNoDevices } from './test-namespace.js';

const skip = whyNoDevices();
const responder = new URL('./responder.js', import.meta.url);

describe('a link in its environment', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  after(() => namespace?.remove());

  async function startWorker(mode: string, device: string): Promise<Worker> {
    const worker = new Worker(responder, { argv: [mode, namespace.name, device] });
    await once(worker, 'message');
    return worker;
  }

  it('answers ping from a worker thread, which can then be terminated', async () => {
    const worker = await startWorker('echo', 'work0');
    const ping = await namespace.execute('ping', '-n', '-c', '3', '-i', '0.01', '-W', '5', STACK);
    assert.match(ping.stdout, /3 packets transmitted, 3 received/);
    await worker.terminate();
    await until('the device to vanish', () => !namespace.has('work0'));
  });

  it('survives 25 workers terminated under load', async () => {
    for (let round = 0; round < 25; round++) {
      const worker = await startWorker('echo', 'work1');
      const received = once(worker, 'message');
      const flood = namespace.start('ping', '-n', '-q', '-f', STACK);
      try {
        await received;
        await worker.terminate();
        await until('the device to vanish', () => !namespace.has('work1'));
      } finally {
        await stop(flood);
      }
    }
  });

  it('a worker that ends by itself with its link open leaves no device', async () => {
    const worker = await startWorker('exit', 'work2');
    await once(worker, 'exit');
    await until('the device to vanish', () => !namespace.has('work2'));
  });

  it('an exception in receive is an uncaught exception of the worker', async () => {
    const worker = await startWorker('throw', 'work3');
    const failed = once(worker, 'error');
    await namespace.execute('ping', '-n', '-c', '1', '-W', '0.1', STACK);
    const [error] = await failed;
    assert.match(String(error), /thrown by the receiver/);
    await until('the device to vanish', () => !namespace.has('work3'));
  });

  const run = (mode: string, device: string) =>
    namespace.execute(process.execPath, responder.pathname, mode, '', device);

  it('an exception in receive ends the process, with its stack', async () => {
    const finished = await run('throw-ping', 'proc0');
    assert.equal(finished.status, 1);
    assert.match(finished.stderr, /Error: thrown by the receiver\n\s+at .*responder/);
    assert.equal(namespace.has('proc0'), false);
  });

  it('with an uncaughtException handler the port goes on', async () => {
    const finished = await run('throw-caught', 'proc1');
    assert.equal(finished.status, 0, finished.stderr);
    assert.equal(finished.stdout.trim(), 'caught 3');
  });

  it('process.exit() inside receive is clean', async () => {
    const finished = await run('exit-inside', 'proc2');
    assert.deepEqual([finished.status, finished.signal, finished.stderr], [7, null, '']);
    assert.equal(namespace.has('proc2'), false);
  });

  it('a running link keeps the process alive, unless unref was called', async () => {
    const finished = await run('unref', 'proc3');
    assert.deepEqual([finished.status, finished.stdout.trim()], [0, 'exit']);
  });

  it('promises and ticks of receive run before the next event', async () => {
    const finished = await run('ticks', 'proc4');
    assert.equal(finished.stdout.trim(), 'receive tick microtask immediate', finished.stderr);
  });
});
