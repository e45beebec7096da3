// ICMP errors: RFC 9293 §3.9.2.2, RFC 5461, RFC 5927.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bbr } from '../../src/tcp/congestion/bbr.js';
import { Bench } from '../tcp/harness.js';

type Kind = 'net' | 'host' | 'protocol' | 'port' | 'prohibited' | 'time';

const icmp = (bench: Bench, kind: Kind, quoted: number) =>
  bench.call((c, now) => c.onIcmpError(kind, (bench.iss + quoted) | 0, now));

describe('ICMP errors', () => {
  for (const kind of ['net', 'host', 'time'] as const) {
    test(`RFC9293 MUST-47 MUST-56 SHLD-25: \`${kind}\` is a soft error in ESTABLISHED: told, not obeyed`, () => {
      const bench = Bench.established();
      bench.write(100);
      bench.settled('ESTABLISHED');
      icmp(bench, kind, 1).state('ESTABLISHED').silent().events(['SOFT_ERROR'], ['CLOSED']);
      assert.notEqual(bench.connection.softError, null);
      bench.peer('A 1 a101').state('ESTABLISHED');
    });
  }

  for (const kind of ['protocol', 'port', 'prohibited'] as const) {
    test(`RFC5927 §4: \`${kind}\` never aborts a synchronized connection`, () => {
      const bench = Bench.established();
      bench.write(100);
      bench.settled('ESTABLISHED');
      icmp(bench, kind, 1).state('ESTABLISHED').events([], ['CLOSED']);
    });
  }

  for (const kind of ['protocol', 'port', 'prohibited'] as const) {
    test(`RFC9293 SHLD-26: \`${kind}\` fails the connect in SYN-SENT`, () => {
      const bench = Bench.synSent().expect('S 0');
      icmp(bench, kind, 0).state('CLOSED').silent().events(['CLOSED'], ['ESTABLISHED']);
      assert.ok(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'].includes(bench.connection.error!));
      assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
    });
  }

  test('RFC9293 MUST-54: an error that quotes nothing outstanding is ignored', () => {
    const bench = Bench.established();
    bench.write(100);
    bench.settled('ESTABLISHED');
    for (const quoted of [-1000, 0, 101, 5000]) {
      icmp(bench, 'host', quoted).events([], ['SOFT_ERROR', 'CLOSED']);
    }
    const syn = Bench.synSent().expect('S 0');
    for (const quoted of [-1, 1, 77]) icmp(syn, 'port', quoted).state('SYN-SENT');
  });

  test('RFC9293 SHLD-26: what ended the connect is told: refused, or unreachable', () => {
    for (const [kind, end] of [
      ['port', 'refused'],
      ['protocol', 'refused'],
      ['prohibited', 'unreachable'],
    ] as const) {
      const bench = Bench.synSent().expect('S 0');
      icmp(bench, kind, 0).state('CLOSED');
      assert.deepEqual(bench.recorder.ends, [end]);
    }
  });

  test('RFC8200 §5: no router talks us below what every path of IPv6 carries', () => {
    const bench = Bench.established({ family: 6, config: { pathMss: 1440 }, peer: { options: 'mss 1440' } });
    bench.write(1440);
    bench.take();
    assert.equal(bench.connection.onPathMss(500, bench.connection.snd.una), true);
    assert.equal(bench.status.sendMss, 1220);
  });

  test('RFC1191 §6.3: what is no news about the path repeats nothing', () => {
    for (const mss of [1000, 2000]) {
      const bench = Bench.established();
      bench.write(500);
      bench.take();
      assert.equal(bench.connection.onPathMss(mss, bench.connection.snd.una), true);
      bench.flush().silent();
      assert.equal(bench.status.sendMss, 1000);
    }
  });

  test('RFC1191 §6.3: a SYN is not too large; what follows it heeds the path', () => {
    const bench = Bench.synSent().expect('S 0');
    assert.equal(bench.connection.onPathMss(700, bench.connection.snd.iss), true);
    bench.flush().silent();
    assert.equal(bench.connection.tcpInfo(bench.now).caState, 'open');
    bench.peer('SA 0 a1 <mss 1000>');
    assert.equal(bench.status.sendMss, 700);
  });

  test('BBR §5.6.3: a narrower path makes the quanta of a pace smaller', () => {
    const { connection } = Bench.synSent({ config: { congestion: bbr } }).peer('SA 0 a1 <mss 1000>');
    const pacer = connection.pacer!;
    pacer.setRate(0);
    pacer.setRate(1);
    assert.equal(pacer.quantumBytes, 2 * 1000);
    connection.onPathMtuChanged(700);
    assert.equal(pacer.quantumBytes, 2 * 700);
  });

  test('RFC9293 SHLD-20: reports of soft errors can be switched off', () => {
    const bench = Bench.established({ config: { reportSoftErrors: false } });
    bench.write(100);
    bench.settled('ESTABLISHED');
    icmp(bench, 'host', 1).events([], ['SOFT_ERROR', 'CLOSED']);
  });

  test('RFC9293 MUST-54: it is the quote in flight that counts, across the wrap of sequence numbers', () => {
    const bench = Bench.established({ iss: 0xfffffff0 });
    bench.write(100);
    bench.settled('ESTABLISHED');
    icmp(bench, 'host', 50).events(['SOFT_ERROR']);
  });
});
