// Parity of what `node:net` has learnt since Node 20. Modules of older versions have none of it to be held to; a skipped test
// would count as one that could not be run.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as nodeNet from 'node:net';
import { test } from 'node:test';
import { Case, DEADLINE_MS, type Environment, NODE_MAJOR, readAll, recordEvents } from './environment.js';

type AnyOptions = Parameters<Case['connect']>[0];

/** A socket as newer versions have it. */
type NewerSocket = nodeNet.Socket & {
  setTypeOfService(tos: number): NewerSocket;
  getTypeOfService(): number;
  setKeepAlive(
    enable?: boolean | object,
    initialDelay?: number,
    interval?: number,
    count?: number,
  ): NewerSocket;
};

/** Registers the cases for one environment. */
export function defineNewerCases(env: Environment): void {
  if (env.isOurs || NODE_MAJOR >= 24) defineBlockListCases(env);
  if (env.isOurs || NODE_MAJOR >= 22) defineSharedPortCases(env);
  if ('setTypeOfService' in env.client.Socket.prototype) defineTypeOfServiceCases(env);
}

function defineBlockListCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };

  test('block lists keep a client from connecting', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const blockList = new nodeNet.BlockList();
    blockList.addAddress(env.address);
    const client = c.connect({ port, blockList } as AnyOptions);
    const [error] = await once(client, 'error');
    assert.equal(error.code, 'ERR_IP_BLOCKED');
    assert.equal(error.message, `IP(${env.address}) is blocked by net.BlockList`);
  });

  test('of several addresses those that are blocked are not attempted', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const blockList = new nodeNet.BlockList();
    blockList.addAddress(env.otherAddress);
    const lookup: nodeNet.LookupFunction = (_host, _options, callback) => {
      setImmediate(callback, null, [
        { address: env.otherAddress, family: 4 },
        { address: env.address, family: 4 },
      ]);
    };
    const options = { port, host: 'name.example', autoSelectFamily: true, lookup, blockList };
    const client = c.connect(options as AnyOptions);
    const seen: unknown[] = [];
    client.on('connectionAttempt', (ip) => seen.push(`try ${ip}`));
    client.on('connectionAttemptFailed', (ip, _port, _family, error: NodeJS.ErrnoException) =>
      seen.push([ip, error.code]),
    );
    await once(client, 'connect');
    assert.deepEqual(seen, [[env.otherAddress, 'ERR_IP_BLOCKED'], `try ${env.address}`]);
    assert.deepEqual(client.autoSelectFamilyAttemptedAddresses, [`${env.address}:${port}`]);
  });

  test('block lists keep peers from a server', timed, async (t) => {
    const c = new Case(env, t);
    const blockList = new nodeNet.BlockList();
    blockList.addAddress(env.clientAddress);
    const { server, port } = await c.listen({ blockList } as nodeNet.ServerOpts);
    const seen = recordEvents(server, ['connection', 'drop']);
    const client = c.connect({ port });
    client.resume();
    await once(client, 'close');
    assert.deepEqual(seen, []);
  });

  test('a block list of another kind is refused', timed, () => {
    const refused = {
      code: 'ERR_INVALID_ARG_TYPE',
      message: 'The "options.blockList" property must be an net.BlockList. Received an instance of Array',
    };
    assert.throws(() => new env.client.Socket({ blockList: [] } as never), refused);
    assert.throws(() => env.server.createServer({ blockList: [] } as never), refused);
  });
}

function defineSharedPortCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };

  test('servers with reusePort share a port, and each has its part of the connections', timed, async (t) => {
    const c = new Case(env, t);
    const counts = [0, 0];
    let port = 0;
    for (const i of counts.keys()) {
      const server = c.track(
        env.server.createServer((socket) => {
          counts[i]!++;
          socket.end('x');
        }),
      );
      server.listen({ port, host: env.address, reusePort: true } as nodeNet.ListenOptions);
      await once(server, 'listening');
      port = (server.address() as nodeNet.AddressInfo).port;
    }
    // By chance all fifty could go to one, once in as many runs as there are grains of sand.
    for (let i = 0; i < 50; i++) assert.equal((await readAll(c.connect({ port }))).toString(), 'x');
    assert.equal(counts[0]! + counts[1]!, 50);
    assert.ok(counts[0]! > 0 && counts[1]! > 0, counts.join(' and '));
  });

  test('a server without reusePort stands in the way, and so does anything but true', timed, async (t) => {
    const c = new Case(env, t);
    for (const [first, second] of [
      [true, undefined],
      [undefined, true],
      [1, 1],
    ]) {
      const server = c.track(env.server.createServer());
      server.listen({ port: 0, host: env.address, reusePort: first } as nodeNet.ListenOptions);
      await once(server, 'listening');
      const { port } = server.address() as nodeNet.AddressInfo;
      const late = c.track(env.server.createServer());
      late.listen({ port, host: env.address, reusePort: second } as nodeNet.ListenOptions);
      assert.equal((await once(late, 'error'))[0].code, 'EADDRINUSE');
    }
  });
}

function defineTypeOfServiceCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };
  const make = (options?: object) => new env.client.Socket(options) as NewerSocket;

  test(
    'the type of service that was set is told before the connection, and without the bits of ECN after it',
    timed,
    async (t) => {
      const c = new Case(env, t);
      const { server, port } = await c.listen();
      const accepted = once(server, 'connection');
      const socket = c.adopt(make()) as NewerSocket;
      assert.equal(socket.getTypeOfService(), 0);
      assert.equal(socket.setTypeOfService(255), socket);
      assert.equal(socket.getTypeOfService(), 255);
      socket.connect({ port, host: env.address });
      await once(socket, 'connect');
      assert.equal(socket.getTypeOfService(), 252);
      assert.equal(socket.setTypeOfService(0x23).getTypeOfService(), 0x20);
      const [peer] = (await accepted) as [NewerSocket];
      assert.equal(peer.getTypeOfService(), 0);
      assert.equal(peer.setTypeOfService(0x2e << 2).getTypeOfService(), 0x2e << 2);
      socket.destroy();
      assert.equal(socket.getTypeOfService(), 0x23);
      assert.equal(socket.setTypeOfService(8).getTypeOfService(), 8);
    },
  );

  test('the option typeOfService', timed, async (t) => {
    const c = new Case(env, t);
    const [client] = await c.pair({ client: { typeOfService: 0xb8 } as never });
    assert.equal((client as NewerSocket).getTypeOfService(), 0xb8);
    assert.equal(make({ typeOfService: 3 }).getTypeOfService(), 3);
  });

  for (const [value, code, message] of [
    [-1, 'ERR_OUT_OF_RANGE', 'out of range. It must be >= 0 && <= 255. Received -1'],
    [256, 'ERR_OUT_OF_RANGE', 'out of range. It must be >= 0 && <= 255. Received 256'],
    [1.5, 'ERR_OUT_OF_RANGE', 'out of range. It must be an integer. Received 1.5'],
    ['1', 'ERR_INVALID_ARG_TYPE', "must be of type number. Received type string ('1')"],
    [null, 'ERR_INVALID_ARG_TYPE', 'must be of type number. Received null'],
  ] as const) {
    test(`the type of service ${value} is refused`, () => {
      assert.throws(() => make().setTypeOfService(value as number), ofMessage(code, '"tos"', message));
      const option = '"options.typeOfService"';
      assert.throws(() => make({ typeOfService: value }), ofMessage(code, option, message));
    });
  }

  test('NaN is a wrong type for the setter, and out of range for the option', () => {
    assert.throws(() => make().setTypeOfService(Number.NaN), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => make({ typeOfService: Number.NaN }), { code: 'ERR_OUT_OF_RANGE' });
  });

  test('setKeepAlive takes an interval and a number of probes, also as an object', timed, async (t) => {
    const c = new Case(env, t);
    const [client] = await c.pair();
    for (const socket of [client as NewerSocket, make()]) {
      assert.equal(socket.setKeepAlive(true, 5000, 2000, 3), socket);
      assert.equal(
        socket.setKeepAlive({ enable: true, initialDelay: 5000, interval: 2000, count: 3 }),
        socket,
      );
      assert.equal(socket.setKeepAlive({}), socket);
    }
  });
}

/** An error with this code whose message has these parts. */
function ofMessage(code: string, ...parts: string[]): (error: NodeJS.ErrnoException) => boolean {
  return (error) => error.code === code && parts.every((part) => error.message.includes(part));
}
