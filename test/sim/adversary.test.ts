// Random segments against a connection in every state. Nothing may throw, grow without bound, deliver a byte that was not
// sent for its place, or break the rules that the bench checks on every segment that leaves. SYNWAVE_SIM_SEEDS=n runs n
// seeds per state instead of a few.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { State } from '../../src/tcp/state.js';
import type { SegmentView } from '../../src/wire/segment.js';
import { prepare, SITUATIONS } from '../rfc9293/situations.js';
import { Bench, PEER_SALT, pattern, Random } from '../tcp/harness.js';

const SEEDS = Number(process.env.SYNWAVE_SIM_SEEDS ?? 160);

/** Sequence numbers near those that matter, and any at all. */
function pickSeq(bench: Bench, random: Random): number {
  const { rcvNxt, rcvWnd, irs } = bench.status;
  const next = irs + rcvNxt;
  return random.pick([
    () => next,
    () => next,
    () => next + random.int(-20, 20),
    () => next + random.int(0, Math.max(1, rcvWnd)),
    () => next + rcvWnd + random.int(-3, 3),
    () => random.int(-0x80000000, 0x7fffffff),
  ])();
}

function pickAck(bench: Bench, random: Random): number {
  const { sndUna, sndNxt, iss } = bench.status;
  return random.pick([
    () => iss + sndNxt,
    () => iss + sndUna,
    () => iss + random.int(sndUna, sndNxt),
    () => iss + sndNxt + random.int(1, 1000),
    () => iss + sndUna - random.int(1, 100_000),
    () => random.int(-0x80000000, 0x7fffffff),
  ])();
}

const USUAL = [0x10, 0x10, 0x10, 0x18, 0x11, 0x02, 0x12, 0x04, 0x14, 0x30, 0x00, 0x01, 0x03, 0x3f];

function pickFlags(random: Random, gentle: boolean): number {
  if (gentle) return random.pick([0x10, 0x10, 0x18, 0x30]);
  return random.chance(0.8) ? random.pick(USUAL) : random.int(0, 255);
}

function randomOptions(random: Random, bench: Bench): (view: SegmentView) => void {
  return (view) => {
    if (random.chance(0.2)) view.mss = random.pick([0, 1, 48, 536, 65_535]);
    if (random.chance(0.2)) view.windowScale = random.int(0, 255);
    if (random.chance(0.2)) view.sackPermitted = true;
    if (random.chance(0.2)) {
      view.hasTimestamps = true;
      view.tsVal = random.int(-0x80000000, 0x7fffffff);
      view.tsEcr = random.int(-0x80000000, 0x7fffffff);
    }
    if (random.chance(0.1)) view.userTimeoutMs = random.int(0, 2_000_000_000);
    if (random.chance(0.3)) {
      view.sackCount = random.int(1, 4);
      for (let i = 0; i < 8; i++) view.sackEdges[i] = pickAck(bench, random);
    }
    view.ecn = random.int(0, 3);
  };
}

function attack(bench: Bench, random: Random, gentle: boolean): void {
  const flags = pickFlags(random, gentle);
  const seq = pickSeq(bench, random) | 0;
  const syn = (flags & 2) !== 0;
  const length = random.pick([0, 0, 1, random.int(1, 100), 1000, random.int(1, 3000), 65_000]);
  bench.injectRaw(
    {
      flags,
      seq,
      ack: pickAck(bench, random) | 0,
      wnd: random.pick([0, 1, 100, 1000, 10_000, 65_535]),
      urgent: random.pick([0, 1, 65_535, random.int(0, 65_535)]),
      payload: pattern(((seq - bench.irs) | 0) - (syn ? 0 : 1), length, PEER_SALT),
    },
    randomOptions(random, bench),
  );
}

function act(bench: Bench, random: Random): void {
  const turn = random.int(0, 99);
  if (turn < 12) bench.read(random.int(1, 2000));
  else if (turn < 22) bench.write(random.int(1, 3000), random.chance(0.7));
  else if (turn < 24) bench.writeUrgent(random.int(1, 50));
  else if (turn < 32) bench.advance(random.pick([1, 50, 300, 5000]));
  else if (turn === 32) bench.shutdown();
  else if (turn === 33 && random.chance(0.2)) bench.close();
  else if (turn === 34) bench.call((c) => c.setNagle(random.chance(0.5)));
  else if (turn === 35) bench.call((c, now) => c.setKeepAlive(random.chance(0.5), 1000, now));
  else if (turn === 36) {
    const kind = random.pick(['net', 'host', 'protocol', 'port', 'prohibited', 'time'] as const);
    bench.call((c, now) => c.onIcmpError(kind, pickAck(bench, random) | 0, now));
  } else if (turn === 37) {
    bench.call((c) => c.onPathMss(random.pick([0, 1, 64, 500, 60_000]), pickAck(bench, random) | 0));
  }
}

function check(bench: Bench): void {
  const s = bench.status;
  const { config } = bench.connection;
  assert.ok(s.sndUna <= s.sndNxt, `UNA ${s.sndUna} beyond NXT ${s.sndNxt}`);
  assert.ok(s.sendQueueBytes >= 0 && s.sendQueueBytes <= config.sendBufferBytes);
  assert.ok(
    s.receiveQueueBytes + s.reassemblyBytes <= config.receiveBufferBytes,
    'the receive buffer is a bound',
  );
  assert.ok(s.rcvWnd >= 0 && s.rcvWnd <= config.receiveBufferBytes, `RCV.WND ${s.rcvWnd}`);
  assert.ok(s.inFlight >= 0 && s.cwnd >= 1 && s.ssthresh >= 1, `flight ${s.inFlight}, cwnd ${s.cwnd}`);
  assert.ok(s.sendMss >= 1, `MSS ${s.sendMss}`);
  for (const value of Object.values(s)) assert.ok(!Number.isNaN(value), JSON.stringify(s));
  assert.ok(!Number.isNaN(bench.connection.nextTimeout()));
  assert.ok(bench.connection.urgentBytes >= 0);
}

function over(bench: Bench): boolean {
  return bench.connection.state === State.CLOSED || bench.connection.state === State.LISTEN;
}

/** Some hundred random events; returns how many the connection lived through. */
function run(bench: Bench, random: Random, gentle: boolean): number {
  bench.checkWindow = false;
  for (let i = 0; i < 300; i++) {
    if (over(bench)) return i;
    const batch = random.int(1, 3);
    for (let k = 0; k < batch && !over(bench); k++) {
      const told = bench.recorder.verdicts.length;
      attack(bench, random, gentle);
      assert.equal(bench.recorder.verdicts.length, told + 1, 'the trace tells of every segment once');
    }
    const before = bench.sent.length;
    bench.flush();
    check(bench);
    const { sendMss, cwnd } = bench.status;
    const bare = bench.sent.slice(before).filter((s) => s.payload.length === 0).length;
    assert.ok(bare <= batch + 2, `${bare} bare segments in answer to ${batch}`);
    assert.ok(cwnd <= 4_000_000 && sendMss <= 65_535);
    bench.take();
    bench.takeEvents();
    act(bench, random);
    check(bench);
    bench.take();
  }
  return 300;
}

describe('adversary', () => {
  // The segments themselves fill the window soon enough.
  for (const named of SITUATIONS.filter(({ situation }) => situation.rcvWnd > 0)) {
    const { name } = named;
    test(`any segments in ${name}`, () => {
      let lived = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const random = new Random(seed);
        const bench = prepare(named);
        try {
          lived += run(bench, random, seed % 2 === 0);
          if (!over(bench)) bench.abort();
          assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY, 'a timer is left');
          bench.advance(1_000_000);
        } catch (error) {
          throw new Error(`${name}, seed ${seed}: ${(error as Error).message}`, { cause: error });
        }
      }
      assert.ok(lived > SEEDS, 'the connections lived through some of it');
    });
  }

  test('ATTACKS 4: endless tiny out-of-order segments stay within the limit and cost bounded work', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 60_000, reassemblySegments: 64 } });
    for (let i = 0; i < 20_000; i++) bench.inject(`A ${3 + ((i * 2) % 50_000)} a1 [1]`);
    bench.flush();
    assert.ok(bench.status.reassemblyBytes <= 64);
    assert.ok(bench.take().length <= 100, 'a bounded number of ACKs for a batch');
  });

  test('ATTACKS 39: endless pure ACKs change nothing and are not answered', () => {
    const bench = Bench.established();
    for (let i = 0; i < 10_000; i++) bench.peer('A 1 a1');
    bench.silent().state('ESTABLISHED');
  });

  test('ATTACKS 45: a window of one gigabyte does not open the congestion window', () => {
    const peer = { options: 'mss 1000, ws 14', window: 65_535 };
    const bench = Bench.established({ config: { windowScale: 2 }, peer });
    bench.peer('A 1 a1');
    bench.write(100_000);
    assert.equal(bench.take().length, 10);
  });

  test('ATTACKS 40: acknowledgments of what was never sent gain nothing', () => {
    const bench = Bench.established({ peer: { window: 60_000 } });
    bench.write(50_000);
    const { sndNxt } = bench.status;
    bench.take();
    for (let ack = sndNxt + 1; ack < sndNxt + 50_000; ack += 1000) bench.peer(`A 1 a${ack}`);
    assert.equal(bench.status.sndNxt, sndNxt);
    for (const s of bench.take()) assert.equal(s.payload.length, 0);
  });

  test('ATTACKS 30: a window of one byte for ever is not answered with a storm', () => {
    const bench = Bench.established({ peer: { window: 5000 } });
    bench.write(5000);
    bench.peer('A 1 a4001 w1');
    bench.take();
    const start = bench.history.length;
    for (let i = 0; i < 600; i++) {
      bench.advance(1000);
      const { sndNxt } = bench.status;
      bench.peer(`A 1 a${sndNxt} w1`);
    }
    assert.ok(bench.history.length - start < 1300, `${bench.history.length - start} segments in ten minutes`);
  });
});
