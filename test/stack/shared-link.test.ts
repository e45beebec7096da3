// A stack on a link that shares its address with others: it keeps to the ports that it is given.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { captureLink } from '../../src/link/capture.js';
import { impair } from '../../src/link/impair.js';
import { VirtualClock } from '../../src/stack/clock.js';
import type { Link, LocalPorts } from '../../src/stack/link.js';
import { Stack } from '../../src/stack/stack.js';
import { ip, PEER, seededRandom, TestLink } from './test-link.js';

const nobody = { onConnection: () => null };

class SharedLink extends TestLink {
  readonly ecnBlind = 6;
  readonly ports: LocalPorts = {
    has: (port) => port === 80 || port === 61_000 || port === 61_002,
    ephemeral: { first: 61_000, last: 61_002 },
    remedy: 'name the port',
  };
}

function stackOn(link: Link): Stack {
  const addresses = ['10.9.0.2/24', 'fd00:9::2/64'];
  return new Stack({ link, addresses, clock: new VirtualClock(), random: seededRandom() });
}

describe('a stack that shares its address', () => {
  it('listens and connects on its own ports only, and says how to get others', () => {
    const stack = stackOn(new SharedLink());
    stack.listen({ address: null, port: 80 }, nobody as never);
    const refusal = { code: 'EADDRNOTAVAIL', message: /name the port/ };
    assert.throws(() => stack.listen({ address: null, port: 81 }, nobody as never), refusal);
    const connect = (localPort: number) => () =>
      stack.connect({ remote: PEER, remotePort: 9, localPort }, null);
    assert.throws(connect(61_001), refusal);
    connect(61_002)();
  });

  it('takes ephemeral ports from the link’s range, and of those none that it must not have', () => {
    const stack = stackOn(new SharedLink());
    const ports = [1, 2].map(() => stack.connect({ remote: PEER, remotePort: 9 }, null).tuple.localPort);
    assert.deepEqual(ports.sort(), [61_000, 61_002]);
    assert.throws(() => stack.connect({ remote: PEER, remotePort: 9 }, null), { message: /ephemeral/ });
    const chosen = stackOn(new SharedLink()).listen({ address: null, port: 0 }, nobody as never).port;
    assert.ok(chosen === 61_000 || chosen === 61_002, `${chosen}`);
  });

  it('RFC3168 §6.1: does not ask for ECN in the family whose marks the link loses', () => {
    const stack = stackOn(new SharedLink());
    const config = { ecn: 'on' } as const;
    const ecnTo = (remote: string) =>
      stack.connect({ remote: ip(remote), remotePort: 9, config }, null).connection.config.ecn;
    assert.deepEqual([ecnTo('10.9.0.1'), ecnTo('fd00:9::1')], ['on', 'off']);
  });

  it('is told so through whatever wraps the link', () => {
    const clock = new VirtualClock();
    const recorder = { snapLength: 65_535, packet: () => {}, event: () => {}, close: async () => {} };
    const wrapped = impair(captureLink(new SharedLink(), recorder, { clock }), { clock });
    assert.equal(wrapped.ports?.ephemeral.first, 61_000);
    assert.equal(wrapped.ecnBlind, 6);
  });
});
