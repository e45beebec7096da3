// Seventh and eighth check of §3.10.7.4 at their edges: text and FIN where the window, a FIN or an earlier segment cuts them, and
// what is let go and told on the way.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, type BenchOptions } from '../tcp/harness.js';

const small: BenchOptions = { config: { receiveBufferBytes: 1000, delayedAckMs: 0 } };

const lastVerdict = (bench: Bench) => bench.recorder.verdicts.at(-1);

describe('the right edge', () => {
  test('RFC9293 §3.10.7.4: text that just fills the window is taken whole', () => {
    const bench = Bench.accepted(small).peer('A 1 a1 [1000]').expect('A 1 a1001 w0');
    assert.equal(lastVerdict(bench), 'accept');
    assert.equal(bench.read(), 1000);
  });

  test('RFC9293 §3.10.7.4: so is a FIN right behind it; the window is shut then and not negative', () => {
    const bench = Bench.accepted(small).peer('FA 1 a1 [1000]').state('CLOSE-WAIT').expect('A 1 a1002 w0');
    assert.equal(lastVerdict(bench), 'accept');
    assert.equal(bench.status.rcvWnd, 0);
    assert.equal(bench.read(), 1000);
    assert.equal(bench.connection.atEnd, true);
  });

  test('RFC9293 §3.10.7.4: with one octet more both it and the FIN are left for later', () => {
    const bench = Bench.accepted(small).peer('FA 1 a1 [1001]').state('ESTABLISHED').expect('A 1 a1001 w0');
    assert.equal(lastVerdict(bench), 'trim');
    assert.equal(bench.read(), 1000);
    bench.settled('ESTABLISHED').peer('FA 1001 a1 [1]').state('CLOSE-WAIT').expect('A 1 a1003');
    assert.equal(bench.read(), 1);
  });

  for (const [line, name] of [
    ['A 1 a1 [1001]', 'by one octet'],
    ['A 1 a1 [1200]', 'by many'],
    ['A 6 a1 [995]', 'just to it'],
  ] as const) {
    test(`RFC9293 §3.4: text that begins before the window and reaches its end, or beyond, is cut to it: ${name}`, () => {
      const bench = Bench.accepted(small).peer('A 1 a1 [10]').settled('ESTABLISHED');
      bench.peer(line).expect('A 1 a1001 w0');
      assert.equal(bench.read(), 1000);
    });
  }

  test('RFC9293 §3.10.7.4: a FIN beyond the window is not remembered', () => {
    const bench = Bench.accepted(small).peer('FA 501 a1 [600]').settled('ESTABLISHED');
    bench.peer('A 1 a1 [500]').state('ESTABLISHED');
    assert.equal(bench.read(), 1000);
    bench.peer('A 1001 a1 [200]').state('ESTABLISHED');
    assert.equal(bench.read(), 200, 'the stream went on behind it');
  });
});

describe('text around a FIN that has come before its turn', () => {
  test('RFC9293 §3.10.7.4: it ends at the FIN, and the ACK of what completes it does not wait', () => {
    const bench = Bench.accepted({ config: { delayedAckMs: 400 } })
      .peer('FA 11 a1')
      .settled('ESTABLISHED');
    bench.peer('A 1 a1 [30]').state('CLOSE-WAIT').expect('A 1 a12');
    assert.equal(bench.read(), 10);
    assert.equal(bench.connection.atEnd, true);
  });

  test('RFC9293 §3.10.7.4: text that reaches just to it is whole', () => {
    const bench = Bench.accepted()
      .peer('FA 11 a1')
      .settled('ESTABLISHED')
      .peer('A 1 a1 [10]')
      .state('CLOSE-WAIT');
    assert.equal(bench.read(), 10);
  });

  test('RFC9293 §3.10.7.4: what is left of it still waits for what comes before', () => {
    const bench = Bench.accepted().peer('FA 11 a1', 'A 6 a1 [20]').settled('ESTABLISHED');
    assert.equal(bench.status.reassemblyBytes, 5);
    bench.peer('A 1 a1 [5]').state('CLOSE-WAIT');
    assert.equal(bench.read(), 10);
  });

  test('RFC9293 §3.10.7.4: a second FIN at another place changes nothing', () => {
    const bench = Bench.accepted().peer('FA 11 a1', 'FA 6 a1', 'FA 16 a1').settled('ESTABLISHED');
    bench.peer('A 1 a1 [10]').state('CLOSE-WAIT');
    assert.equal(bench.read(), 10);
  });
});

describe('what is told and let go', () => {
  test('text that has all come before is a duplicate, text with something new is trimmed, text ahead is out of order', () => {
    const bench = Bench.accepted().peer('A 1 a1 [10]');
    for (const [line, verdict] of [
      ['A 1 a1 [10]', 'dup'],
      ['A 6 a1 [10]', 'trim'],
      ['A 16 a1 [10]', 'accept'],
      ['A 36 a1 [10]', 'ooo'],
      ['A 26 a1', 'accept'],
      ['FA 26 a1 [10]', 'accept'],
    ] as const) {
      assert.equal(lastVerdict(bench.peer(line)), verdict, line);
    }
  });

  test('a FIN that comes with the last octet before it again is no duplicate', () => {
    const bench = Bench.accepted().peer('A 1 a1 [1]').peer('FA 1 a1 [1]').state('CLOSE-WAIT');
    assert.equal(lastVerdict(bench), 'trim');
    const bare = Bench.accepted().peer('A 1 a1 [1]').peer('FA 2 a1').state('CLOSE-WAIT');
    assert.equal(lastVerdict(bare), 'accept');
  });

  test('when a hole is filled nothing of the reassembly is kept', () => {
    const bench = Bench.accepted().peer('A 11 a1 [10]');
    assert.notEqual(bench.connection.reassembly, null);
    bench.peer('A 1 a1 [10]');
    assert.equal(bench.connection.reassembly, null);
    const closed = Bench.accepted().peer('FA 11 a1 [10]').peer('A 1 a1 [10]').state('CLOSE-WAIT');
    assert.equal(closed.connection.reassembly, null);
  });

  test('each change of the queues is told once', () => {
    const bench = Bench.accepted();
    const before = bench.recorder.bufferChanges;
    bench.peer('A 1 a1 [10]').peer('A 21 a1 [10]');
    assert.equal(bench.recorder.bufferChanges - before, 2);
    bench.peer('A 11 a1');
    assert.equal(bench.recorder.bufferChanges - before, 2, 'a bare ACK changes nothing');
  });

  test('text ahead of its turn that is here already is no drop', () => {
    const bench = Bench.accepted().peer('A 11 a1 [10]', 'A 11 a1 [10]', 'A 13 a1 [5]');
    assert.deepEqual(bench.recorder.drops, []);
    assert.equal(bench.status.reassemblyBytes, 10);
  });

  test('an ACK outside of the window that is not answered is told so', () => {
    const bench = Bench.accepted().peer('A 30000 a1', 'A 30000 a1');
    assert.deepEqual(bench.recorder.drops, [
      { reason: 'window', reply: 'ack' },
      { reason: 'window', reply: 'none' },
    ]);
  });

  test('a segment that the reassembly has no place for is told as dropped', () => {
    const bench = Bench.accepted({ config: { reassemblySegments: 2 } });
    bench.peer('A 11 a1 [1]', 'A 21 a1 [1]', 'A 31 a1 [1]');
    assert.deepEqual(bench.recorder.drops, [{ reason: 'reassembly_limit', reply: 'ack' }]);
  });
});

describe('after close', () => {
  const closed = () => {
    const bench = Bench.accepted().peer('A 1 a1 [10]');
    bench.read();
    return bench.close().peer('A 11 a2').settled('FIN-WAIT-2');
  };

  test('RFC9293 SHLD-3: text that had come before is acknowledged and no reason for an RST', () => {
    closed().peer('A 1 a2 [10]').state('FIN-WAIT-2').expect('A 2 a11');
    closed().peer('FA 10 a2 [1]').state('TIME-WAIT').expect('A 2 a12');
  });

  test('RFC9293 SHLD-3: one new octet is, and the log says so', () => {
    const bench = closed().peer('A 10 a2 [2]').state('CLOSED').expect('R 2');
    assert.deepEqual(bench.recorder.drops, [{ reason: 'window', reply: 'rst' }]);
    assert.deepEqual(bench.recorder.rules, ['RFC9293-3.6.1']);
  });
});

describe('the numbers of the first segments', () => {
  for (const irs of [0, 0x20000000, 0x7fffffff, 0x90000000, 0xffffffff]) {
    test(`RFC9293 §3.4: whatever the IRS, the first ACK brings its window: ${irs}`, () => {
      const bench = Bench.established({ irs }).peer('A 1 a1 w3000');
      assert.equal(bench.status.sndWnd, 3000);
    });
  }

  test('RFC9293 §3.4: number zero is no FIN', () => {
    const bench = Bench.accepted({ irs: -11 }).peer('A 1 a1 [10]').state('ESTABLISHED').peer('A 11 a1 [10]');
    bench.state('ESTABLISHED').events(['READABLE'], ['PEER_FIN']);
    assert.equal(bench.read(), 20);
  });

  for (const synData of ['queue', 'accept'] as const) {
    test(`one octet that came with the SYN is readable as soon as the connection is there: ${synData}`, () => {
      const bench = Bench.synReceived({ config: { synData } }, 'S 0 [1] <mss 1000>').peer('A 2 a1');
      bench.state('ESTABLISHED').events(['ESTABLISHED', 'READABLE']);
      assert.equal(bench.read(), 1);
    });
  }

  test('RFC9293 §3.10.7.4: a SYN that comes again is answered as often as any challenge', () => {
    const bench = Bench.synReceived();
    bench.take();
    for (let i = 0; i < 40; i++) bench.peer('S 0 <mss 1000>');
    const answers = bench.take();
    assert.equal(answers.length, 10);
    for (const s of answers) assert.equal(`${s.flags & 0x17} ${s.seq} ${s.ack}`, '18 0 1');
  });
});
