// explain(): who ended a connection, by which rules, and what held the sender back; each judged in a world where it is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { act } from '../../src/link/impair-rules.js';
import type { Explanation } from '../../src/tcp/explain.js';
import { IpAddress } from '../../src/wire/address.js';
import { VirtualWire, type WireOptions } from '../sim/virtual-wire.js';

const HOUR_MS = 3_600_000;

function world(options: WireOptions = {}): VirtualWire {
  return new VirtualWire({ delayMs: 10, ...options });
}

function rulesOf(causes: { rule: string }[] | undefined): string[] {
  return (causes ?? []).map(({ rule }) => rule);
}

function isOver(explanation: Explanation): boolean {
  return explanation.state === 'CLOSED';
}

test('nobody listens', () => {
  const wire = world();
  const endpoint = wire.left.connect({ remote: IpAddress.parse('10.9.0.2')!, remotePort: 9 }, null);
  assert.equal(endpoint.explain().ended, null);
  wire.run(1000, () => isOver(endpoint.explain()));
  const { ended } = endpoint.explain();
  assert.deepEqual([ended?.by, ended?.orderly, ended?.error], ['peer', false, 'ECONNREFUSED']);
  assert.deepEqual(rulesOf(ended?.causes), ['RFC9293-3.10.7.3', 'RFC9293-3.10.7.1']);
  assert.equal(ended?.causes[0]?.atMs, 20);
});

test('an end in order, from both sides', () => {
  const wire = world();
  const transfer = wire.transfer({ bytes: 100_000 });
  wire.run(
    HOUR_MS,
    () => transfer.isDone && transfer.connection.explain(wire.clock.now()).state === 'TIME-WAIT',
  );
  const ours = transfer.connection.explain(wire.clock.now());
  assert.deepEqual(
    [ours.state, ours.ended?.by, ours.ended?.orderly, ours.ended?.error],
    ['TIME-WAIT', 'us', true, null],
  );
  assert.deepEqual(rulesOf(ours.ended?.causes), ['RFC9293-3.10.4', 'RFC9293-3.10.7.4']);
  const theirs = transfer.sink.endpoint!.explain();
  assert.deepEqual([theirs.ended?.by, theirs.ended?.orderly], ['peer', true]);
});

test('silence', () => {
  let isCut = false;
  const wire = world({
    left: { r2Ms: 5000 },
    rules: [{ match: { flags: () => isCut }, act: act.drop() }],
  });
  const transfer = wire.transfer();
  wire.run(300);
  isCut = true;
  wire.run(HOUR_MS, () => isOver(transfer.connection.explain(wire.clock.now())));
  const { ended } = transfer.connection.explain(wire.clock.now());
  assert.deepEqual([ended?.by, ended?.orderly, ended?.error], ['path', false, 'ETIMEDOUT']);
  assert.deepEqual(rulesOf(ended?.causes), ['RFC9293-3.8.3', 'RFC9293-3.8.3', 'RFC9293-3.8']);
  assert.match(ended!.causes[1]!.what, /nothing more was heard of the peer, through \d+ timeouts/);
});

test('close() with data that nobody read', () => {
  const wire = world();
  const transfer = wire.transfer();
  transfer.sink.reads = false;
  wire.run(1000);
  transfer.sink.endpoint!.close();
  wire.run(1000);
  const reader = transfer.sink.endpoint!.explain();
  assert.deepEqual([reader.ended?.by, reader.ended?.orderly, reader.ended?.error], ['us', false, null]);
  assert.deepEqual(rulesOf(reader.ended?.causes), ['RFC9293-3.10.5', 'RFC2525-2.17']);
  const writer = transfer.connection.explain(wire.clock.now());
  assert.deepEqual(
    [writer.ended?.by, writer.ended?.orderly, writer.ended?.error],
    ['peer', false, 'ECONNRESET'],
  );
});

test('a reader that does not read', () => {
  const wire = world();
  const transfer = wire.transfer();
  transfer.sink.reads = false;
  wire.run(60_000);
  const { slow } = transfer.connection.explain(wire.clock.now());
  assert.deepEqual([slow?.by, slow?.causes[0]?.rule], ['receive window', 'RFC9293-3.8.6']);
  assert.match(slow!.causes[0]!.what, /^(9\d|100) % of the time/);
});

test('a path that loses', () => {
  const wire = world({ loss: 0.05, seed: 3 });
  const transfer = wire.transfer({ bytes: 2_000_000 });
  wire.run(HOUR_MS, () => transfer.isDone);
  const { slow } = transfer.connection.explain(wire.clock.now());
  assert.equal(slow?.by, 'losses');
  assert.ok(rulesOf(slow?.causes).includes('RFC8985-6'));
});

test('as text', () => {
  const wire = world();
  const endpoint = wire.left.connect({ remote: IpAddress.parse('10.9.0.2')!, remotePort: 9 }, null);
  wire.run(1000);
  assert.equal(
    String(endpoint.explain()),
    `The connection is CLOSED.
Why it closed: the peer ended it, ECONNREFUSED.
  0.020 s: RST answers our SYN: connection refused (SYN-SENT to CLOSED) [RFC9293-3.10.7.3]
  nobody listens on that port [RFC9293-3.10.7.1]
What held the sender back: handshake.
  100 % of the time the handshake took its time: a SYN or its answer was lost or late [RFC6298-2.1]`,
  );
});
