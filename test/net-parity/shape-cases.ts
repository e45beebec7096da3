// Parity of what is seen from outside: own properties, defaults, and functions by their arguments; each compared with the
// host's own module.
import assert from 'node:assert/strict';
import * as nodeNet from 'node:net';
import { test } from 'node:test';
import type { Environment, NetModule } from './environment.js';

/** What Node's own inside names with an underscore is nobody's business. */
function openKeys(of: object): string[] {
  return Object.keys(of)
    .filter((key) => !key.startsWith('_'))
    .sort();
}

/** Names of the functions on a prototype, with how many arguments they name. */
function arities(prototype: object): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (typeof value === 'function' && !name.startsWith('_')) found.set(name, value.length);
  }
  return found;
}

/** Of a function anywhere in the chain. */
function arityIn(prototype: object, name: string): number | undefined {
  return (prototype as Record<string, { length: number } | undefined>)[name]?.length;
}

/** Registers the cases for one environment. */
export function defineShapeCases(env: Environment): void {
  const { client } = env;
  const original: NetModule = nodeNet;

  test('sockets and servers have the own properties of node:net', () => {
    assert.deepEqual(openKeys(new client.Socket()), openKeys(new original.Socket()));
    assert.deepEqual(openKeys(client.createServer()), openKeys(original.createServer()));
  });

  test('functions name as many arguments as those of node:net', () => {
    const later = new Set(['setKeepAlive', 'constructor']);
    for (const kind of ['Socket', 'Server'] as const) {
      for (const [name, count] of arities(original[kind].prototype)) {
        if (!later.has(name)) assert.equal(arityIn(client[kind].prototype, name), count, `${kind}.${name}`);
      }
    }
    for (const name of ['connect', 'createServer', 'Socket', 'Server', 'isIP'] as const) {
      assert.deepEqual(
        [client[name].length, client[name].name],
        [original[name].length, original[name].name],
      );
    }
  });

  test('one is called by two names', () => {
    assert.equal((client as unknown as { Stream: unknown }).Stream, client.Socket);
    assert.equal(client.connect, client.createConnection);
  });

  test('what options make of a server’s properties', () => {
    const seen = (net: NetModule) => {
      const server = net.createServer({
        keepAlive: 1 as never,
        keepAliveInitialDelay: 5999,
        noDelay: 'yes' as never,
        allowHalfOpen: 1 as never,
        pauseOnConnect: {} as never,
        highWaterMark: 0,
      });
      const { keepAlive, keepAliveInitialDelay, noDelay, allowHalfOpen, pauseOnConnect, highWaterMark } =
        server as unknown as Record<string, unknown>;
      const { maxConnections, connections, listening } = server;
      const negative = net.createServer({ keepAliveInitialDelay: -1 }) as unknown as Record<string, unknown>;
      return [
        [keepAlive, keepAliveInitialDelay, noDelay, allowHalfOpen, pauseOnConnect, highWaterMark],
        [maxConnections, connections, listening, negative.keepAliveInitialDelay],
      ];
    };
    assert.deepEqual(seen(client), seen(original));
  });

  test('a new socket', () => {
    const seen = (net: NetModule) => {
      const socket = new net.Socket({ readable: false, writable: false });
      const { bytesRead, bytesWritten, bufferSize, pending, connecting, readyState, timeout, destroyed } =
        socket;
      const { readableHighWaterMark, writableHighWaterMark, allowHalfOpen, remoteAddress, localPort } =
        socket;
      return [
        [bytesRead, bytesWritten, bufferSize, pending, connecting, readyState, timeout, destroyed],
        [readableHighWaterMark, writableHighWaterMark, allowHalfOpen, remoteAddress, localPort],
        [socket.address(), socket.autoSelectFamilyAttemptedAddresses, socket.listenerCount('end')],
      ];
    };
    assert.deepEqual(seen(client), seen(original));
  });

  test('the choice of a family begins with the defaults of this Node', () => {
    assert.deepEqual(
      [client.getDefaultAutoSelectFamily(), client.getDefaultAutoSelectFamilyAttemptTimeout()],
      [original.getDefaultAutoSelectFamily(), original.getDefaultAutoSelectFamilyAttemptTimeout()],
    );
  });

  test('the defaults of the choice of a family can be set', (t) => {
    const before = client.getDefaultAutoSelectFamily();
    const timeout = client.getDefaultAutoSelectFamilyAttemptTimeout();
    t.after(() => {
      client.setDefaultAutoSelectFamily(before);
      client.setDefaultAutoSelectFamilyAttemptTimeout(timeout);
    });
    const asksForAll = () => {
      let all: boolean | undefined;
      const lookup: nodeNet.LookupFunction = (_host, options) => {
        all = options.all;
      };
      client.connect({ port: 1, host: 'name.example', lookup }).destroy();
      return all === true;
    };
    client.setDefaultAutoSelectFamily(false);
    assert.deepEqual([client.getDefaultAutoSelectFamily(), asksForAll()], [false, false]);
    client.setDefaultAutoSelectFamily(true);
    assert.deepEqual([client.getDefaultAutoSelectFamily(), asksForAll()], [true, true]);
    client.setDefaultAutoSelectFamilyAttemptTimeout(5);
    assert.equal(client.getDefaultAutoSelectFamilyAttemptTimeout(), 10);
    client.setDefaultAutoSelectFamilyAttemptTimeout(300);
    assert.equal(client.getDefaultAutoSelectFamilyAttemptTimeout(), 300);
  });
}
