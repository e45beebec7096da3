import assert from 'node:assert/strict';
import { test } from 'node:test';
import { impair } from '../../src/link/impair.js';
import type { ActEvent, ImpairOptions } from '../../src/link/impair-options.js';
import { act, type Rule } from '../../src/link/impair-rules.js';
import { memoryLinkPair } from '../../src/link/memory.js';
import { VirtualClock } from '../../src/stack/clock.js';
import { Collector, describe, segment, sendPacket, type TestSegment } from './link-fixtures.js';

function world(rules: readonly (Rule | string)[], options: Partial<ImpairOptions> = {}) {
  const clock = new VirtualClock();
  const [inner, peer] = memoryLinkPair({ clock });
  const events: ActEvent[] = [];
  const link = impair(inner, {
    clock,
    rules,
    onAct: (event) => events.push({ ...event, packet: event.packet.slice() }),
    ...options,
  });
  const stack = new Collector(() => clock.now());
  const far = new Collector(() => clock.now());
  link.start(stack);
  peer.start(far);
  const send = (from: 'local' | 'remote', ...segments: TestSegment[]) => {
    const end = from === 'local' ? link : peer;
    const ids = segments.map((s) => sendPacket(end, segment(from, s), 40));
    end.flush();
    clock.advance(0);
    return ids;
  };
  const handshake = () => {
    send('local', { flags: 'S' });
    send('remote', { flags: 'SA', relAck: 1 });
    send('local', { flags: 'A', relSeq: 1, relAck: 1 });
  };
  return {
    clock,
    link,
    peer,
    stack,
    far,
    events,
    send,
    handshake,
    atFar: () => far.packets.map((p) => describe(p.bytes, 'local')),
    atStack: () => stack.packets.map((p) => describe(p.bytes, 'remote')),
    acts: () => events.map((e) => `${e.act} ${e.dir} #${e.nth}`),
  };
}

const FIN: TestSegment = { flags: 'FA', relSeq: 1, relAck: 1 };

test('drop: exactly the nth match of direction and flags is lost, PSH does not matter', () => {
  const w = world(['drop dir=out flags=FA nth=2']);
  w.handshake();
  w.send('remote', FIN);
  w.send('local', FIN, { ...FIN, flags: 'FAP' }, FIN);
  assert.deepEqual(w.atFar(), ['S 0', 'A 1 a1', 'FA 1 a1', 'FA 1 a1']);
  assert.deepEqual(w.atStack(), ['SA 0 a1', 'FA 1 a1']);
  const [event] = w.events;
  assert.deepEqual(
    [event!.act, event!.dir, event!.packetId, event!.nth, event!.rule, describe(event!.packet, 'local')],
    ['drop', 'out', 6, 2, 'drop dir=out flags=FA nth=2', 'FA 1 a1'],
  );
});

test('every rule counts what crosses, also what an earlier rule took', () => {
  const w = world(['drop dir=out flags=FA nth=1', 'drop dir=out flags=FA nth=2']);
  const ids = w.send('local', FIN, FIN, FIN);
  assert.deepEqual(w.far.ids, [ids[2]]);
});

test('relative numbers count from the ISNs learnt, across the wrap, for both families', () => {
  for (const family of [4, 6] as const) {
    const w = world(['drop dir=out relseq=21 relack=1 len=>0', 'drop dir=in relseq=-10']);
    w.send('local', { flags: 'S', family });
    w.send('remote', { flags: 'SA', relAck: 1, family });
    w.send('local', { flags: 'A', relSeq: 1, relAck: 1, payload: 'x'.repeat(20), family });
    w.send('local', { flags: 'A', relSeq: 21, relAck: 1, payload: 'y', family });
    w.send('local', { flags: 'A', relSeq: 21, relAck: 1, family });
    w.send('remote', { flags: 'R', relSeq: -10, family });
    assert.deepEqual(w.atFar(), ['S 0', 'A 1 a1 [20]', 'A 21 a1'], `IPv${family}`);
    assert.deepEqual(w.atStack(), ['SA 0 a1'], `IPv${family}`);
  }
});

test('a SYN-ACK alone teaches both ISNs; without any SYN relative numbers match nothing', () => {
  const data: TestSegment = { flags: 'A', relSeq: 1, relAck: 1, payload: 'x' };
  const blind = world(['drop dir=out relseq=1']);
  blind.send('local', data);
  assert.equal(blind.far.packets.length, 1);
  const w = world(['drop dir=out relseq=1']);
  w.send('remote', { flags: 'SA', relAck: 1 });
  w.send('local', data);
  assert.equal(w.far.packets.length, 0);
});

test('has, without, ports, hosts, predicates and number tests', () => {
  const passes = (rule: Rule | string, s: TestSegment) => {
    const w = world([rule]);
    w.send('local', { flags: 'S' });
    const before = w.far.packets.length;
    w.send('local', s);
    return w.far.packets.length - before === 1;
  };
  const data: TestSegment = { flags: 'AP', relSeq: 1, relAck: 1, payload: 'abc' };
  const dropped = [
    'drop has=A without=S',
    'drop len=3',
    'drop len=2..4 without=S',
    'drop len=!=0',
    'drop localport=80 len=>2',
    'drop remoteport=50000 without=S',
    'drop port=80 nth=2',
    'drop host=10.9.0.1 nth=>1',
    'drop flags=A',
  ];
  for (const rule of dropped) assert.equal(passes(rule, data), false, rule);
  const passed = [
    'drop has=F',
    'drop len=4',
    'drop localport=50000',
    'drop host=10.9.0.7',
    'drop dir=in',
    'drop flags=FA',
  ];
  for (const rule of passed) assert.equal(passes(rule, data), true, rule);
  assert.equal(
    passes({ match: { predicate: (p) => p.segment.payloadLength === 3 }, act: act.drop() }, data),
    false,
  );
  assert.equal(passes({ match: { flags: (f) => (f & 0x08) !== 0 }, act: act.drop() }, data), false);
  const throwing = () => {
    throw new Error('in the predicate');
  };
  assert.equal(passes({ match: { predicate: throwing }, act: act.drop() }, data), true);
});

test('delay: others overtake it', () => {
  const w = world(['delay ms=50 dir=out len=>0 nth=1']);
  w.handshake();
  w.send('local', { flags: 'A', relSeq: 1, relAck: 1, payload: 'abc' }, { ...FIN, relSeq: 4 });
  w.clock.advance(49);
  assert.deepEqual(w.atFar().slice(2), ['FA 4 a1']);
  w.clock.advance(1);
  assert.deepEqual(w.atFar().slice(2), ['FA 4 a1', 'A 1 a1 [3]']);
});

test('dup: copies have the number of the original and their gap', () => {
  const w = world(['dup copies=2 gap=10 dir=in flags=S']);
  const [id] = w.send('remote', { flags: 'S' });
  w.clock.advance(100);
  assert.deepEqual(
    w.stack.packets.map((p) => [p.id, p.at]),
    [
      [id, 0],
      [id, 10],
      [id, 20],
    ],
  );
});

test('reorder after a match: FIN overtakes data (T16), also the other way in', () => {
  const w = world(['reorder dir=out len=>0 nth=1 => flags=FA']);
  w.handshake();
  w.send(
    'local',
    { flags: 'A', relSeq: 1, relAck: 1, payload: 'abc' },
    { flags: 'A', relSeq: 1, relAck: 1 },
    { ...FIN, relSeq: 4 },
  );
  assert.deepEqual(w.atFar().slice(2), ['A 1 a1', 'FA 4 a1', 'A 1 a1 [3]']);
  assert.deepEqual(w.acts(), ['reorder out #1']);
});

test('reorder without a match lets one packet pass, and gives up after max', () => {
  const w = world(['reorder max=40 dir=in flags=FA']);
  w.send('remote', FIN, { flags: 'R', relSeq: 9 });
  assert.deepEqual(w.stack.ids, [2, 1]);
  w.send('remote', FIN);
  w.clock.advance(39);
  assert.equal(w.stack.packets.length, 2);
  w.clock.advance(1);
  assert.equal(w.stack.packets.length, 3);
});

test('hold until released: transient states last as long as wanted, then the rule is spent', () => {
  const w = world(['hold until=fin dir=out flags=FA']);
  w.send('local', FIN);
  w.send('local', { flags: 'A', relSeq: 1, relAck: 1 });
  assert.equal(w.link.heldCount('fin'), 1);
  assert.deepEqual(w.far.ids, [2]);
  w.clock.advance(5000);
  assert.equal(w.link.release('fin'), 1);
  assert.deepEqual(w.far.ids, [2]);
  w.clock.advance(0);
  assert.deepEqual(w.far.ids, [2, 1]);
  assert.equal(w.link.release('fin'), 0);
  w.send('local', FIN);
  assert.deepEqual(w.far.ids, [2, 1, 3]);
  assert.deepEqual(w.acts(), ['hold out #1', 'release out #0']);
});

test('hold with line: what follows waits behind it and keeps its order; release by count', () => {
  const w = world(['hold until=q line=yes dir=in flags=FA']);
  w.send('remote', FIN, { flags: 'A', relSeq: 2 }, { flags: 'R', relSeq: 2 });
  w.send('local', { flags: 'A', relSeq: 1 });
  assert.deepEqual([w.stack.ids, w.far.ids, w.link.heldCount('q')], [[], [4], 3]);
  assert.equal(w.link.release('q', 1), 1);
  w.clock.advance(0);
  assert.deepEqual(w.stack.ids, [1]);
  w.link.release('q');
  w.send('remote', { flags: 'A', relSeq: 3 });
  assert.deepEqual(w.stack.ids, [1, 2, 3, 5]);
});

test('two holds keep apart what T06 releases one by one', () => {
  const w = world(['hold until=fin dir=in flags=FA', 'hold until=ack dir=in flags=A']);
  w.send('remote', FIN, { flags: 'A', relSeq: 2, relAck: 2 });
  w.link.release('fin');
  w.clock.advance(0);
  assert.deepEqual(w.atStack(), ['FA 1 a1']);
  w.link.release('ack');
  w.clock.advance(0);
  assert.deepEqual(w.atStack(), ['FA 1 a1', 'A 2 a2']);
});

test('rewrite strips the payload (H04b) with lengths and checksums corrected, and the number stays', () => {
  for (const family of [4, 6] as const) {
    const w = world(['rewrite dir=in len=>0 nth=1 => payload=none window=1000 relseq=7']);
    w.send('remote', { flags: 'S', family });
    const [id] = w.send('remote', { flags: 'AP', relSeq: 1, relAck: 1, payload: 'hello', family });
    assert.deepEqual(w.atStack(), ['S 0', 'A 7 a1'], `IPv${family}`);
    assert.equal(w.stack.packets[1]!.id, id);
    assert.equal(w.stack.packets[1]!.bytes.length, family === 4 ? 40 : 60);
  }
});

test('rewrite by function: odd payload and options, checksum kept or spoiled on demand', () => {
  for (const checksum of ['fix', 'keep', 'bad'] as const) {
    const edit = act.rewrite((s) => {
      s.payload = new TextEncoder().encode('odd');
      s.options = Uint8Array.of(1, 1, 8);
      s.ttl = 3;
      s.checksum = checksum;
    });
    const w = world([{ match: { dir: 'out' }, act: edit }]);
    w.send('local', { flags: 'A', relSeq: 1, relAck: 1 });
    assert.deepEqual(w.atFar(), [checksum === 'fix' ? 'A 1 a1 [3]' : '!A 1 a1 [3]']);
    assert.equal(w.far.packets[0]!.bytes[8], 3);
    assert.equal(w.far.packets[0]!.bytes.length, 20 + 24 + 3);
  }
});

test('an edit that throws or does not fit leaves the packet alone and is reported', () => {
  for (const edit of [
    () => {
      throw new Error('in the edit');
    },
    (s: { options: Uint8Array }) => {
      s.options = new Uint8Array(41);
    },
  ]) {
    const w = world([{ match: {}, act: act.rewrite(edit) }]);
    w.send('local', { flags: 'A', relSeq: 1, relAck: 1 });
    assert.deepEqual(w.atFar(), ['A 1 a1']);
    assert.ok(w.events[0]!.error instanceof Error);
    assert.equal(w.link.acts.rewrite, 0);
  }
});

test('inject by rule: a stale SYN goes out while the real one is held (H06a)', () => {
  const w = world([
    'inject dir=out flags=S nth=1 => dir=out flags=S relseq=-10',
    'hold until=syn dir=out flags=S',
  ]);
  const [syn] = w.send('local', { flags: 'S' });
  assert.deepEqual(w.atFar(), ['S -10']);
  w.link.release('syn');
  w.clock.advance(0);
  assert.deepEqual(w.atFar(), ['S -10', 'S 0']);
  assert.deepEqual(w.far.ids, [2, syn]);
  assert.deepEqual(w.acts(), ['inject out #1', 'hold out #1', 'release out #0']);
});

test('inject by call: towards the stack, good checksums unless asked otherwise, after a delay', () => {
  const w = world([]);
  w.handshake();
  const local = { address: '10.9.0.2', port: 80 };
  const remote = { address: '10.9.0.1', port: 50_000 };
  const id = w.link.inject({
    dir: 'in',
    flags: 'PA',
    relSeq: 1,
    relAck: 1,
    payload: 'old',
    local,
    remote,
    delayMs: 5,
  });
  w.link.inject({ dir: 'in', flags: 'R', relSeq: 1, checksum: 'bad', local, remote });
  w.clock.advance(4);
  assert.deepEqual(w.atStack(), ['SA 0 a1', '!R 1']);
  w.clock.advance(1);
  assert.deepEqual(w.atStack(), ['SA 0 a1', '!R 1', 'A 1 a1 [3]']);
  assert.equal(w.stack.packets[2]!.id, id);
});

test('injecting what cannot be built is refused with code and remedy', () => {
  const { link } = world([]);
  const local = { address: '10.9.0.2', port: 80 };
  const remote = { address: '10.9.0.1', port: 50_000 };
  const bad = [
    { dir: 'in', flags: 'A', relSeq: 1, local, remote },
    { dir: 'in', flags: 'A', local, remote },
    { dir: 'in', flags: 'A', seq: 1 },
    { dir: 'in', flags: 'X', seq: 1, local, remote },
    { dir: 'in', flags: 'A', seq: 1, local, remote: { address: 'fd00::1', port: 1 } },
    { dir: 'in', flags: 'A', seq: 1, local, remote: { address: 'nowhere', port: 1 } },
  ] as const;
  for (const segment of bad) assert.throws(() => link.inject(segment), { code: 'ERR_SYNWAVE_RULE' });
});

test('rules may be added and taken away while the link runs', () => {
  const w = world([]);
  const remove = w.link.addRule('drop dir=out flags=FA');
  w.send('local', FIN);
  remove();
  w.send('local', FIN);
  assert.deepEqual(w.far.ids, [2]);
});

test('on Ethernet, rules look behind the frame header and injected frames get one', () => {
  const clock = new VirtualClock();
  const [inner, peer] = memoryLinkPair({ clock, medium: 'ethernet' });
  const link = impair(inner, { clock, rules: ['drop dir=in flags=FA'] });
  const stack = new Collector(() => clock.now());
  const far = new Collector(() => clock.now());
  link.start(stack);
  peer.start(far);
  const header = Uint8Array.of(2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0);
  const local = { address: '10.9.0.2', port: 80 };
  const remote = { address: '10.9.0.1', port: 50_000 };
  const reset = { dir: 'out', flags: 'R', seq: 9, local, remote } as const;
  assert.throws(() => link.inject(reset), { code: 'ERR_SYNWAVE_RULE', message: /no frame/ });
  for (const flags of ['SA', 'FA']) {
    const frame = Uint8Array.of(...header, ...segment('remote', { flags, relAck: 1 }));
    sendPacket(peer, frame);
  }
  peer.flush();
  clock.advance(0);
  assert.equal(stack.packets.length, 1);
  link.inject(reset);
  clock.advance(0);
  const [frame] = far.packets;
  assert.deepEqual([...frame!.bytes.subarray(0, 14)], [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
  assert.match(describe(frame!.bytes.slice(14), 'local'), /^R /);
});
