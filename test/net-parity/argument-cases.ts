// Parity of refusals: what a wrong argument throws is compared with what the host's own module throws.
import assert from 'node:assert/strict';
import * as nodeNet from 'node:net';
import { test } from 'node:test';
import type { Environment, NetModule } from './environment.js';

type Call = (net: NetModule) => unknown;

/** A lookup that throws what it is asked, so that it can be compared. */
const toldWhat: nodeNet.LookupFunction = (host, options) => {
  const asked = Object.entries(options).filter(([, value]) => value !== undefined);
  throw new Error(`${host} ${JSON.stringify(asked.sort())}`);
};

const CALLS: Record<string, Call> = {
  'connect without a port': (net) => new net.Socket().connect({} as never),
  'connect with no arguments': (net) => new net.Socket().connect(...([] as unknown as [number])),
  'connect to port 65536': (net) => new net.Socket().connect(65536),
  'connect to port -1': (net) => new net.Socket().connect({ port: -1 }),
  'connect to port 1.5': (net) => new net.Socket().connect({ port: 1.5 }),
  'connect to port NaN': (net) => new net.Socket().connect({ port: Number.NaN }),
  'connect to port ""': (net) => new net.Socket().connect({ port: '' as never }),
  'connect to port true': (net) => new net.Socket().connect({ port: true as never }),
  'connect to port null': (net) => new net.Socket().connect({ port: null as never }),
  'connect to port {}': (net) => new net.Socket().connect({ port: {} as never }),
  'connect from a name': (net) => new net.Socket().connect({ port: 1, localAddress: 'name' }),
  'connect from a port in text': (net) => new net.Socket().connect({ port: 1, localPort: '1' as never }),
  'connect with a lookup that is no function': (net) =>
    new net.Socket().connect({ port: 1, host: 'name', lookup: 'x' as never }),
  'connect with an attempt timeout of 0': (net) =>
    new net.Socket().connect({ port: 1, autoSelectFamilyAttemptTimeout: 0 }),
  'connect with autoSelectFamily in text': (net) =>
    new net.Socket().connect({ port: 1, autoSelectFamily: 'yes' as never }),
  'connect to a path that is a number': (net) => new net.Socket().connect({ path: 1 as never }),
  'connect from an address that is a number': (net) =>
    new net.Socket().connect({ port: 1, localAddress: 1 as never }),
  'connect to a port that is a bigint': (net) => new net.Socket().connect(1n as never),
  'connect to a host that is a number': (net) =>
    new net.Socket().connect({ port: 1, host: 5 as never, lookup: toldWhat }),
  'connect to a host that is true, by dns': (net) =>
    new net.Socket().connect({ port: 1, host: true as never }),
  'connect to a host with a null byte': (net) =>
    new net.Socket().connect({ port: 1, host: 'a\0b', lookup: toldWhat }),
  'connect with a lookup that throws': (net) =>
    new net.Socket().connect({ port: 1, host: 'name', lookup: toldWhat }),
  'lookups are asked for all addresses': (net) =>
    new net.Socket().connect({ port: 1, host: 'name', lookup: toldWhat }),
  'lookups are asked for one address of a family': (net) =>
    new net.Socket().connect({ port: 1, host: 'name', family: 6, lookup: toldWhat }),
  'lookups for a local address': (net) =>
    new net.Socket().connect({ port: 1, host: 'name', localAddress: '127.0.0.1', lookup: toldWhat }),
  'lookups without the choice of a family': (net) =>
    new net.Socket().connect({ port: 1, host: 'name', autoSelectFamily: false, lookup: toldWhat }),
  'lookups with hints': (net) =>
    new net.Socket().connect({ port: 1, host: 'name', hints: 8, lookup: toldWhat }),
  'setEncoding of no encoding': (net) => new net.Socket().setEncoding('z' as never),
  'write in no encoding': (net) => new net.Socket().write('x', 'z' as never),
  'a signal in text': (net) => new net.Socket({ signal: 'x' as never }),
  'a server signal in text': (net) => net.createServer().listen({ port: 0, signal: 'x' as never }),
  'getConnections without a callback': (net) => net.createServer().getConnections(undefined as never),
  'a default attempt timeout of 0': (net) => net.setDefaultAutoSelectFamilyAttemptTimeout(0),
  'listen on a descriptor in text': (net) => net.createServer().listen({ fd: 'x' as never }),
  'listen on port 65536': (net) => net.createServer().listen(65536),
  'listen on port -1': (net) => net.createServer().listen(-1),
  'listen on port 1.5': (net) => net.createServer().listen({ port: 1.5 }),
  'listen on port true': (net) => net.createServer().listen({ port: true as never }),
  'listen with empty options': (net) => net.createServer().listen({}),
  'listen with other options': (net) => net.createServer().listen({ host: '127.0.0.1' }),
  'setTimeout in text': (net) => new net.Socket().setTimeout('100' as never),
  'setTimeout negative': (net) => new net.Socket().setTimeout(-1),
  'setTimeout infinite': (net) => new net.Socket().setTimeout(Number.POSITIVE_INFINITY),
  'setTimeout with a bad callback': (net) => new net.Socket().setTimeout(1, 'x' as never),
  'keepAliveInitialDelay in text': (net) => new net.Socket({ keepAliveInitialDelay: '1' } as never),
  'server keepAliveInitialDelay in text': (net) => net.createServer({ keepAliveInitialDelay: '1' as never }),
  'server options in text': (net) => net.createServer('x' as never),
  'server highWaterMark in text': (net) => net.createServer({ highWaterMark: 'x' as never }),
  'object mode': (net) => new net.Socket({ objectMode: true } as never),
  'object mode of one side': (net) => new net.Socket({ readableObjectMode: true } as never),
  'write of null': (net) => new net.Socket().write(null as never),
  'write of a number': (net) => new net.Socket().write(1 as never),
  'a default that is no boolean': (net) => net.setDefaultAutoSelectFamily('x' as never),
  'a default timeout in text': (net) => net.setDefaultAutoSelectFamilyAttemptTimeout('x' as never),
};

interface Refusal {
  name: string;
  code: string | undefined;
  message: string;
  firstLine: string | undefined;
}

function refusalOf(call: Call, net: NetModule): Refusal | null {
  try {
    call(net);
    return null;
  } catch (error) {
    const { name, code, message, stack } = error as NodeJS.ErrnoException;
    return { name, code, message, firstLine: stack?.split('\n', 1)[0] };
  }
}

/** Registers the cases for one environment. */
export function defineArgumentCases(env: Environment): void {
  for (const [title, call] of Object.entries(CALLS)) {
    test(`${title} is refused as by node:net`, () => {
      const expected = refusalOf(call, nodeNet);
      assert.notEqual(expected, null);
      assert.deepEqual(refusalOf(call, env.client), expected);
    });
  }

  test('Socket and Server work without new', () => {
    const make = env.client as unknown as { Socket(): nodeNet.Socket; Server(): nodeNet.Server };
    assert.ok(make.Socket() instanceof env.client.Socket);
    assert.ok(make.Server() instanceof env.client.Server);
  });

  test('isIP and its kind', () => {
    assert.equal(env.client.isIP('10.0.0.1'), 4);
    assert.equal(env.client.isIP('::1'), 6);
    assert.equal(env.client.isIP('x'), 0);
    assert.equal(env.client.isIPv4('::1'), false);
    assert.equal(env.client.isIPv6('::1'), true);
  });

  test('write after end and after destroy', async () => {
    const errorOf = (write: (callback: (error?: Error | null) => void) => void) =>
      new Promise<NodeJS.ErrnoException>((resolve) => write((e) => resolve(e as NodeJS.ErrnoException)));
    const ended = new env.client.Socket();
    ended.on('error', () => {});
    ended.end();
    assert.equal((await errorOf((done) => ended.write('x', done))).code, 'ERR_STREAM_WRITE_AFTER_END');
    const destroyed = new env.client.Socket();
    destroyed.on('error', () => {});
    destroyed.destroy();
    assert.equal((await errorOf((done) => destroyed.write('x', done))).code, 'ERR_STREAM_DESTROYED');
  });
}
