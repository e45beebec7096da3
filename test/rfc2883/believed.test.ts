// Which first SACK block the sender takes for a report of a duplicate (RFC 2883 §4), and what it believes of them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Bench } from '../tcp/harness.js';
import { ackBefore, flight, MSS } from '../tcp/sacking.js';

/** Twenty segments have left, of which ten are acknowledged. */
function sender(): Bench {
  const bench = flight(20);
  bench.take();
  return bench.advance(100).peer(`A 1 a${10 * MSS + 1}`);
}

function reports(bench: Bench): number {
  return bench.connection.tcpInfo(bench.now).dsackDups;
}

const UNA = 10 * MSS + 1;
const NXT = 20 * MSS + 1;

describe('the first block is a report of a duplicate', () => {
  const cases: [string, string, boolean][] = [
    ['below the acknowledgment', `${UNA - 1000}:${UNA}`, true],
    ['not beyond it by one octet', `${UNA - 1000}:${UNA + 1}`, false],
    ['within the second block', `${UNA + 3000}:${UNA + 4000} ${UNA + 2000}:${UNA + 5000}`, true],
    ['equal to the second block', `${UNA + 3000}:${UNA + 4000} ${UNA + 3000}:${UNA + 4000}`, true],
    [
      'not when it begins before the second',
      `${UNA + 1999}:${UNA + 4000} ${UNA + 2000}:${UNA + 5000}`,
      false,
    ],
    ['not when it ends behind the second', `${UNA + 3000}:${UNA + 5001} ${UNA + 2000}:${UNA + 5000}`, false],
    ['not when it is empty', `${UNA - 1000}:${UNA - 1000}`, false],
    ['not when it ends before it begins', `${UNA - 1000}:${UNA - 2000}`, false],
    ['not of what was never sent', `${NXT}:${NXT + 1000} ${NXT}:${NXT + 1000}`, false],
    ['not of what reaches beyond what was sent', `${NXT - 1}:${NXT + 1} ${NXT - 1}:${NXT + 1}`, false],
    ['of the last octet that was sent', `${NXT - 1}:${NXT} ${NXT - 2}:${NXT}`, true],
    ['as old as the largest window', `${UNA - 60_000}:${UNA - 59_000}`, true],
    ['not when it is older', `${UNA - 60_001}:${UNA - 59_000}`, false],
  ];
  for (const [name, blocks, isReport] of cases) {
    test(`RFC2883 §4: ${name}`, () => {
      const bench = sender();
      bench.peer(`A 1 a${UNA} <sack ${blocks}>`);
      assert.equal(reports(bench), isReport ? 1 : 0);
    });
  }

  test('RFC2883 §4: it reports nothing else, and the blocks behind it count', () => {
    const bench = sender();
    bench.peer(`A 1 a${UNA} <sack ${UNA - 1000}:${UNA} ${UNA + 2000}:${UNA + 4000}>`);
    assert.equal(bench.connection.tcpInfo(bench.now).sackedBytes, 2000);
  });

  test('RFC2018 §5: blocks that begin at the acknowledgment, or end beyond what was sent, are not believed', () => {
    const bench = sender();
    bench.peer(
      `A 1 a${UNA} <sack ${UNA}:${UNA + 2000} ${NXT - 1000}:${NXT + 1} ${UNA + 5000}:${UNA + 5000}>`,
    );
    assert.equal(bench.connection.tcpInfo(bench.now).sackedBytes, 0);
  });

  test('RFC2018 §5: a segment that was reported in halves has arrived when both are', () => {
    const bench = sender();
    const at = UNA + 2000;
    bench.peer(`A 1 a${UNA} <sack ${at}:${at + 500}>`);
    assert.equal(bench.connection.tcpInfo(bench.now).sackedBytes, 0);
    bench.peer(`A 1 a${UNA} <sack ${at + 500}:${at + 1500}>`);
    assert.equal(bench.connection.tcpInfo(bench.now).sackedBytes, 1000);
    bench.peer(`A 1 a${UNA} <sack ${at - 500}:${at}>`);
    assert.equal(bench.connection.tcpInfo(bench.now).sackedBytes, 1000);
    bench.peer(`A 1 a${UNA} <sack ${at - 1000}:${at + 2000}>`);
    assert.equal(bench.connection.tcpInfo(bench.now).sackedBytes, 3000);
  });
});

test('RFC2018 §5: blocks that are empty or run backwards report nothing, and neither do those of a segment before', () => {
  const bench = flight(10);
  bench.advance(10);
  bench.peer('A -70000 a1 <sack 3001:4001 5001:6001 7001:8001>');
  bench.peer(ackBefore(1, [2, 2]));
  assert.equal(bench.connection.flight.sackedBytes, MSS);
  bench
    .peer('A 1 a1 <sack 4001:4001>')
    .peer('A 1 a1 <sack 6001:4001>')
    .peer('A 1 a1 <sack 1001:2001 9001:8001>');
  assert.equal(bench.connection.flight.sackedBytes, MSS);
  assert.equal(bench.connection.scoreboard!.count, 1);
});

test('RFC2018 §5: a block around others adds what lies between them, each byte once', () => {
  const bench = flight(10);
  bench.advance(10).peer(ackBefore(1, [3, 3], [6, 7], [9, 9]));
  const before = bench.connection.rate.delivered;
  bench.peer(ackBefore(1, [2, 10]));
  assert.equal(bench.connection.rate.delivered - before, 5 * MSS);
  assert.equal(bench.connection.flight.sackedBytes, 9 * MSS);
});

test('RFC2018 §5: nor is a byte counted twice where the block ends with what was reported, the last in flight', () => {
  const bench = flight(5);
  bench.advance(10).peer(ackBefore(1, [4, 5]));
  const before = bench.connection.rate.delivered;
  bench.peer(ackBefore(1, [2, 5]));
  assert.equal(bench.connection.rate.delivered - before, 2 * MSS);
});
