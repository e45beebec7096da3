// Fast Open on a stack: who is handed out before the end of the handshake, and how many (RFC 7413 §4.2, §5.1).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StackOptions } from '../../src/stack/stack.js';
import { STATE_NAMES } from '../../src/tcp/state.js';
import { ACK, FIN, RST, SYN } from '../../src/wire/segment.js';
import { appendFastOpen, padOptions } from '../../src/wire/tcp-options.js';
import { fromPeer, testStack } from '../stack/test-link.js';

const PAYLOAD = Uint8Array.of(1, 2, 3, 4);

/** A listener that has given the peer a cookie. */
function world(fastOpenPending = 3, options: Partial<StackOptions> = {}) {
  const made = testStack({ ...options, config: { fastOpen: true, fastOpenPending, ...options.config } });
  const { link, stack } = made;
  const listener = stack.listen({ address: null, port: 80 }, { onAcceptable: () => {} });
  const option = (cookie: Uint8Array | null) => {
    const bytes = new Uint8Array(40);
    return bytes.slice(0, padOptions(bytes, appendFastOpen(bytes, 0, cookie)));
  };
  link.inject(fromPeer({ flags: SYN, seq: 100, sourcePort: 4999, options: option(null) }));
  const given = link.takeSegments()[0]!.tcp.options.find(({ name }) => name === 'fast-open');
  assert.ok(given?.name === 'fast-open' && given.cookie.length === 8, 'a request gets a cookie');
  link.inject(fromPeer({ flags: RST, seq: 101, sourcePort: 4999 }));
  const open = (sourcePort: number) => {
    link.inject(
      fromPeer({ flags: SYN, seq: 100, sourcePort, options: option(given.cookie), payload: PAYLOAD }),
    );
    const answer = link.takeSegments().at(-1)!;
    assert.equal(answer.flags, SYN | ACK);
    return answer.ack === 105;
  };
  const complete = (sourcePort: number) =>
    link.inject(fromPeer({ flags: ACK, seq: 105, ack: 1001, sourcePort }));
  return { ...made, listener, open, complete };
}

describe('a listener with Fast Open', () => {
  test('RFC7413 §4.2.2: hands a connection out, with its data, while it is SYN-RECEIVED', () => {
    const { open, listener, stack } = world();
    assert.ok(open(5000));
    const endpoint = listener.accept()!;
    assert.equal(STATE_NAMES[endpoint.connection.state], 'SYN-RECEIVED');
    assert.deepEqual(endpoint.receive(10), PAYLOAD);
    assert.equal(listener.halfOpen.size, 0);
    assert.equal(stack.stats.tcp.fastOpenPassive, 1);
  });

  test('RFC7413 §4.2: so many at a time; each handshake that ends makes room', () => {
    const { open, complete, listener, stack } = world(3);
    assert.deepEqual([5000, 5001, 5002, 5003].map(open), [true, true, true, false]);
    assert.equal(stack.stats.tcp.fastOpenListenOverflow, 1);
    // Accepted or not, they count.
    while (listener.accept() !== null);
    assert.equal(open(5004), false);
    complete(5001);
    assert.deepEqual([5005, 5006].map(open), [true, false]);
  });

  test('RFC7413 §4.2: one that could not be served so waits for its handshake, as ever', () => {
    const { open, listener, link } = world(1);
    open(5000);
    open(5001);
    assert.equal(listener.accept()!.tuple.remotePort, 5000);
    assert.equal(listener.accept(), null);
    link.inject(fromPeer({ flags: ACK, seq: 101, ack: 1001, sourcePort: 5001 }));
    assert.deepEqual(listener.accept()!.receive(10), PAYLOAD, 'the data of its SYN was kept');
  });

  test('RFC7413 §5.1: a reset does not make room for a minute', () => {
    const { open, link, listener, clock } = world(1);
    open(5000);
    link.inject(fromPeer({ flags: RST, seq: 105, sourcePort: 5000 }));
    assert.equal(listener.accept(), null, 'nobody is left to be accepted');
    clock.advance(59_999);
    assert.equal(open(5001), false);
    clock.advance(1);
    assert.equal(open(5002), true);
  });

  test('RFC7413 §5.1: an application that answers and closes does not make room either', () => {
    const { open, listener, link } = world(1);
    open(5000);
    const endpoint = listener.accept()!;
    endpoint.receive(10);
    endpoint.send(PAYLOAD, true);
    endpoint.close();
    assert.equal(STATE_NAMES[endpoint.connection.state], 'FIN-WAIT-1');
    assert.equal(open(5001), false);
    link.inject(fromPeer({ flags: ACK | FIN, seq: 105, ack: 1006, sourcePort: 5000 }));
    assert.equal(open(5002), true);
  });

  test('RFC7413 §5.1: one that is given up makes room', () => {
    const { open, clock } = world(1, { config: { synAckRetries: 1 } });
    open(5000);
    clock.advance(10_000);
    assert.equal(open(5001), true);
  });

  test('closing it resets those that nobody took', () => {
    const { open, listener, link, stack, settle } = world();
    open(5000);
    listener.close();
    settle();
    assert.ok(link.takeSegments().some(({ flags }) => flags & RST));
    assert.equal([...stack.connections()].length, 0);
  });

  test('a wrong cookie is counted', () => {
    const { stack, link, listener } = world();
    const options = new Uint8Array(12);
    padOptions(options, appendFastOpen(options, 0, new Uint8Array(8)));
    link.inject(fromPeer({ flags: SYN, seq: 100, sourcePort: 5000, options, payload: PAYLOAD }));
    assert.equal(link.takeSegments().at(-1)!.ack, 101);
    assert.deepEqual([listener.accept(), stack.stats.tcp.fastOpenPassiveFail], [null, 1]);
  });

  test('RFC7413 §4.1.1: an option of a length that there is not is none', () => {
    const { link } = world();
    for (const length of [3, 4, 5, 7, 9, 19]) {
      const options = new Uint8Array(20);
      options.set([34, length]);
      link.inject(fromPeer({ flags: SYN, seq: 100, sourcePort: 5000 + length, options, payload: PAYLOAD }));
      const answer = link.takeSegments().at(-1)!;
      assert.equal(answer.ack, 101, `length ${length}`);
      assert.ok(!answer.tcp.options.some(({ name }) => name === 'fast-open'), `length ${length}`);
    }
  });

  test('keys of the user’s choice, and their change', () => {
    const key = new Uint8Array(16).fill(1);
    const { open, stack } = world(9, { fastOpenKeys: [key] });
    assert.equal(open(5000), true);
    stack.setFastOpenKeys([new Uint8Array(16).fill(2), key]);
    assert.equal(open(5001), true);
    stack.setFastOpenKeys([new Uint8Array(16).fill(2)]);
    assert.equal(open(5002), false);
    assert.throws(() => stack.setFastOpenKeys([]), { code: 'ERR_OUT_OF_RANGE' });
  });
});
