// A SYN for a tuple in TIME-WAIT, judged by timestamps and numbers: RFC 6191 §2, RFC 9293 §3.6.1.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mayReopen } from '../../src/tcp/time-wait-reuse.js';
import { ACK, FIN, RST, SegmentView, SYN } from '../../src/wire/segment.js';
import { fromPeer, testStack } from '../stack/test-link.js';
import { Bench, fillOptions } from '../tcp/harness.js';

/** A connection in TIME-WAIT that has received up to number 2, its latest timestamp 900; or without timestamps. */
function timeWait(stamped: boolean): Bench {
  const ts = (n: number) => (stamped ? ` <ts ${n} 0>` : '');
  return Bench.established({
    config: { timestamps: true },
    peer: { options: stamped ? 'mss 1000, ts 500 0' : 'mss 1000' },
  })
    .shutdown()
    .peer(`A 1 a2${ts(800)}`)
    .peer(`FA 1 a2${ts(900)}`)
    .settled('TIME-WAIT');
}

function judge(old: Bench, seq: number, ts: number | null, accepts = true): boolean {
  const syn = new SegmentView();
  syn.flags = SYN;
  syn.seq = (old.irs + seq) | 0;
  if (ts !== null) fillOptions(syn, { ts: [ts, 0] }, 0);
  return mayReopen(old.connection, syn, accepts);
}

describe('RFC6191 §2', () => {
  for (const [before, seq, ts, accepts, expected] of [
    ['stamped', -5000, 901, true, true],
    ['stamped', 5000, 901, true, true],
    ['stamped', 5000, 900, true, true],
    ['stamped', -5000, 900, true, false],
    ['stamped', 5000, 899, true, false],
    ['stamped', -5000, 899, true, false],
    ['stamped', 5000, null, true, true],
    ['stamped', -5000, null, true, false],
    ['stamped', -5000, 901, false, false],
    ['plain', -5000, -1, true, true],
    ['plain', 5000, null, true, true],
    ['plain', -5000, null, true, false],
    ['plain', -5000, -1, false, false],
  ] as const) {
    const stamp =
      ts === null ? 'without timestamps' : `with timestamp ${ts}${accepts ? '' : ' that is declined'}`;
    test(`RFC9293 MAY-2 SHLD-4: after a ${before} connection, a SYN ${stamp} and number ${seq}: ${expected}`, () => {
      assert.equal(judge(timeWait(before === 'stamped'), seq, ts, accepts), expected);
    });
  }

  test('RFC6191 §2: timestamps are compared modulo 2^32', () => {
    const old = timeWait(true);
    assert.equal(judge(old, -5000, (900 + 0x7fffffff) | 0), true);
    assert.equal(judge(old, 5000, (900 + 0x80000001) | 0), false);
  });
});

describe('a stack', () => {
  const stamp = (value: number) => ({ options: optionsOf(value) });

  /** 10.9.0.1:5000 has closed a connection to port 80 that the server closed first; the last timestamp was 700. */
  function served() {
    const world = testStack();
    const listener = world.stack.listen({ address: null, port: 80 }, { onAcceptable: () => {} });
    world.link.inject(fromPeer({ flags: SYN, seq: 100, ...stamp(600) }));
    world.link.inject(fromPeer({ flags: ACK, seq: 101, ack: 1001, ...stamp(601) }));
    listener.accept()!.close();
    world.settle();
    world.link.inject(fromPeer({ flags: FIN | ACK, seq: 101, ack: 1002, ...stamp(700) }));
    world.link.takeSegments();
    return world;
  }

  test('RFC9293 SHLD-4: a newer timestamp opens the tuple anew, though the number is lower', () => {
    const { link } = served();
    link.inject(fromPeer({ flags: SYN, seq: 50, ...stamp(701) }));
    const [answer] = link.takeSegments();
    assert.deepEqual([answer!.flags, answer!.ack], [SYN | ACK, 51]);
    assert.ok(((answer!.seq - 1002) | 0) > 0, 'RFC9293 MAY-2: beyond what the old connection used');
  });

  test('RFC6191 §2, PAWS: an older one is answered by an ACK of the old connection, though the number is higher', () => {
    const { link } = served();
    link.inject(fromPeer({ flags: SYN, seq: 5000, ...stamp(699) }));
    const [answer] = link.takeSegments();
    assert.deepEqual([answer!.flags, answer!.ack], [ACK, 102]);
    link.inject(fromPeer({ flags: RST, seq: 102 }));
    link.inject(fromPeer({ flags: SYN, seq: 5000, ...stamp(699) }));
    assert.equal(link.takeSegments()[0]!.flags, SYN | ACK, 'after its RST the peer may connect');
  });

  test('RFC7323 §5.4: timestamps of two connections of one tuple go on, those of another tell nothing', () => {
    const world = served();
    const stampOf = (sourcePort: number, ts: number) => {
      world.link.inject(fromPeer({ flags: SYN, seq: 9000, sourcePort, ...stamp(ts) }));
      const option = world.link.takeSegments()[0]!.tcp.options.find((o) => o.name === 'timestamps');
      return option !== undefined && 'tsVal' in option ? option.tsVal : 0;
    };
    const first = served();
    const before = world.clock.now();
    assert.equal(before, first.clock.now());
    const again = stampOf(5000, 800);
    const others = [5001, 5002, 5003].map((port) => stampOf(port, 800));
    assert.ok(
      others.every((value) => Math.abs(value - again) > 100_000),
      `${again}, others ${others}`,
    );
  });
});

function optionsOf(value: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x0101080a);
  view.setUint32(4, value);
  return bytes;
}
