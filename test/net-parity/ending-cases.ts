// Parity of endings: end, half-close, destroy, reset, and the order of events.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  Case,
  closeOf,
  DEADLINE_MS,
  type Environment,
  NODE_MAJOR,
  readAll,
  recordEvents,
  until,
} from './environment.js';

const LIFE = ['lookup', 'connect', 'ready', 'data', 'end', 'finish', 'timeout', 'drain', 'error', 'close'];

/** Registers the cases for one environment. */
export function defineEndingCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };

  test('events of a client come in order, close last', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.end('x'));
    const client = c.connect({ port });
    const seen = recordEvents(client, LIFE);
    const hadError = await closeOf(client);
    assert.equal(hadError, false);
    assert.deepEqual(seen, ['connect', 'ready', 'data', 'end', 'finish', 'close']);
    await c.settle();
    assert.equal(seen.at(-1), 'close');
  });

  test('events of an accepted socket come in order', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    const seen = recordEvents(accepted, LIFE);
    client.end('x');
    await closeOf(accepted);
    assert.deepEqual(seen, ['data', 'end', 'finish', 'close']);
  });

  test('half-close: the client ends, the server answers afterwards', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair({ server: { allowHalfOpen: true } });
    client.end('question');
    assert.equal((await readAll(accepted)).toString(), 'question');
    assert.equal(accepted.writable, true);
    accepted.end('answer');
    assert.equal((await readAll(client)).toString(), 'answer');
  });

  test('half-close: the server ends, the client still sends', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair({ client: { allowHalfOpen: true } });
    accepted.end('bye');
    assert.equal((await readAll(client)).toString(), 'bye');
    assert.equal(client.readyState, 'writeOnly');
    client.end('after');
    assert.equal((await readAll(accepted)).toString(), 'after');
    await until(() => client.destroyed);
  });

  test('without allowHalfOpen the peer end ends us too', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    assert.equal(accepted.allowHalfOpen, false);
    accepted.resume();
    client.end();
    await closeOf(accepted);
    assert.equal(accepted.writableEnded, true);
    client.resume();
    await closeOf(client);
  });

  test('a write after that is EPIPE, with words about the other party', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    accepted.on('error', () => {});
    accepted.resume();
    client.end();
    await once(accepted, 'end');
    await until(() => accepted.writableEnded);
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      accepted.write('x', (e) => resolve(e as NodeJS.ErrnoException));
    });
    assert.equal(error.code, 'EPIPE');
    assert.equal(error.message, 'This socket has been ended by the other party');
  });

  test('end with data and callback', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair({ server: { allowHalfOpen: true } });
    const seen = recordEvents(client, ['finish', 'close']);
    const finished = new Promise<void>((resolve) => {
      assert.equal(client.end('last', 'latin1', resolve), client);
    });
    assert.equal(client.writableEnded, true);
    await finished;
    assert.deepEqual(seen, ['finish']);
    assert.equal(client.readyState, 'readOnly');
    assert.equal((await readAll(accepted)).toString(), 'last');
  });

  test('end before the connection sends what was written', timed, async (t) => {
    const c = new Case(env, t);
    const { port, server } = await c.listen();
    const accepted = once(server, 'connection');
    const client = c.connect({ port });
    client.write('a');
    client.end('b');
    const [socket] = await accepted;
    assert.equal((await readAll(socket)).toString(), 'ab');
  });

  test('destroy ends without error', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    const mine = recordEvents(client, LIFE);
    const theirs = recordEvents(accepted, LIFE);
    assert.equal(client.destroy(), client);
    assert.equal(client.destroyed, true);
    client.destroy();
    const [hadError] = await Promise.all([closeOf(client), closeOf(accepted)]);
    assert.equal(hadError, false);
    assert.deepEqual(mine, ['close']);
    assert.deepEqual(theirs, ['end', 'finish', 'close']);
  });

  test('a write that destroying cuts short is ECANCELED since Node 22', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    accepted.pause();
    const outcomes: unknown[] = [];
    const note = (error?: Error | null) =>
      outcomes.push(error ? (error as NodeJS.ErrnoException).code : null);
    client.write(Buffer.alloc(20_000_000), note);
    client.destroy();
    client.on('close', () => outcomes.push('close'));
    await once(client, 'close');
    assert.deepEqual(outcomes, [NODE_MAJOR >= 22 ? 'ECANCELED' : null, 'close']);
  });

  test('destroy with an error: error, then close(true)', timed, async (t) => {
    const c = new Case(env, t);
    const [client] = await c.pair();
    const seen: unknown[] = [];
    client.on('error', (error) => seen.push(error.message));
    client.on('close', (hadError) => seen.push(hadError));
    client.destroy(new Error('mine'));
    client.destroy(new Error('second'));
    assert.deepEqual(seen, []);
    await closeOf(client);
    assert.deepEqual(seen, ['mine', true]);
  });

  test('destroy before the connection: close only', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const client = c.connect({ port });
    const seen = recordEvents(client, LIFE);
    assert.equal(client.connecting, true);
    client.destroy();
    assert.equal(client.connecting, false);
    const hadError = await closeOf(client);
    assert.equal(hadError, false);
    await c.settle();
    assert.deepEqual(seen, ['close']);
  });

  test('a socket that never connected closes too', timed, async () => {
    const socket = new env.client.Socket();
    socket.destroy();
    await closeOf(socket);
    assert.equal(socket.readyState, 'closed');
  });

  test('close without a connection carries no argument, also after an error', timed, async () => {
    const socket = new env.client.Socket();
    socket.destroy();
    assert.deepEqual(await once(socket, 'close'), []);
    socket.resetAndDestroy();
    const failed = new env.client.Socket();
    failed.on('error', () => {});
    const closed = new Promise<unknown[]>((resolve) => failed.on('close', (...args) => resolve(args)));
    failed.write('x');
    assert.deepEqual(await closed, []);
  });

  // Since Node 22 there is nothing to wait for.
  test('end and destroySoon without a connection', timed, async (t) => {
    const c = new Case(env, t);
    const ended = c.adopt(new env.client.Socket());
    const seen = recordEvents(ended, LIFE);
    ended.end();
    const left = c.adopt(new env.client.Socket());
    left.destroySoon();
    await c.settle();
    assert.deepEqual(seen, NODE_MAJOR >= 22 ? ['finish'] : []);
    assert.deepEqual([ended.destroyed, ended.readyState], [false, 'readOnly']);
    assert.equal(left.destroyed, NODE_MAJOR >= 22);
  });

  test('destroySoon sends what is queued first', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    client.write(Buffer.alloc(300_000, 'z'));
    client.destroySoon();
    assert.equal((await readAll(accepted)).length, 300_000);
    assert.equal(client.destroyed, true);
  });

  test('resetAndDestroy: the peer reads ECONNRESET', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    const seen = recordEvents(accepted, LIFE);
    const failed = once(accepted, 'error');
    assert.equal(client.resetAndDestroy(), client);
    const [[error], mineHadError, theirsHadError] = await Promise.all([
      failed,
      closeOf(client),
      closeOf(accepted),
    ]);
    assert.equal(error.message, 'read ECONNRESET');
    assert.equal(error.code, 'ECONNRESET');
    assert.equal(error.syscall, 'read');
    assert.equal(error.errno, -104);
    assert.deepEqual(Object.keys(error).sort(), ['code', 'errno', 'syscall']);
    assert.equal(mineHadError, false);
    assert.equal(theirsHadError, true);
    assert.deepEqual(seen, ['error', 'close']);
  });

  test('resetAndDestroy while connecting waits for the connection', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.on('error', () => {}));
    const client = c.connect({ port });
    const seen = recordEvents(client, LIFE);
    client.resetAndDestroy();
    assert.equal(client.destroyed, false);
    assert.equal(await closeOf(client), false);
    assert.deepEqual(seen, ['connect', 'ready', 'close']);
  });

  test('resetAndDestroy without a connection is ERR_SOCKET_CLOSED', timed, async () => {
    const socket = new env.client.Socket();
    socket.resetAndDestroy();
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ERR_SOCKET_CLOSED');
    assert.equal(error.message, 'Socket is closed');
  });

  test('data that came before a reset is read before the end', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair({ server: { pauseOnConnect: true } });
    await new Promise((resolve) => client.write('precious', resolve));
    await c.settle();
    client.resetAndDestroy();
    await c.settle();
    let text = '';
    accepted.on('data', (chunk) => {
      text += chunk;
    });
    accepted.on('error', () => {});
    accepted.resume();
    await closeOf(accepted);
    assert.equal(text, 'precious');
  });

  test('a write after the peer reset is ECONNRESET, of write when nobody reads', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair({ server: { pauseOnConnect: true } });
    client.resetAndDestroy();
    await c.settle();
    const failed = once(accepted, 'error');
    const [error] = await Promise.all([
      new Promise<NodeJS.ErrnoException>((resolve) => {
        accepted.write('x', (e) => resolve(e as NodeJS.ErrnoException));
      }),
      failed,
    ]);
    assert.equal(error.message, 'write ECONNRESET');
    assert.equal(error.syscall, 'write');
  });

  test('destroy with unread data resets the peer', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair({ server: { pauseOnConnect: true } });
    await new Promise((resolve) => client.write('unread', resolve));
    await c.settle();
    accepted.destroy();
    const [error] = await once(client, 'error');
    assert.equal(error.code, 'ECONNRESET');
  });

  for (const event of ['connect', 'data', 'timeout', 'drain', 'end'] as const) {
    for (const action of ['destroy', 'resetAndDestroy', 'end', 'write'] as const) {
      test(`${action} inside '${event}': close once, error at most once and before`, timed, async (t) => {
        const c = new Case(env, t);
        const { port } = await c.listen({}, (socket) => {
          socket.on('error', () => {});
          socket.on('data', () => {});
          socket.write('x');
          if (event === 'end') socket.end();
        });
        const client = c.connect({ port });
        const seen = recordEvents(client, ['error', 'close']);
        client.on('data', () => {});
        client.once(event, () => {
          if (action === 'write') {
            client.write('more');
            setImmediate(() => client.destroy());
          } else {
            client[action]();
          }
        });
        if (event === 'timeout') client.setTimeout(5);
        if (event === 'drain') client.write(Buffer.alloc(100_000));
        if (action === 'end' && event !== 'end') client.once('finish', () => client.destroy());
        await closeOf(client);
        await c.settle();
        assert.equal(seen.filter((name) => name === 'close').length, 1);
        assert.equal(seen.at(-1), 'close');
        assert.ok(seen.length <= 2);
      });
    }
  }

  test('the peer resets while the client writes: one error, then close', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.resetAndDestroy());
    });
    const client = c.connect({ port });
    const seen = recordEvents(client, ['error', 'close']);
    const codes: (string | undefined)[] = [];
    client.on('error', (error: NodeJS.ErrnoException) => codes.push(error.code));
    const push = () => {
      while (!client.destroyed && client.write(Buffer.alloc(10_000)));
    };
    client.on('drain', push);
    push();
    await until(() => seen.includes('close'));
    assert.deepEqual(seen, ['error', 'close']);
    assert.ok(codes[0] === 'ECONNRESET' || codes[0] === 'EPIPE', codes[0]);
  });

  test('an abort signal destroys with AbortError', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const controller = new AbortController();
    const client = c.connect({ port, signal: controller.signal } as { port: number });
    await once(client, 'connect');
    controller.abort();
    const [error] = await once(client, 'error');
    assert.equal(error.name, 'AbortError');
    assert.equal(error.code, 'ABORT_ERR');
  });
}
