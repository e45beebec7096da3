// Parity of options: onread, signals, block lists, settings that hold from before the connection, and what is told to
// those who watch.
import assert from 'node:assert/strict';
import * as channels from 'node:diagnostics_channel';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  Case,
  closeOf,
  DEADLINE_MS,
  type Environment,
  pattern,
  readAll,
  recordEvents,
  until,
} from './environment.js';

type AnyOptions = Parameters<Case['connect']>[0];

/** Registers the cases for one environment. */
export function defineOptionCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };

  test('onread fills one buffer over and over, and no data is emitted', timed, async (t) => {
    const c = new Case(env, t);
    const sent = pattern(100_000);
    const { port } = await c.listen({}, (socket) => socket.end(sent));
    const buffer = Buffer.alloc(1000);
    const parts: Buffer[] = [];
    const client = c.connect({
      port,
      onread: {
        buffer,
        callback: (length: number, bytes: Buffer) => {
          assert.equal(bytes, buffer);
          parts.push(Buffer.from(bytes.subarray(0, length)));
          return true;
        },
      },
    } as AnyOptions);
    const seen = recordEvents(client, ['data', 'end', 'close']);
    await once(client, 'close');
    assert.ok(Buffer.concat(parts).equals(sent));
    assert.equal(client.bytesRead, sent.length);
    assert.deepEqual(seen.slice(-2), ['end', 'close']);
    assert.equal(client.readableLength, 0);
  });

  test('onread asks for a new buffer after each use', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.end(pattern(10_000)));
    const buffers: Buffer[] = [];
    const used: Buffer[] = [];
    let total = 0;
    const client = c.connect({
      port,
      onread: {
        buffer: () => {
          buffers.push(Buffer.alloc(4096));
          return buffers.at(-1)!;
        },
        callback: (length: number, bytes: Buffer) => {
          used.push(bytes);
          total += length;
          return true;
        },
      },
    } as AnyOptions);
    await once(client, 'close');
    assert.equal(total, 10_000);
    assert.deepEqual(
      used.map((bytes) => buffers.indexOf(bytes)),
      used.map((_, i) => i),
    );
    assert.equal(buffers.length, used.length + 1);
  });

  test('onread that returns false stops until resume', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.write(Buffer.alloc(3000)));
    let total = 0;
    const client = c.connect({
      port,
      onread: {
        buffer: Buffer.alloc(1000),
        callback: (length: number) => {
          total += length;
          return false;
        },
      },
    } as AnyOptions);
    for (const expected of [1000, 2000, 3000]) {
      await until(() => total >= expected);
      await c.settle();
      assert.equal(total, expected);
      client.resume();
    }
  });

  test('with onread, pause stops and resume goes on', timed, async (t) => {
    const c = new Case(env, t);
    let total = 0;
    const [client, accepted] = await c.pair({
      client: {
        onread: {
          buffer: Buffer.alloc(100),
          callback: (length: number) => {
            total += length;
            return true;
          },
        },
      } as never,
    });
    accepted.write('one');
    await until(() => total === 3);
    client.pause();
    accepted.write('two');
    await c.settle();
    assert.equal(total, 3);
    client.resume();
    await until(() => total === 6);
  });

  test('an onread whose buffer holds nothing is ENOBUFS', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.on('error', () => {}).write('x'));
    const onread = { buffer: new Uint8Array(0), callback: () => assert.fail('called') };
    const client = c.connect({ port, onread } as AnyOptions);
    const [error] = await once(client, 'error');
    assert.equal(error.message, 'read ENOBUFS');
  });

  test('an onread without its parts is taken no notice of', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.end('x'));
    for (const onread of [null, {}, { buffer: Buffer.alloc(1) }, { callback: () => true }, 'x']) {
      const client = c.connect({ port, onread } as unknown as AnyOptions);
      assert.equal((await readAll(client)).toString(), 'x');
    }
  });

  test('a signal that was aborted before destroys at once', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const client = c.connect({ port, signal: AbortSignal.abort() } as AnyOptions);
    const seen = recordEvents(client, ['connect', 'error', 'close']);
    const closed = closeOf(client);
    const [error] = await once(client, 'error');
    assert.equal(error.name, 'AbortError');
    await closed;
    // What node:net then does, it connects all the same, is no example.
    assert.deepEqual(seen.slice(0, 2), ['error', 'close']);
  });

  test('a signal that was aborted before closes the server', timed, async (t) => {
    const c = new Case(env, t);
    const server = c.track(env.server.createServer());
    server.listen({ port: 0, host: env.address, signal: AbortSignal.abort() });
    await once(server, 'close');
    assert.equal(server.listening, false);
  });

  test('what was set before the connection holds afterwards', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.resume());
    const socket = c.adopt(new env.client.Socket());
    socket.setNoDelay(true).setKeepAlive(true, 60_000).setTimeout(30_000);
    socket.setEncoding('utf8');
    socket.pause();
    socket.connect({ port, host: env.address });
    await once(socket, 'connect');
    assert.equal(socket.isPaused(), true);
    assert.equal(socket.timeout, 30_000);
    assert.equal(socket.readableEncoding, 'utf8');
  });

  test('highWaterMark reaches both sides', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair({
      server: { highWaterMark: 2222 },
      client: { highWaterMark: 1111 } as never,
    });
    assert.deepEqual([client.readableHighWaterMark, client.writableHighWaterMark], [1111, 1111]);
    assert.deepEqual([accepted.readableHighWaterMark, accepted.writableHighWaterMark], [2222, 2222]);
  });

  test('allowHalfOpen of a client keeps its side open', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({ allowHalfOpen: true }, (socket) => {
      socket.end('all of it');
      socket.resume();
    });
    const client = c.connect({ port, allowHalfOpen: true } as AnyOptions);
    client.resume();
    await once(client, 'end');
    assert.deepEqual([client.writable, client.readyState], [true, 'writeOnly']);
    client.end();
    assert.equal(await closeOf(client), false);
  });

  test('the diagnostics channels tell of sockets and of listening', timed, async (t) => {
    const c = new Case(env, t);
    const seen: [string, object][] = [];
    const names = [
      'net.client.socket',
      'net.server.socket',
      'tracing:net.server.listen:asyncStart',
      'tracing:net.server.listen:asyncEnd',
      'tracing:net.server.listen:error',
    ];
    const listeners = names.map((name) => {
      const listener = (message: unknown) => void seen.push([name, message as object]);
      channels.subscribe(name, listener);
      return listener;
    });
    t.after(() => {
      for (const [i, name] of names.entries()) channels.unsubscribe(name, listeners[i]!);
    });
    const [client, accepted, { server, port }] = await c.pair();
    const second = c.track(env.server.createServer());
    second.listen(port, env.address);
    const [error] = await once(second, 'error');
    assert.deepEqual(
      seen.map(([name]) => name).sort(),
      [...names, 'tracing:net.server.listen:asyncStart'].sort(),
    );
    const of = (name: string) => seen.find(([each]) => each === name)![1] as Record<string, unknown>;
    assert.equal(of('net.client.socket').socket, client);
    assert.equal(of('net.server.socket').socket, accepted);
    assert.equal(of('tracing:net.server.listen:asyncStart').server, server);
    assert.deepEqual(of('tracing:net.server.listen:asyncEnd'), { server });
    assert.equal(of('tracing:net.server.listen:error').error, error);
  });

  test('_connectionKey tells what was listened on', timed, async (t) => {
    const c = new Case(env, t);
    const keyOf = (server: object) => (server as { _connectionKey?: string })._connectionKey;
    const { server } = await c.listen();
    assert.equal(keyOf(server), `4:${env.address}:0`);
  });

  test('_handle is null before connect and after the end, and an object between', timed, async (t) => {
    const c = new Case(env, t);
    const handleOf = (of: object) => (of as { _handle: object | null })._handle;
    const [client, accepted, { server }] = await c.pair();
    assert.equal(handleOf(new env.client.Socket()), null);
    assert.deepEqual(
      [client, accepted, server].map((each) => typeof handleOf(each)),
      ['object', 'object', 'object'],
    );
    assert.ok(handleOf(client) && handleOf(accepted) && handleOf(server));
    client.destroy();
    server.close();
    assert.deepEqual([handleOf(client), handleOf(server)], [null, null]);
  });
}
