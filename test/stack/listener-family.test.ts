// Listeners on all addresses of one family: whom they serve, and beside which others they may stand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ACK, RST, SYN } from '../../src/wire/segment.js';
import { LOCAL_V6, PEER_V6 } from './fragments.js';
import { fromPeer, LOCAL, PEER, testStack } from './test-link.js';

const handler = { onAcceptable() {} };
const syn4 = fromPeer({ flags: SYN, seq: 100 });
const syn6 = fromPeer({ flags: SYN, seq: 100, source: PEER_V6, destination: LOCAL_V6 });

describe('listener on one family', () => {
  it('RFC9293 §3.10.7.1: a SYN over the other family is reset at once, as if nobody listened', () => {
    for (const [family, served, other] of [
      [4, syn4, syn6],
      [6, syn6, syn4],
    ] as const) {
      const { stack, link } = testStack();
      const listener = stack.listen({ address: null, family, port: 80 }, handler);
      assert.equal(listener.family, family);
      link.inject(other);
      assert.deepEqual(
        link.takeSegments().map((s) => [s.flags, s.ack]),
        [[RST | ACK, 101]],
      );
      assert.deepEqual([[...stack.connections()].length, stack.stats.tcp.inNoPorts], [0, 1]);
      link.inject(served);
      assert.deepEqual(
        link.takeSegments().map((s) => s.flags),
        [SYN | ACK],
      );
    }
  });

  it('the default serves both', () => {
    const { stack, link } = testStack();
    assert.equal(stack.listen({ address: null, port: 80 }, handler).family, 0);
    link.inject(syn4, syn6);
    assert.deepEqual(
      link.takeSegments().map((s) => s.flags),
      [SYN | ACK, SYN | ACK],
    );
  });

  it('two of them share a port, each with its own connections, whichever came first', () => {
    for (const order of [
      [4, 6],
      [6, 4],
    ] as const) {
      const { stack, link } = testStack();
      const heard: string[] = [];
      for (const family of order) {
        const onAcceptable = () => void heard.push(`family ${family}`);
        stack.listen({ address: null, family, port: 80 }, { onAcceptable });
      }
      link.inject(syn4, syn6);
      link.inject(fromPeer({ flags: ACK, seq: 101, ack: 1001 }));
      link.inject(fromPeer({ flags: ACK, seq: 101, ack: 1001, source: PEER_V6, destination: LOCAL_V6 }));
      assert.deepEqual(heard, ['family 4', 'family 6']);
    }
  });

  it('EADDRINUSE: whatever serves the same address, and nothing else, stands in the way', () => {
    const any = { address: null };
    const places = {
      both: any,
      any4: { ...any, family: 4 },
      any6: { ...any, family: 6 },
      one4: { address: LOCAL },
      one6: { address: LOCAL_V6 },
    } as const;
    const beside = new Set(['any4 any6', 'any4 one6', 'any6 one4', 'one4 one6']);
    for (const [first, firstPlace] of Object.entries(places)) {
      for (const [second, secondPlace] of Object.entries(places)) {
        const { stack } = testStack();
        stack.listen({ ...firstPlace, port: 80 }, handler);
        const again = () => stack.listen({ ...secondPlace, port: 80 }, handler);
        const name = [first, second].sort().join(' ');
        if (beside.has(name)) again();
        else assert.throws(again, { code: 'EADDRINUSE', port: 80 }, name);
        stack.listen({ ...secondPlace, port: 81 }, handler);
      }
    }
    const { stack } = testStack();
    stack.listen({ address: null, family: 6, port: 80 }, handler);
    const again = () => stack.listen({ address: null, family: 6, port: 80 }, handler);
    assert.throws(again, { code: 'EADDRINUSE', address: '::' });
  });

  it('connect may use the local port of a listener of the other family only', () => {
    const { stack } = testStack();
    stack.listen({ address: null, family: 6, port: 7000 }, handler);
    stack.connect({ remote: PEER, remotePort: 80, localPort: 7000 }, null);
    assert.throws(() => stack.connect({ remote: PEER_V6, remotePort: 80, localPort: 7000 }, null), {
      code: 'EADDRINUSE',
    });
  });

  it('ephemeral ports are counted for each family', () => {
    const { stack } = testStack({ ephemeralPorts: { first: 40_000, last: 40_000 } });
    stack.listen({ address: null, family: 4, port: 0 }, handler);
    assert.equal(stack.listen({ address: null, family: 6, port: 0 }, handler).port, 40_000);
    assert.throws(() => stack.listen({ address: null, port: 0 }, handler), { code: 'EADDRNOTAVAIL' });
  });

  it('a family that is not the address’s makes no sense', () => {
    const { stack } = testStack();
    assert.throws(() => stack.listen({ address: LOCAL, family: 6, port: 80 }, handler), { code: 'EINVAL' });
    assert.equal(stack.listen({ address: LOCAL, family: 4, port: 80 }, handler).family, 4);
  });
});
