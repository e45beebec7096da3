// Parity of moving data: echo, back-pressure, encodings, counters.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Case, DEADLINE_MS, type Environment, pattern, readAll, until } from './environment.js';

const MEGABYTE = 1 << 20;

/** Registers the cases for one environment. */
export function defineDataCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };

  test('echo returns the bytes', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.pipe(socket));
    const client = c.connect({ port });
    client.end('hello');
    assert.equal((await readAll(client)).toString(), 'hello');
  });

  test('pipe carries a megabyte both ways', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.pipe(socket));
    const client = c.connect({ port });
    const sent = pattern(MEGABYTE);
    client.end(sent);
    assert.ok((await readAll(client)).equals(sent));
  });

  test('many small writes arrive in order', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    let sent = '';
    for (let i = 0; i < 2000; i++) {
      client.write(`${i},`);
      sent += `${i},`;
    }
    client.end();
    assert.equal((await readAll(accepted)).toString(), sent);
  });

  test('a write that finds room is told before anything that was put off until later', timed, async (t) => {
    const c = new Case(env, t);
    const [client] = await c.pair();
    const order: string[] = [];
    const later = new Promise<void>((resolve) => {
      setImmediate(() => {
        order.push('later');
        resolve();
      });
    });
    client.write('x', () => order.push('written'));
    await later;
    assert.deepEqual(order, ['written', 'later']);
  });

  test(
    'a reader that stops holds the writer back, and everything arrives once it goes on',
    timed,
    async (t) => {
      const c = new Case(env, t);
      const [client, accepted] = await c.pair();
      const sent = pattern(16 * MEGABYTE);
      let written = false;
      let drained = false;
      client.on('drain', () => {
        drained = true;
      });
      assert.equal(
        client.write(sent, () => (written = true)),
        false,
      );
      await until(() => accepted.readableLength >= accepted.readableHighWaterMark);
      await c.settle();
      assert.ok(accepted.readableLength < MEGABYTE, `reader holds ${accepted.readableLength} bytes`);
      assert.equal(written, false);
      assert.equal(drained, false);
      client.end();
      assert.ok((await readAll(accepted)).equals(sent));
      assert.equal(written, true);
    },
  );

  test('drain follows a write that returned false', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    assert.equal(client.write(Buffer.alloc(16 * MEGABYTE)), false);
    assert.equal(client.writableNeedDrain, true);
    accepted.resume();
    await once(client, 'drain');
    assert.equal(client.writableNeedDrain, false);
    assert.equal(client.writableLength, 0);
  });

  test('a buffer may be reused after the callback of its write', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    const chunk = Buffer.alloc(1000, 'a');
    await new Promise((resolve) => client.write(chunk, resolve));
    chunk.fill('b');
    client.end();
    assert.equal((await readAll(accepted)).toString(), 'a'.repeat(1000));
  });

  for (const [encoding, text] of [
    ['hex', '00ff10'],
    ['base64', 'AP8Q'],
    ['base64url', 'AP-_'],
    ['latin1', 'é'],
    ['binary', 'é'],
    ['ucs2', 'é'],
    ['utf16le', 'é'],
    ['ascii', 'é'],
    ['utf8', 'é世'],
  ] as const) {
    test(`text in ${encoding}: alone, gathered, at the end and by default`, timed, async (t) => {
      const c = new Case(env, t);
      const [client, accepted] = await c.pair();
      const bytes = Buffer.from(text, encoding);
      client.write(text, encoding);
      client.cork();
      client.write(text, encoding);
      client.write(text, encoding);
      assert.equal(client.bytesWritten, 3 * bytes.length);
      client.uncork();
      client.setDefaultEncoding(encoding);
      client.write(text);
      client.end(text, encoding);
      assert.deepEqual(await readAll(accepted), Buffer.concat(Array(5).fill(bytes)));
      assert.equal(client.bytesWritten, 5 * bytes.length);
    });
  }

  test('cork gathers writes; callbacks come in order', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    const order: number[] = [];
    client.cork();
    client.write('a', () => order.push(1));
    client.write(Buffer.from('b'), () => order.push(2));
    client.write('Yw==', 'base64', () => order.push(3));
    assert.equal(client.writableLength, 6);
    client.uncork();
    client.end();
    assert.equal((await readAll(accepted)).toString(), 'abc');
    assert.deepEqual(order, [1, 2, 3]);
  });

  test('chunks are Buffers; any Uint8Array can be written', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    client.write(new Uint8Array([1, 2, 3]));
    const [chunk] = await once(accepted, 'data');
    assert.ok(Buffer.isBuffer(chunk));
    assert.deepEqual([...chunk], [1, 2, 3]);
  });

  test('setEncoding joins characters that were cut apart', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    accepted.setEncoding('utf8');
    let text = '';
    accepted.on('data', (part: string) => {
      assert.equal(typeof part, 'string');
      text += part;
    });
    const bytes = Buffer.from('naïve 世界');
    for (const byte of bytes) {
      client.write(Buffer.from([byte]));
      await until(() => accepted.bytesRead === client.bytesWritten);
    }
    client.end();
    await once(accepted, 'end');
    assert.equal(text, 'naïve 世界');
  });

  test('pause stops data events, resume goes on', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    let received = 0;
    accepted.on('data', (chunk: Buffer) => {
      received += chunk.length;
      accepted.pause();
    });
    client.write('first');
    await until(() => received === 5);
    client.write('second');
    await c.settle();
    assert.equal(received, 5);
    assert.equal(accepted.isPaused(), true);
    accepted.resume();
    await until(() => received === 11);
  });

  test('async iteration ends with the stream and destroys the socket', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => {
      socket.write('one');
      socket.end('two');
    });
    const client = c.connect({ port });
    let text = '';
    for await (const chunk of client) text += chunk;
    assert.equal(text, 'onetwo');
    await until(() => client.destroyed);
  });

  test('leaving an iteration early destroys the socket', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => {
      socket.on('error', () => {});
      socket.write('one');
    });
    const client = c.connect({ port });
    for await (const chunk of client) {
      assert.equal(chunk.toString(), 'one');
      break;
    }
    assert.equal(client.destroyed, true);
  });

  test('bytesRead and bytesWritten count bytes, those that wait included', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.pipe(socket));
    const client = c.connect({ port });
    client.write('äö');
    assert.equal(client.bytesWritten, 4);
    client.write('xyz');
    assert.equal(client.bytesWritten, 7);
    await once(client, 'connect');
    client.cork();
    client.write('é');
    client.write(Buffer.alloc(10));
    assert.equal(client.bytesWritten, 19);
    client.uncork();
    client.end();
    client.resume();
    await once(client, 'close');
    assert.equal(client.bytesWritten, 19);
    assert.equal(client.bytesRead, 19);
  });

  test('bufferSize is the length of what waits, and undefined without a connection', timed, async (t) => {
    const c = new Case(env, t);
    const [client] = await c.pair();
    assert.equal(client.bufferSize, 0);
    client.cork();
    client.write('abc');
    assert.equal(client.bufferSize, 3);
    client.destroy();
    assert.equal(client.bufferSize, undefined);
  });

  test('read() pulls what is there', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    client.write('abcdef');
    await once(accepted, 'readable');
    await until(() => accepted.readableLength === 6);
    assert.equal(accepted.read(2).toString(), 'ab');
    accepted.unshift(Buffer.from('AB'));
    // One call or two: since Node 26 a stream gives out what it holds piece by piece.
    const rest: Buffer[] = [];
    for (let part = accepted.read(); part !== null; part = accepted.read()) rest.push(part);
    assert.equal(Buffer.concat(rest).toString(), 'ABcdef');
  });

  test('an idle socket times out, once, and stays open', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    let callbacks = 0;
    assert.equal(
      client.setTimeout(20, () => callbacks++),
      client,
    );
    assert.equal(client.timeout, 20);
    await once(client, 'timeout');
    assert.equal(callbacks, 1);
    assert.equal(client.destroyed, false);
    client.end('still here');
    assert.equal((await readAll(accepted)).toString(), 'still here');
    assert.equal(callbacks, 1);
  });

  test('traffic after a timeout starts the next one', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    accepted.pipe(accepted);
    client.resume();
    client.setTimeout(20);
    await once(client, 'timeout');
    client.write('x');
    await once(client, 'timeout');
    client.setTimeout(0);
    assert.equal(client.timeout, 0);
  });

  test('the option timeout is setTimeout', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const client = c.connect({ port, timeout: 20 } as { port: number });
    assert.equal(client.timeout, 20);
    await once(client, 'timeout');
  });

  test('setters return the socket, connected or not', timed, async (t) => {
    const c = new Case(env, t);
    const check = (socket: Socket) => {
      assert.equal(socket.setNoDelay(true), socket);
      assert.equal(socket.setNoDelay(), socket);
      assert.equal(socket.setKeepAlive(true, 5000), socket);
      assert.equal(socket.setKeepAlive(false), socket);
      assert.equal(socket.ref(), socket);
      assert.equal(socket.unref(), socket);
      assert.equal(socket.pause(), socket);
      assert.equal(socket.resume(), socket);
      assert.equal(socket.setTimeout(0), socket);
    };
    const [client, accepted] = await c.pair();
    check(client);
    check(accepted);
    client.ref();
    accepted.ref();
    check(new env.client.Socket());
  });
}
