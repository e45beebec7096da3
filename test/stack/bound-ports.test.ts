// Ports that are bound before they are listened on, and ports that listeners share.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Listener } from '../../src/stack/listener.js';
import { ACK, SYN } from '../../src/wire/segment.js';
import { fromPeer, LOCAL, PEER, testStack } from './test-link.js';

const handler = { onAcceptable() {} };
const codeOf = (call: () => unknown) => {
  try {
    call();
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
};

describe('a bound port', () => {
  it('is given to nobody else by chance, until it is let go', () => {
    const { stack } = testStack({ ephemeralPorts: { first: 40_000, last: 40_001 } });
    const first = stack.bind({ address: LOCAL, port: 0 });
    const second = stack.bind({ address: null, port: 0 });
    assert.deepEqual([first.port, second.port].sort(), [40_000, 40_001]);
    const chances = [
      () => stack.bind({ address: LOCAL, port: 0 }),
      () => stack.listen({ address: LOCAL, port: 0 }, handler),
      () => stack.connect({ remote: PEER, remotePort: 80 }, null),
    ];
    assert.deepEqual(chances.map(codeOf), ['EADDRNOTAVAIL', 'EADDRNOTAVAIL', 'EADDRNOTAVAIL']);
    second.close();
    second.close();
    assert.equal(stack.connect({ remote: PEER, remotePort: 80 }, null).tuple.localPort, second.port);
    assert.equal(codeOf(chances[2]!), 'EADDRNOTAVAIL');
  });

  it('is there for who asks for it by its number, and stays bound until all have let go', () => {
    const { stack } = testStack({ ephemeralPorts: { first: 40_000, last: 40_000 } });
    const bound = [
      stack.bind({ address: LOCAL, port: 40_000 }),
      stack.bind({ address: LOCAL, port: 40_000 }),
    ];
    const { tuple } = stack.connect({ remote: PEER, remotePort: 80, localPort: 40_000 }, null);
    assert.equal(tuple.localPort, 40_000);
    stack.listen({ address: LOCAL, port: 40_000 }, handler).close();
    const another = () => stack.connect({ remote: PEER, remotePort: 81 }, null);
    bound[0]!.close();
    assert.equal(codeOf(another), 'EADDRNOTAVAIL');
    bound[1]!.close();
    assert.equal(codeOf(another), null);
  });

  it('is refused where somebody listens, and off the stack', () => {
    const { stack } = testStack();
    stack.listen({ address: LOCAL, port: 80 }, handler);
    assert.equal(
      codeOf(() => stack.bind({ address: LOCAL, port: 80 })),
      'EADDRINUSE',
    );
    assert.equal(
      codeOf(() => stack.bind({ address: null, port: 80 })),
      'EADDRINUSE',
    );
    assert.equal(
      codeOf(() => stack.bind({ address: null, family: 6, port: 80 })),
      null,
    );
    assert.equal(
      codeOf(() => stack.bind({ address: PEER, port: 80 })),
      'EADDRNOTAVAIL',
    );
    assert.equal(
      codeOf(() => stack.bind({ address: LOCAL, port: 65_536 })),
      'EINVAL',
    );
  });
});

describe('a port that is shared', () => {
  it('has its listeners take connections in turn, those on one address before those on all', () => {
    const { stack, link } = testStack();
    const listeners: Listener[] = [null, LOCAL, LOCAL].map((address) =>
      stack.listen({ address, port: 80, reusePort: true }, handler),
    );
    const connectFrom = (sourcePort: number) => {
      link.inject(fromPeer({ flags: SYN, seq: 100, sourcePort }));
      const answer = link.takeSegments().at(-1);
      link.inject(fromPeer({ flags: ACK, seq: 101, ack: (answer!.seq + 1) >>> 0, sourcePort }));
    };
    for (let i = 0; i < 6; i++) connectFrom(5000 + i);
    assert.deepEqual(
      listeners.map(({ waiting }) => waiting.size),
      [0, 3, 3],
    );
    listeners[1]!.close();
    connectFrom(5006);
    connectFrom(5007);
    assert.equal(listeners[2]!.waiting.size, 5);
    listeners[2]!.close();
    connectFrom(5008);
    assert.equal(listeners[0]!.waiting.size, 1);
  });

  it('is shared with nobody who does not say so', () => {
    const { stack } = testStack();
    stack.listen({ address: LOCAL, port: 80, reusePort: true }, handler);
    assert.equal(
      codeOf(() => stack.listen({ address: LOCAL, port: 80 }, handler)),
      'EADDRINUSE',
    );
    assert.equal(
      codeOf(() => stack.bind({ address: LOCAL, port: 80 })),
      'EADDRINUSE',
    );
    assert.equal(
      codeOf(() => stack.bind({ address: LOCAL, port: 80, reusePort: true })),
      null,
    );
    stack.listen({ address: LOCAL, port: 81 }, handler);
    assert.equal(
      codeOf(() => stack.listen({ address: LOCAL, port: 81, reusePort: true }, handler)),
      'EADDRINUSE',
    );
    assert.equal(stack.isListenedOn(LOCAL, 4, 80, true), false);
    assert.equal(stack.isListenedOn(LOCAL, 4, 80, false), true);
  });
});
