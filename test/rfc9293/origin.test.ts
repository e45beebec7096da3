// The numbers in which a connection begins change nothing of what it does: the same scene, segment by segment and event by event,
// whatever ISS and IRS (RFC 9293 §3.4).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, type BenchOptions, printSegment } from '../tcp/harness.js';

const scenes: Record<string, (origins: BenchOptions) => Bench> = {
  'an unpushed write waits, urgent data is marked, the rest is not': (origins) => {
    const bench = Bench.established(origins);
    bench.write(10, false);
    bench.write(10);
    bench.writeUrgent(5);
    bench.write(3000);
    return bench.peer('A 1 a26').peer('A 1 a3026').advance(5000);
  },
  'losses are found by duplicates, by SACK and by time': (origins) => {
    const options = 'mss 1000, sackOK';
    const bench = Bench.established({ ...origins, config: { sack: true }, peer: { options } });
    bench.write(8000);
    bench.peer('A 1 a1001').peer('A 1 a1001 <sack 2001:3001>', 'A 1 a1001 <sack 2001:4001>');
    bench.peer('A 1 a1001 <sack 2001:5001>').advance(20).peer('A 1 a8001').advance(1000);
    const plain = Bench.established(origins);
    plain.write(5000);
    plain.peer('A 1 a1', 'A 1 a1', 'A 1 a1').peer('A 1 a2001').peer('A 1 a5001');
    plain.write(1000);
    plain.advance(10_000);
    bench.history.push(...plain.history);
    return bench;
  },
  'text comes out of order, overlapping, twice, and ends with a FIN': (origins) => {
    const bench = Bench.accepted({ ...origins, config: { delayedAckMs: 40, receiveBufferBytes: 3000 } });
    bench.peer('A 1001 a1 [1000]').peer('A 501 a1 [600]').peer('A 1 a1 [600]', 'A 1 a1 [600]');
    bench.peer('UA 2001 a1 [10] u4').advance(100);
    bench.read(1500);
    bench.peer('FA 2211 a1 [100]').peer('A 2011 a1 [200]').advance(100);
    bench.read();
    return bench.close().advance(3000).peer('A 2312 a2').advance(100);
  },
  'windows shut and open, probes go out': (origins) => {
    const bench = Bench.established({ ...origins, peer: { window: 1500 } });
    bench.write(4000);
    bench.peer('A 1 a1501 w0').advance(3000).peer('A 1 a1501 w0').peer('A 1 a1501 w100').advance(1000);
    return bench.peer('A 1 a1601 w5000').advance(1000).peer('A 1 a4001').shutdown().peer('FA 1 a4002');
  },
  'two SYNs cross, a stale SYN and a stale RST come': (origins) => {
    const bench = Bench.synSent(origins).peer('S 0 <mss 1000>').advance(1500).peer('SA 0 a1 <mss 1000>');
    bench.peer('S 500', 'R 700', 'S 500').peer('A 1 a1 [10]').advance(1000);
    return bench.peer('R 11');
  },
  'timestamps and scaled windows': (origins) => {
    const bench = Bench.accepted({
      ...origins,
      config: { timestamps: true, windowScale: 2, delayedAckMs: 40 },
      peer: { options: 'mss 1000, ws 3, ts 100 0' },
    });
    bench.write(3000);
    bench
      .peer(`A 1 a2001 <ts 150 ${bench.now}>`)
      .advance(30)
      .peer(`A 1 a3001 [10] <ts 180 ${bench.now - 30}>`);
    return bench.peer('A 11 a3001 [10] <ts 99 0>').advance(500);
  },
};

/** Everything that left, everything that was told, and the variables in the end. */
function account(bench: Bench): string {
  const { timers, transitions, drops, verdicts, rttSamples } = bench.recorder;
  const { iss, irs, ...status } = bench.status;
  const states = transitions.map(({ from, to }) => `${from}>${to}`);
  const sent = bench.history.map((s) => `${s.at} ${printSegment(s)} ${s.retransmission}`);
  return JSON.stringify({ sent, timers, states, drops, verdicts, rttSamples, status }, null, 1);
}

for (const [name, play] of Object.entries(scenes)) {
  describe(name, () => {
    const expected = account(play({ iss: 0x10000000, irs: 0x20000000 }));
    for (const iss of [0, -1, 0x7fffffff, 0x7ffffc00, 0x80000000, 0x90000000]) {
      for (const irs of [0, 0x7ffffc00, 0xfffffff0, 0xa0000000]) {
        test(`RFC9293 §3.4: ISS ${iss >>> 0}, IRS ${irs}`, () => {
          assert.equal(account(play({ iss, irs })), expected);
        });
      }
    }
  });
}
