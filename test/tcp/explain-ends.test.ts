// explain(), ending by ending and limit by limit: who is named, and what is said beside it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndExplanation } from '../../src/tcp/explain.js';
import { Limit } from '../../src/tcp/limit.js';
import { Bench } from './harness.js';

function ended(bench: Bench): EndExplanation {
  const { ended } = bench.connection.explain(bench.now);
  assert.ok(ended !== null, 'it has ended');
  return ended;
}

function clauses(bench: Bench): string[] {
  return ended(bench).causes.map(({ what }) => what);
}

/** Until the connection is CLOSED by a timer. */
function wait(bench: Bench): Bench {
  while (bench.stateName !== 'CLOSED') bench.advance(bench.untilTimer);
  return bench;
}

const NEVER_HEARD = /^nothing was ever heard of the peer, through (\d+) timeouts and 0 probes$/;
const QUIET = /^nothing more was heard of the peer, through (\d+) timeouts and (\d+) probes$/;
const OURS_LOST = / bytes that we had sent were not acknowledged$/;

describe('who ended it', () => {
  const ENDINGS: [string, () => Bench, EndExplanation['by'], boolean][] = [
    ['our FIN', () => Bench.established().shutdown(), 'us', true],
    ['our FIN before the handshake was over', () => Bench.synReceived().shutdown(), 'us', true],
    ['their FIN', () => Bench.established().peer('FA 1 a1'), 'peer', true],
    ['their FIN, answered by ours', () => Bench.established().peer('FA 1 a1').shutdown(), 'peer', true],
    [
      'their FIN, and ours acknowledged',
      () => Bench.established().peer('FA 1 a1').shutdown().peer('A 2 a2'),
      'peer',
      true,
    ],
    ['our FIN, answered by theirs', () => Bench.established().shutdown().peer('FA 1 a2'), 'us', true],
    ['crossing FINs', () => Bench.established().shutdown().peer('FA 1 a1').peer('A 2 a2'), 'us', true],
    ['2 MSL', () => wait(Bench.established().shutdown().peer('FA 1 a2')), 'us', true],
    [
      'a limit in TIME-WAIT',
      () =>
        Bench.established()
          .shutdown()
          .peer('FA 1 a2')
          .call((c, now) => c.evict(now)),
      'us',
      true,
    ],
    ['a limit', () => Bench.synReceived().call((c, now) => c.evict(now)), 'limit', false],
    ['abort()', () => Bench.established().abort(), 'us', false],
    ['close() of an opening connection', () => Bench.synSent().close(), 'us', false],
    ['data after close()', () => Bench.established().close().peer('A 1 a2 [10]'), 'us', false],
    ['their RST', () => Bench.established().peer('R 1'), 'peer', false],
    ['their RST after our FIN', () => Bench.established().shutdown().peer('R 1'), 'peer', false],
    ['no FIN of theirs', () => wait(Bench.established().close().peer('A 1 a2')), 'peer', false],
    ['silence', () => wait(sending()), 'path', false],
    ['the user timeout', () => wait(sending({ userTimeoutMs: 5000 })), 'path', false],
    ['silence in the handshake', () => wait(Bench.synSent()), 'path', false],
    ['unanswered probes', () => wait(Bench.established({ config: PROBED })), 'path', false],
    ['ICMP', () => Bench.synSent().call((c, now) => c.onIcmpError('port', c.snd.iss, now)), 'path', false],
  ];
  for (const [how, end, by, orderly] of ENDINGS) {
    test(how, () => {
      const explanation = ended(end());
      assert.deepEqual([explanation.by, explanation.orderly], [by, orderly]);
    });
  }

  test('nobody, while nobody has begun to close; a listener that a SYN left again is no end', () => {
    for (const bench of [Bench.established(), Bench.synSent(), Bench.synReceived()])
      assert.equal(bench.connection.explain(bench.now).ended, null);
  });
});

const PROBED = { keepAlive: true, keepAliveIdleMs: 1000, keepAliveIntervalMs: 100, keepAliveProbes: 2 };

/** Data is on its way, and nothing will come back. */
function sending(config: { userTimeoutMs?: number } = {}): Bench {
  const bench = Bench.established({ config: { r2Ms: 10_000, ...config } });
  bench.write(300);
  return bench;
}

describe('the chain of causes', () => {
  test('each step has its time since the opening, its states and its rule', () => {
    const bench = Bench.synSent();
    bench.advance(40).peer('SA 0 a1 <mss 1000>').advance(1000).peer('FA 1 a1');
    bench.advance(500).shutdown();
    assert.deepEqual(ended(bench).causes, [
      {
        what: 'FIN: the peer has no more to send (ESTABLISHED to CLOSE-WAIT)',
        rule: 'RFC9293-3.10.7.4',
        atMs: 1040,
      },
      { what: 'our FIN answers the peer’s (CLOSE-WAIT to LAST-ACK)', rule: 'RFC9293-3.10.4', atMs: 1540 },
    ]);
  });

  test('RFC2525 §2.17: close() that had to reset because of data that nobody read; abort() had not', () => {
    const closed = Bench.established().peer('A 1 a1 [10]').close();
    assert.deepEqual(clauses(closed).slice(1), ['received data was never read, so close() had to reset']);
    assert.equal(clauses(Bench.established().peer('A 1 a1 [10]').abort()).length, 1);
    assert.equal(clauses(Bench.synSent().abort()).length, 1);
  });

  test('a refused SYN: nobody listens there; an RST later on is another matter', () => {
    assert.deepEqual(clauses(Bench.synSent().peer('RA 0 a1')).slice(1), ['nobody listens on that port']);
    assert.equal(clauses(Bench.established().peer('R 1')).length, 1);
    const crossed = Bench.synSent().peer('S 0 <mss 1000>').peer('R 1');
    assert.equal(crossed.connection.error, 'ECONNREFUSED');
    assert.equal(clauses(crossed).length, 1);
  });

  test('silence: whether anything was ever heard, and what was tried', () => {
    const opening = wait(Bench.synSent());
    const [, never] = clauses(opening);
    assert.equal(NEVER_HEARD.exec(never!)?.[1], `${opening.connection.rtx.timeouts}`);
    for (const bench of [wait(sending()), wait(sending({ userTimeoutMs: 5000 }))]) {
      const [, , quiet, lost, ...more] = ['', ...clauses(bench)];
      assert.equal(QUIET.exec(quiet!)?.[1], `${bench.connection.rtx.timeouts}`);
      assert.match(lost!, /^300 bytes/);
      assert.deepEqual(more, []);
    }
    const [, probed] = clauses(wait(Bench.established({ config: PROBED })));
    assert.match(probed!, QUIET);
    const orphan = Bench.established().peer('A 1 a1 w0');
    orphan.write(10);
    orphan.close();
    const [, , closed] = clauses(wait(orphan));
    const probes = QUIET.exec(closed!)?.[2];
    assert.ok(Number(probes) > 2, closed);
  });

  test('RFC9293 §3.9.2.2: what ICMP had reported on the way', () => {
    const bench = sending();
    bench.call((c, now) => c.onIcmpError('host', c.snd.una, now));
    const said = clauses(wait(bench));
    assert.equal(said[2], 'on the way ICMP had reported EHOSTUNREACH');
    assert.match(said[3]!, OURS_LOST);
  });

  test('what was lost of ours: nothing when all was acknowledged, or when we wanted no more', () => {
    const some = Bench.established();
    some.write(300);
    some.peer('A 1 a101').peer('R 1');
    assert.match(clauses(some).at(-1)!, /^200 bytes that we had sent/);
    const none = Bench.established();
    none.write(300);
    none.peer('A 1 a301').peer('R 1');
    assert.equal(clauses(none).length, 1);
    const ours = Bench.established();
    ours.write(300);
    assert.equal(clauses(ours.abort()).length, 1);
    const again = sending();
    again.advance(again.untilTimer);
    again.peer('R 1');
    assert.match(clauses(again).at(-1)!, /^300 bytes/, 'those sent again count once');
    const repaired = sending();
    repaired.advance(repaired.untilTimer);
    repaired.peer('A 1 a301').peer('R 1');
    assert.equal(clauses(repaired).length, 1);
  });
});

describe('what held the sender back', () => {
  /** Each limit held for so many ms, in this order; the first of them is the last one before. */
  function held(...limits: [Limit, number][]): Bench {
    const bench = Bench.established();
    for (const [limit, ms] of limits) {
      bench.connection.limited.note(limit, true, bench.now);
      bench.now += ms;
    }
    return bench;
  }

  function slowness(bench: Bench) {
    const { slow } = bench.connection.explain(bench.now);
    assert.ok(slow !== null);
    return slow;
  }

  test('nothing, where no time has passed', () => {
    const bench = new Bench();
    bench.connection.openActive(bench.now);
    assert.equal(bench.connection.explain(bench.now).slow, null);
  });

  for (const [limit, by, rule] of [
    [Limit.RECEIVE_WINDOW, 'receive window', 'RFC9293-3.8.6'],
    [Limit.CONGESTION_WINDOW, 'congestion window', 'RFC5681-3.1'],
    [Limit.SEND_BUFFER, 'send buffer', 'RFC7323-1.1'],
    [Limit.NAGLE, 'nagle', 'RFC9293-3.7.4'],
    [Limit.PACING, 'pacing', ''],
    [Limit.F_RTO, 'f-rto', 'RFC5682-2.1'],
    [Limit.LINK, 'link', ''],
    [Limit.HANDSHAKE, 'handshake', 'RFC6298-2.1'],
    [Limit.APPLICATION, 'application', ''],
  ] as const) {
    test(`all of the time: ${by}`, () => {
      const slow = slowness(held([limit, 1]));
      assert.equal(slow.by, by);
      assert.equal(slow.causes[0]!.rule, rule);
      assert.match(slow.causes[0]!.what, /^100 % of the time /);
    });
  }

  test('the longest first, in per cent, and less than a twentieth not at all', () => {
    const slow = slowness(held([Limit.NAGLE, 150], [Limit.LINK, 49], [Limit.PACING, 751], [Limit.F_RTO, 50]));
    assert.equal(slow.by, 'pacing');
    const shares = slow.causes.map(({ what }) => /^(\d+) % of the time/.exec(what)?.[1]);
    assert.deepEqual(shares, ['75', '15', '5']);
    const thirds = slowness(held([Limit.NAGLE, 200], [Limit.LINK, 100]));
    assert.match(thirds.causes[0]!.what, /^67 %/);
  });

  test('more than one segment of a hundred sent again is a cause of its own', () => {
    for (const [resent, limit, by, causes] of [
      [10, Limit.CONGESTION_WINDOW, 'congestion window', 1],
      [11, Limit.CONGESTION_WINDOW, 'losses', 2],
      [11, Limit.RECEIVE_WINDOW, 'receive window', 2],
    ] as const) {
      const bench = held([limit, 1000]);
      bench.connection.segmentsOut = 1000;
      bench.connection.retransmissions = resent;
      const slow = slowness(bench);
      assert.equal(slow.by, by);
      assert.equal(slow.causes.length, causes);
      if (causes > 1) assert.equal(slow.causes[1]!.what, '11 segments (1.1 %) had to be sent again');
    }
  });

  test('RFC6298 §5: timeouts among them are told', () => {
    const bench = sending();
    for (const n of [1, 2]) {
      bench.advance(bench.untilTimer);
      const { segsOut } = bench.connection.tcpInfo(bench.now);
      const share = ((n / segsOut) * 100).toFixed(1);
      assert.equal(
        slowness(bench).causes.find(({ rule }) => rule === 'RFC8985-6')?.what,
        `${n} segments (${share} %) had to be sent again, ${n} of them after a timeout`,
      );
    }
  });

  test('RFC6298 §2: what the window allows in a round trip, and how much of that is no queue', () => {
    const bench = Bench.synSent();
    bench.advance(100).peer('SA 0 a1 <mss 1000>');
    bench.write(1000);
    const said = () => slowness(bench).causes.find(({ rule }) => rule === 'RFC6298-2')?.what;
    assert.equal(said(), 'a round trip takes 100.0 ms, so this window allows 100000 bytes a second');
    const { rtt, congestion } = bench.connection;
    rtt.srtt = 200;
    congestion.cwnd = 10_001;
    assert.equal(said(), 'a round trip takes 200.0 ms, so this window allows 50005 bytes a second');
    rtt.srtt = 300;
    assert.equal(
      said(),
      'a round trip takes 300.0 ms, of which 100.0 ms are the path’s own, so this window allows 33337 bytes a second',
    );
    rtt.srtt = 0.5;
    assert.match(said()!, /takes 0\.5 ms/);
    rtt.srtt = 0;
    assert.equal(said(), undefined);
  });
});

describe('as text', () => {
  test('an end in order, without a word on slowness where there was none', () => {
    const bench = Bench.established().shutdown();
    assert.match(
      String(bench.connection.explain(bench.now)),
      /^The connection is FIN-WAIT-1\.\nWhy it closed: our side ended it, in order\.\n {2}0\.000 s: /,
    );
    assert.doesNotMatch(String(bench.connection.explain(bench.now)), /held/);
  });

  test('a reset of ours has no error; a connection that is open has no end', () => {
    const bench = Bench.established().abort();
    assert.match(String(bench.connection.explain(bench.now)), /our side ended it, by a reset\./);
    const open = Bench.established();
    open.advance(500);
    assert.equal(
      String(open.connection.explain(open.now)),
      `The connection is ESTABLISHED.
What held the sender back: application.
  100 % of the time the application had nothing more to send`,
    );
  });

  test('times in seconds', () => {
    const bench = Bench.synSent();
    bench.advance(1234).peer('RA 0 a1');
    assert.match(
      String(bench.connection.explain(bench.now)),
      /: the peer ended it, ECONNREFUSED\.\n {2}1\.234 s: RST answers our SYN.* \[RFC9293-3\.10\.7\.3\]\n/,
    );
  });
});
