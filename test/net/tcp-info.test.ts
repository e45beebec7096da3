// What sockets tell of their connection (`tcpInfo`), and what may be chosen for it (`tcp`), over two stacks.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { ServerOptions, SocketConnectOptions } from '../../src/net/options.js';
import type { Socket } from '../../src/net/socket.js';
import { parseTcpOptions } from '../../src/net/tcp-options.js';
import type { Controller, ControllerFactory } from '../../src/tcp/congestion/controller.js';
import { newReno } from '../../src/tcp/congestion/newreno.js';
import { CONTROLLER_NAMES } from '../../src/tcp/congestion/registry.js';
import { defaultConfig } from '../../src/tcp/defaults.js';
import { joinStacks } from './stack-pair.js';

const { server, client } = joinStacks(['10.9.0.1/24'], ['10.9.0.2/24']);
const timed = { timeout: 20_000 };

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Both ends of one connection, established. */
async function join(connecting: SocketConnectOptions = {}, accepting: ServerOptions = {}) {
  const listening = server.net.createServer({ ...accepting, allowHalfOpen: true }).listen(0, '10.9.0.1');
  await once(listening, 'listening');
  const accepted = once(listening, 'connection') as Promise<[Socket]>;
  const options = { ...connecting, port: listening.address()!.port, host: '10.9.0.1' };
  const ours = client.net.connect({ ...options, allowHalfOpen: true });
  const beforeSyn = ours.tcpInfo();
  await once(ours, 'connect');
  const [theirs] = await accepted;
  listening.close();
  return { ours, theirs, beforeSyn };
}

test('tcpInfo: null before there is a connection, and its last words after its end', timed, async () => {
  assert.equal(new client.net.Socket().tcpInfo(), null);
  const { ours, theirs, beforeSyn } = await join();
  assert.equal(beforeSyn, null);
  assert.equal(ours.tcpInfo()!.state, 'ESTABLISHED');
  ours.end('0123456789');
  theirs.end('abc');
  ours.resume();
  theirs.resume();
  await Promise.all([once(ours, 'close'), once(theirs, 'close')]);
  const isOver = (socket: Socket) => ['CLOSED', 'TIME-WAIT'].includes(socket.tcpInfo()!.state);
  await until(() => isOver(ours) && isOver(theirs) && ours.tcpInfo()!.segsIn === theirs.tcpInfo()!.segsOut);
  const [mine, other] = [ours.tcpInfo()!, theirs.tcpInfo()!];
  assert.deepEqual([mine.limitedBy, other.limitedBy], ['finished', 'finished']);
  assert.deepEqual([mine.bytesSent, mine.bytesAcked, mine.bytesReceived], [10, 10, 3]);
  assert.deepEqual([other.bytesSent, other.bytesAcked, other.bytesReceived], [3, 3, 10]);
  assert.deepEqual([mine.segsOut, mine.segsIn], [other.segsIn, other.segsOut]);
  assert.deepEqual([mine.dataSegsOut, mine.dataSegsIn], [other.dataSegsIn, other.dataSegsOut]);
  assert.deepEqual([mine.sndWscale, mine.rcvWscale], [other.rcvWscale, other.sndWscale]);
  assert.deepEqual(mine.options, other.options);
  assert.deepEqual([mine.advMss, mine.pmtuBytes], [1460, 1500]);
  assert.ok(mine.minRttMs > 0 && mine.minRttMs <= mine.rttMs + 4 * mine.rttVarMs);
});

test('tcpInfo: a peer that does not read shows as the receive window, and for how long', timed, async () => {
  const { ours, theirs } = await join();
  theirs.pause();
  ours.write(Buffer.alloc(4 * 1024 * 1024));
  await until(() => ours.tcpInfo()!.limitedBy === 'receive window' && ours.tcpInfo()!.sndWndBytes === 0);
  const before = ours.tcpInfo()!;
  assert.ok(before.notSentBytes > 0);
  await until(() => ours.tcpInfo()!.rwndLimitedMs > before.rwndLimitedMs);
  assert.equal(theirs.tcpInfo()!.limitedBy, 'application');
  theirs.resume();
  await until(() => theirs.bytesRead === 4 * 1024 * 1024 && ours.tcpInfo()!.unackedBytes === 0);
  const after = ours.tcpInfo()!;
  assert.equal(after.limitedBy, 'application');
  assert.ok(after.busyTimeMs >= after.rwndLimitedMs && after.rwndLimitedMs > 0);
  await until(() => ours.tcpInfo()!.appLimitedMs > after.appLimitedMs);
  assert.equal(ours.tcpInfo()!.busyTimeMs, after.busyTimeMs);
  ours.destroy();
  theirs.destroy();
});

/** NewReno under another name. */
function named(name: string): ControllerFactory {
  return (mss, segments): Controller => Object.assign(newReno(mss, segments), { name });
}

test(
  'tcp.congestion: each connection has its own, by factory or by name, on either side',
  timed,
  async () => {
    const first = await join(
      { tcp: { congestion: named('first') } },
      { tcp: { congestion: named('served') } },
    );
    const second = await join({ tcp: { congestion: 'reno' } });
    const names = [first.ours, first.theirs, second.ours, second.theirs].map((s) => s.tcpInfo()!.congestion);
    const standard = defaultConfig().congestion(1000, 10).name;
    assert.deepEqual(names, ['first', 'served', 'newreno', standard]);
    for (const socket of [first.ours, first.theirs, second.ours, second.theirs]) socket.destroy();
  },
);

test('tcp: settings reach the connections, on top of those of the stack', timed, async () => {
  const tcp = { sendBufferBytes: 5000, dscp: 10, delayedAckMs: 7, windowScale: 3, ttl: undefined };
  const { ours, theirs } = await join({ tcp }, { tcp: { dscp: 46, mslMs: 5 } });
  const mine = ours.endpoint!.connection;
  assert.deepEqual([mine.config.sendBufferBytes, mine.config.sendBufferMaxBytes], [5000, 0]);
  assert.deepEqual([mine.dscp, mine.config.ttl, ours.tcpInfo()!.atoMs], [10, 64, 7]);
  assert.equal(theirs.tcpInfo()!.sndWscale, 3);
  assert.deepEqual([theirs.endpoint!.connection.dscp, theirs.endpoint!.connection.config.mslMs], [46, 5]);
  ours.destroy();
  theirs.destroy();
});

test('tcp: every setting there is may be given, and comes through as it is', () => {
  const { nagle, keepAlive, keepAliveIdleMs, ...rest } = defaultConfig();
  assert.deepEqual(parseTcpOptions(rest), rest);
  assert.equal(parseTcpOptions(undefined), undefined);
  for (const name of CONTROLLER_NAMES) {
    assert.equal(typeof parseTcpOptions({ congestion: name })!.congestion, 'function');
  }
});

const REFUSED: [unknown, string, RegExp][] = [
  ['fast', 'ERR_INVALID_ARG_TYPE', /"options\.tcp" property must be of type object/],
  [null, 'ERR_INVALID_ARG_TYPE', /"options\.tcp"/],
  [{ frob: 1 }, 'ERR_INVALID_ARG_VALUE', /'options\.tcp\.frob' is no setting; there are congestion, .*dscp/],
  [{ toString: 1 }, 'ERR_INVALID_ARG_VALUE', /'options\.tcp\.toString' is no setting/],
  [
    { congestion: 'vegas' },
    'ERR_INVALID_ARG_VALUE',
    /must be a factory or one of .*newreno.* Received 'vegas'/,
  ],
  [{ congestion: 1 }, 'ERR_INVALID_ARG_TYPE', /one of type string or function/],
  [{ nagle: false }, 'ERR_INVALID_ARG_VALUE', /use the option "noDelay"/],
  [{ keepAliveIdleMs: 1 }, 'ERR_INVALID_ARG_VALUE', /use the option "keepAliveInitialDelay"/],
  [{ sack: 1 }, 'ERR_INVALID_ARG_TYPE', /"options\.tcp\.sack" property must be of type boolean/],
  [{ ecn: 'maybe' }, 'ERR_INVALID_ARG_VALUE', /must be one of off, accept, on/],
  [{ ecn: 1 }, 'ERR_INVALID_ARG_VALUE', /must be one of off, accept, on/],
  [{ ttl: '64' }, 'ERR_INVALID_ARG_TYPE', /of type number/],
  [{ ttl: 0 }, 'ERR_OUT_OF_RANGE', />= 1 && <= 255/],
  [{ dscp: 64 }, 'ERR_OUT_OF_RANGE', />= 0 && <= 63/],
  [{ dscp: 1.5 }, 'ERR_OUT_OF_RANGE', /an integer/],
  [{ delayedAckMs: 500 }, 'ERR_OUT_OF_RANGE', /<= 499/],
  [{ r2Ms: Number.NaN }, 'ERR_OUT_OF_RANGE', />= 1/],
];

test('tcp: what makes no sense is refused at once, with what would', () => {
  for (const [tcp, code, message] of REFUSED) {
    const connect = () => client.net.connect({ host: '10.9.0.1', port: 1, tcp: tcp as never });
    const create = () => server.net.createServer({ tcp: tcp as never });
    for (const call of [connect, create]) {
      assert.throws(call, (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, code, `${JSON.stringify(tcp)}: ${error.message}`);
        assert.match(error.message, message);
        return true;
      });
    }
  }
});
