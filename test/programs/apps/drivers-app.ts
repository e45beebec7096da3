// A program that asks servers elsewhere: PostgreSQL by pg, Redis by ioredis, the web by fetch and https.
import { once } from 'node:events';
import type * as http from 'node:http';
import * as https from 'node:https';
import { Redis } from 'ioredis';
import pg from 'pg';

const [, , host = '', ca = ''] = process.argv;
const told: Record<string, unknown> = {};

const redis = new Redis({ host, port: 6379 });
await redis.set('word', 'wave');
told.redis = await redis.get('word');
await redis.quit();

const client = new pg.Client({ host, port: 5432, user: 'postgres', database: 'postgres', ssl: { ca } });
await client.connect();
const { rows } = await client.query<{ sum: string; from: string }>(
  'select sum(n), host(inet_client_addr()) as from from generate_series(1, 1000) n',
);
told.postgresql = rows[0];
await client.end();

told.fetch = (await (await fetch(`http://${host}/file`)).text()).length;
const request = https.get({ host, path: '/file', ca });
const [response] = (await once(request, 'response')) as [http.IncomingMessage];
told.https = Buffer.concat(await response.toArray()).length;
process.stdout.write(`${JSON.stringify(told)}\n`);
