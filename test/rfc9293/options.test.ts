// TCP options and the segment sizes that follow from them: RFC 9293 §3.1, §3.2, §3.7.1.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, type BenchOptions } from '../tcp/harness.js';

/** Payload length of the first full segment. */
function firstSegment(bench: Bench): number {
  bench.write(50_000);
  return bench.take()[0]!.payload.length;
}

const wide: BenchOptions['peer'] = { window: 60_000 };
const big = { pathMss: 9000, receiveMss: 9000 };

describe('MSS', () => {
  test('RFC9293 MUST-14 SHLD-5 MUST-67: both kinds of SYN carry what we can receive', () => {
    Bench.synSent({ config: { receiveMss: 1234 } }).expect('S 0 <mss 1234>');
    Bench.synReceived({ config: { receiveMss: 1234 } }).expect('SA 0 a1 <mss 1234>');
  });

  test('RFC9293 MAY-3: it is sent even when it equals the default', () => {
    Bench.synSent({ config: { receiveMss: 536 } }).expect('S 0 <mss 536>');
  });

  test('RFC9293 MUST-14: the received value bounds what we send', () => {
    const bench = Bench.established({ config: big, peer: { ...wide, options: 'mss 700' } });
    assert.equal(bench.status.sendMss, 700);
    assert.equal(firstSegment(bench), 700);
  });

  test('RFC9293 MUST-14: the same for a passive open', () => {
    const bench = Bench.accepted({ config: big, peer: { ...wide, options: 'mss 700' } });
    assert.equal(firstSegment(bench), 700);
  });

  test('RFC9293 MUST-15: without the option it is 536 for IPv4 and 1220 for IPv6', () => {
    const v4 = Bench.established({ config: big, peer: { ...wide, options: '' } });
    assert.equal(firstSegment(v4), 536);
    const v6 = Bench.established({ config: big, family: 6, peer: { ...wide, options: '' } });
    assert.equal(firstSegment(v6), 1220);
  });

  test('RFC9293 MUST-16: the path binds when it takes less than the peer does', () => {
    const bench = Bench.established({ config: { pathMss: 500 }, peer: { ...wide, options: 'mss 9000' } });
    assert.equal(firstSegment(bench), 500);
  });

  test('RFC9293 MUST-16: option octets come off the payload', () => {
    const options = 'mss 700, sackOK, ts 5 0';
    const bench = Bench.established({ config: big, peer: { ...wide, options } });
    bench.write(50_000);
    for (const s of bench.take()) assert.ok(s.payload.length + s.optionBytes <= 700);
  });

  for (const mss of [0, 1, 48, 63]) {
    test(`CVE-2019-11479: an MSS of ${mss} is raised to the floor`, () => {
      const bench = Bench.established({
        config: { peerMssFloor: 64 },
        peer: { ...wide, options: `mss ${mss}` },
      });
      const length = firstSegment(bench);
      assert.ok(length >= 64, `segments of ${length}`);
    });
  }

  test('RFC9293 §3.7.1: MSS 65535 does no harm', () => {
    const bench = Bench.established({ config: { pathMss: 1000 }, peer: { ...wide, options: 'mss 65535' } });
    assert.equal(firstSegment(bench), 1000);
  });

  test('RFC9293 MUST-65: no segment but the SYN carries it, and one received later changes nothing', () => {
    const bench = Bench.established({ peer: wide });
    bench.peer('A 1 a1 <mss 100>');
    assert.equal(firstSegment(bench), 1000);
    for (const s of bench.history) if (!(s.flags & 2)) assert.equal(s.options.mss, undefined);
  });
});

describe('other options', () => {
  test('RFC9293 MUST-5: options on any segment are accepted', () => {
    const bench = Bench.accepted();
    bench.peer('A 1 a1 [10] <mss 700, ws 3, sackOK, ts 9 9, uto 1000, sack 5:9>');
    assert.equal(bench.read(), 10);
    bench.state('ESTABLISHED');
  });

  test('RFC7323 §2.2: a window scale on another segment than SYN is ignored', () => {
    const bench = Bench.established({
      config: { windowScale: 3 },
      peer: { options: 'mss 1000, ws 0', window: 5000 },
    });
    bench.peer('A 1 a1 w5000 <ws 9>').peer('A 1 a1 w5001');
    assert.equal(bench.status.sndWnd, 5001);
  });

  test('RFC7323 §2.2: -1 offers no scale; the window of others is then never shifted', () => {
    const bench = Bench.synSent({ config: { windowScale: -1 } });
    const [syn] = bench.take();
    assert.equal(syn!.options.ws, undefined);
    bench.peer('SA 0 a1 <mss 1000, ws 7>').peer('A 1 a1 w500');
    assert.equal(bench.status.sndWnd, 500);
  });

  test('RFC2018 §2: SACK blocks that nobody agreed to, or that lie, move nothing', () => {
    const bench = Bench.established({ peer: { window: 20_000 } });
    bench.write(5000);
    bench.take();
    const before = bench.status;
    for (const blocks of ['1:5001', '0:9', '4000:3000', '5001:9000', '-500:-1', '2001:3001 1001:4001']) {
      bench.peer(`A 1 a1 <sack ${blocks}>`);
    }
    assert.equal(bench.status.sndUna, before.sndUna);
    assert.equal(bench.status.sndNxt, before.sndNxt);
    bench.peer('A 1 a5001').state('ESTABLISHED');
  });
});

describe('path MTU', () => {
  test('RFC9293 §3.7.2: a smaller path shrinks segments and resends what did not fit', () => {
    const bench = Bench.established({ peer: wide });
    bench.write(3000);
    bench.take();
    bench.call((c) => c.onPathMss(600, (bench.iss + 1) | 0));
    assert.equal(bench.status.sendMss, 600);
    bench.advance(2000);
    for (const s of bench.take()) assert.ok(s.payload.length <= 600);
    assert.ok(bench.status.retransmissions > 0);
  });

  test('RFC5927 §7: a quoted sequence number that is not outstanding is ignored', () => {
    const bench = Bench.established({ peer: wide });
    bench.write(3000);
    bench.take();
    for (const quoted of [0, 3001, 10_000, -5]) {
      bench.call((c) => c.onPathMss(600, (bench.iss + quoted) | 0));
      assert.equal(bench.status.sendMss, 1000, `quote of ${quoted}`);
    }
  });

  test('RFC5927 §7: it never raises the segment size', () => {
    const bench = Bench.established({ peer: wide });
    bench.write(3000);
    bench.call((c) => c.onPathMss(60_000, (bench.iss + 1) | 0));
    assert.equal(bench.status.sendMss, 1000);
  });
});
