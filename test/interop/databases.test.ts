// Drivers of npm on our sockets against Debian's PostgreSQL and Redis, and the databases' own load tools through a proxy
// on the stack.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Redis, type RedisOptions } from 'ioredis';
import pg from 'pg';
import { makeIdentity } from '../programs/identity.js';
import { eventOf } from '../programs/place.js';
import { POSTGRESQL_USER, postgresqlPrograms, startPostgresql, startRedis } from './daemons.js';
import { startForwarder } from './forwarder.js';
import { KERNEL, Lab, obstacle, STACK, type TestStack, until } from './lab.js';

const postgresql = postgresqlPrograms();
const skipPostgresql = postgresql === null ? 'postgres not found' : obstacle('openssl', 'unshare');
const skipRedis = obstacle('redis-server', 'redis-benchmark');

/** Settings of `pg` that let it connect through the stack. */
function through(stack: TestStack, port: number): pg.ClientConfig {
  return {
    host: KERNEL,
    port,
    user: POSTGRESQL_USER,
    database: POSTGRESQL_USER,
    stream: () => new stack.net.Socket() as unknown as Socket,
  };
}

async function queryAll(client: pg.Client): Promise<void> {
  const rows = 50_000;
  const { rows: numbers } = await client.query<{ n: number; text: string }>(
    'select n, repeat(chr(97 + n % 26), n % 50) as text from generate_series(1, $1::int) n',
    [rows],
  );
  assert.equal(numbers.length, rows);
  for (const [i, row] of numbers.entries()) {
    if (row.n !== i + 1 || row.text.length !== (i + 1) % 50) assert.fail(`row ${i}: ${JSON.stringify(row)}`);
  }
  const blob = Buffer.alloc(3_000_000, 'wave');
  const echoed = await client.query<{ blob: Buffer }>('select $1::bytea as blob', [blob]);
  assert.ok(echoed.rows[0]!.blob.equals(blob));
  await client.query('begin');
  await client.query('create table kept (n int primary key)');
  await client.query('insert into kept select generate_series(1, 100)');
  await assert.rejects(client.query('insert into kept values (1)'), { code: '23505' });
  await client.query('rollback');
  await assert.rejects(client.query('select * from kept'), { code: '42P01' });
}

test('pg: queries, large values, errors and transactions, in the clear and over TLS', {
  skip: skipPostgresql,
}, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const identity = makeIdentity(KERNEL);
  const port = await startPostgresql(lab, postgresql!, identity);
  for (const ssl of [false, { ca: identity.cert }]) {
    const client = new pg.Client({ ...through(stack, port), ssl });
    await client.connect();
    await queryAll(client);
    const used = await client.query<{ ssl: boolean }>(
      'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
    );
    assert.equal(used.rows[0]!.ssl, ssl !== false);
    await client.end();
  }

  await t.test('a pool, notifications, and a session that the server ends', async () => {
    const pool = new pg.Pool({ ...through(stack, port), max: 8 });
    const sums = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const { rows } = await pool.query<{ sum: string }>(
          'select sum(n) from generate_series(1, $1::int) n',
          [i],
        );
        return Number(rows[0]!.sum);
      }),
    );
    assert.deepEqual(
      sums,
      Array.from({ length: 40 }, (_, i) => (i * (i + 1)) / 2),
    );
    assert.ok(pool.totalCount <= 8);

    const listener = new pg.Client(through(stack, port));
    await listener.connect();
    await listener.query('listen wave');
    const heard = eventOf(listener, 'notification');
    await pool.query("select pg_notify('wave', 'hello')");
    const [notification] = (await heard) as [pg.Notification];
    assert.equal(notification.payload, 'hello');

    const { rows } = await listener.query<{ pid: number }>('select pg_backend_pid() as pid');
    // After the server's word comes a second error, about the connection.
    const ended = new Promise<Error & { code?: string }>((resolve) => void listener.on('error', resolve));
    await pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
    assert.equal((await ended).code, '57P01');
    await pool.end();
  });
  await stack.settled();
});

test('psql and pgbench of the kernel through a proxy on the stack', { skip: skipPostgresql }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const port = await startPostgresql(lab, postgresql!, makeIdentity(KERNEL, STACK));
  const proxy = await startForwarder(stack, port);
  const direct = ['-h', KERNEL, '-p', String(port)];
  const proxied = ['-h', STACK, '-p', String(proxy.port)];
  const run = (program: string, ...argv: string[]) =>
    lab.run([join(postgresql!, program), '-U', POSTGRESQL_USER, ...argv, POSTGRESQL_USER]);
  const prepared = await run('pgbench', ...proxied, '--initialize', '--quiet');
  assert.equal(prepared.status, 0, prepared.stderr);
  const bench = await run('pgbench', ...proxied, '--client=10', '--jobs=2', '--transactions=30');
  assert.equal(bench.status, 0, bench.stderr);
  assert.match(bench.stdout, /number of transactions actually processed: 300\/300/);
  assert.match(bench.stdout, /number of failed transactions: 0 /);
  const copy = ['-Atqc', 'copy (select * from pgbench_accounts order by aid) to stdout'];
  const [copied, original] = [await run('psql', ...proxied, ...copy), await run('psql', ...direct, ...copy)];
  assert.ok(copied.bytes > 9_000_000);
  assert.deepEqual([copied.status, copied.bytes, copied.sum], [0, original.bytes, original.sum]);
  assert.ok(proxy.taken() >= 12);
  assert.deepEqual(proxy.failures, []);
  await stack.settled();
});

/** An ioredis client that connects through the stack. */
function redisThrough(stack: TestStack, port: number, options: RedisOptions = {}): Redis {
  class Connector {
    private socket: Socket | null = null;
    firstError?: Error;

    check(): boolean {
      return true;
    }

    async connect(): Promise<Socket> {
      this.socket = stack.net.connect({ host: KERNEL, port }) as unknown as Socket;
      this.socket.once('error', (error) => {
        this.firstError = error;
      });
      return this.socket;
    }

    disconnect(): void {
      this.socket?.end();
    }
  }
  return new Redis({ ...options, Connector } as unknown as RedisOptions);
}

test('ioredis: pipelines, large values, transactions, subscriptions, reconnection', {
  skip: skipRedis,
}, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const port = await startRedis(lab);
  const redis = redisThrough(stack, port);
  const pipeline = redis.pipeline();
  for (let i = 0; i < 5000; i++) pipeline.set(`key:${i}`, `value ${i}`).get(`key:${i}`);
  const answers = (await pipeline.exec())!;
  assert.equal(answers.length, 10_000);
  for (let i = 0; i < 5000; i++) {
    assert.deepEqual(answers[2 * i], [null, 'OK']);
    assert.deepEqual(answers[2 * i + 1], [null, `value ${i}`]);
  }
  const large = Buffer.alloc(5_000_000, 'wave');
  await redis.set('large', large);
  assert.ok((await redis.getBuffer('large'))!.equals(large));
  assert.deepEqual(await redis.multi().incr('n').incrby('n', 41).exec(), [
    [null, 1],
    [null, 42],
  ]);

  const subscriber = redisThrough(stack, port);
  const heard: string[] = [];
  subscriber.on('message', (_channel, message) => heard.push(message));
  await subscriber.subscribe('wave');
  for (let i = 0; i < 100; i++) await redis.publish('wave', String(i));
  await until('the subscriber has heard all', () => heard.length === 100);
  assert.deepEqual(
    heard,
    Array.from({ length: 100 }, (_, i) => String(i)),
  );

  const blocked = redisThrough(stack, port);
  const popped = blocked.blpop('queue', 0);
  await redis.rpush('queue', 'first');
  assert.deepEqual(await popped, ['queue', 'first']);

  // The server hangs up on a client in the midst of its wait; the driver connects again and asks once more.
  const waiting = blocked.blpop('queue', 0);
  const again = eventOf(blocked, 'ready');
  await until('the wait has reached the server', async () => {
    return String(await redis.client('LIST')).includes('cmd=blpop');
  });
  const id = /id=(\d+) [^\n]*cmd=blpop/.exec(String(await redis.client('LIST')))![1]!;
  await redis.client('KILL', 'ID', id);
  await again;
  await redis.rpush('queue', 'second');
  assert.deepEqual(await waiting, ['queue', 'second']);
  for (const client of [redis, subscriber, blocked]) await client.quit();
  await stack.settled();
});

test('redis-benchmark of the kernel through a proxy on the stack', { skip: skipRedis }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const proxy = await startForwarder(stack, await startRedis(lab));
  const tests = ['set', 'get', 'incr', 'lpush', 'lrange_100'];
  for (const depth of [1, 16]) {
    const bench = await lab.run([
      ...['redis-benchmark', '-h', STACK, '-p', String(proxy.port), '-c', '50', '-n', '4000'],
      ...['-P', String(depth), '-t', tests.join(','), '--csv', '-d', '100'],
    ]);
    assert.equal(bench.status, 0, bench.stderr);
    const measured = bench.stdout.split('\n').slice(1, -1);
    // LRANGE fills its list first, which is a line of its own.
    assert.equal(measured.length, tests.length + 1, bench.stdout);
  }
  assert.ok(proxy.taken() >= 100);
  assert.deepEqual(proxy.failures, []);
  await stack.settled();
});
