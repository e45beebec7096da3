// Parity of what becomes of the answers of the option `lookup`, right ones and others.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { LookupFunction } from 'node:net';
import { test } from 'node:test';
import { Case, closeOf, DEADLINE_MS, type Environment, recordEvents } from './environment.js';

type Answer = (callback: (...answer: unknown[]) => void) => void;

/** Registers the cases for one environment. */
export function defineLookupCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };
  const { address } = env;
  const four = { address, family: 4 };

  /** A socket that looks a name up, with what it emits. */
  const asking = (c: Case, port: number, autoSelectFamily: boolean, answer: Answer) => {
    const lookup = ((_host, _options, callback) => answer(callback as never)) as LookupFunction;
    const client = c.connect({ port, host: 'name.example', autoSelectFamily, lookup });
    const seen: unknown[] = [];
    client.on('lookup', (...args) => seen.push(args.slice(0, 3)));
    return { client, seen };
  };

  test('the question: family, hints and whether all addresses are wanted', timed, (t) => {
    const c = new Case(env, t);
    const asked: unknown[] = [];
    const lookup: LookupFunction = (host, options) => asked.push([host, { ...options }]);
    for (const options of [{}, { family: 4 }, { localAddress: env.clientAddress }, { hints: 1024 }]) {
      c.connect({ port: 1, host: 'name.example', autoSelectFamily: true, lookup, ...options });
    }
    assert.deepEqual(asked, [
      ['name.example', { family: undefined, hints: 32, all: true }],
      ['name.example', { family: 4, hints: 0 }],
      ['name.example', { family: undefined, hints: 32 }],
      ['name.example', { family: undefined, hints: 1024, all: true }],
    ]);
  });

  const failures: [string, boolean, unknown[], object, unknown[][]][] = [
    [
      'a list where one address is wanted',
      false,
      [null, [four]],
      { code: 'ERR_INVALID_IP_ADDRESS', message: 'Invalid IP address: [ [Object] ]' },
      [[null, [four], undefined]],
    ],
    [
      'nothing where one address is wanted',
      false,
      [null, undefined],
      { code: 'ERR_INVALID_IP_ADDRESS', message: 'Invalid IP address: undefined' },
      [[null, undefined, undefined]],
    ],
    [
      'one address where a list is wanted',
      true,
      [null, 'ab', 4],
      { code: 'ERR_INVALID_IP_ADDRESS', message: 'Invalid IP address: undefined' },
      [
        [null, undefined, undefined],
        [null, undefined, undefined],
      ],
    ],
    [
      'a list of no family that there is',
      true,
      [null, [{ address, family: 7 }]],
      { code: 'ERR_INVALID_ADDRESS_FAMILY', host: 'name.example' },
      [[null, address, 7]],
    ],
    [
      'an address that is said to be of the other family',
      false,
      [null, address, 6],
      { code: 'EINVAL', message: /^connect EINVAL [\d.]+:1 - Local \(undefined:undefined\)$/ },
      [[null, address, 6]],
    ],
    [
      'an error where a list is wanted',
      true,
      [Object.assign(new Error('unknown'), { code: 'ENOTFOUND' })],
      { code: 'ENOTFOUND' },
      [[Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }), undefined, undefined]],
    ],
  ];
  for (const [title, several, answer, expected, lookups] of failures) {
    test(`answered: ${title}`, timed, async (t) => {
      const c = new Case(env, t);
      const { client, seen } = asking(c, 1, several, (callback) => setImmediate(callback, ...answer));
      const [error] = await once(client, 'error');
      assert.throws(() => {
        throw error;
      }, expected);
      assert.deepEqual(seen, lookups);
    });
  }

  test('an empty list is a TypeError of whoever answers', timed, async (t) => {
    const c = new Case(env, t);
    const thrown: unknown[] = [];
    const { client, seen } = asking(c, 1, true, (callback) => {
      for (const nothing of [[], undefined, null]) {
        try {
          callback(null, nothing);
        } catch (error) {
          thrown.push((error as Error).name);
        }
      }
    });
    await c.settle();
    assert.deepEqual(thrown, ['TypeError', 'TypeError', 'TypeError']);
    assert.deepEqual([client.connecting, client.destroyed, seen], [true, false, []]);
  });

  test('a second answer is a second attempt', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const { client } = asking(c, port, false, (callback) => {
      setImmediate(() => {
        callback(null, address, 4);
        callback(null, address, 4);
      });
    });
    const events = recordEvents(client, ['lookup', 'connectionAttempt', 'connect', 'error', 'close']);
    const closed = closeOf(client);
    const [error] = await once(client, 'error');
    assert.equal(error.code, 'EALREADY');
    await closed;
    assert.deepEqual(events, [
      'lookup',
      'connectionAttempt',
      'lookup',
      'connectionAttempt',
      'error',
      'close',
    ]);
  });
}
