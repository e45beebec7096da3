// The client of Fast Open: what its SYN carries, and what it makes of each answer (RFC 7413 §4.2).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench } from '../tcp/harness.js';
import { COOKIE, client, FRESH, OnePath } from './fixtures.js';

describe('the SYN of a client', () => {
  test('RFC7413 §4.2.1: without a cookie it asks for one, and its data stays for later', () => {
    const { bench } = client(10, null);
    bench.expect('S 0 <mss 1000, fo>');
    assert.equal(bench.connection.tcpInfo(bench.now).fastOpen, 'requested');
    bench.peer('SA 0 a1 <mss 1000>').expect('A 1 a1 [10]');
  });

  test('RFC7413 §4.2.2: with one it carries the cookie and the data, and SND.NXT stands behind both', () => {
    const { bench } = client(10);
    bench.expect(`S 0 [10] <mss 1000, fo ${COOKIE}>`);
    assert.equal(bench.status.sndNxt, 11);
    bench.peer('SA 0 a11 <mss 1000>').expect('A 11 a1').state('ESTABLISHED');
    bench.events(['ESTABLISHED', 'ALL_ACKNOWLEDGED']);
    const info = bench.connection.tcpInfo(bench.now);
    assert.deepEqual([info.fastOpen, info.options.synData, info.totalRetrans], ['accepted', true, 0]);
  });

  test('RFC7413 §4.2.2: explain() says what became of it, and nothing of a connection that did not try', () => {
    const { bench } = client(10);
    bench.peer('SA 0 a11 <mss 1000>');
    const explanation = bench.connection.explain(bench.now);
    const what = 'Fast Open saved a round trip: the data on the SYN was taken at once';
    assert.deepEqual(explanation.opened, { what, rule: 'RFC7413-4.2.2', atMs: null });
    const [, how, because] = `${explanation}`.split('\n');
    assert.equal(how, 'How it was opened:');
    assert.ok(because!.includes(what) && because!.includes('RFC7413-4.2.2'), because);
    const plain = Bench.established();
    const { opened } = plain.connection.explain(plain.now);
    assert.equal(opened, null);
  });

  test('RFC7413 §4.2.2: a cookie is shown also when there is no data yet', () => {
    const { bench, cache } = client(0);
    bench.expect(`S 0 <mss 1000, fo ${COOKIE}>`);
    bench.peer('SA 0 a1 <mss 1000>').expect('A 1 a1');
    assert.deepEqual(cache.told, [], 'nothing was refused');
    assert.equal(bench.connection.tcpInfo(bench.now).fastOpen, 'offered');
  });

  test('RFC7413 §4.2.2: a single octet goes along, and is accepted or refused as any data', () => {
    for (const [answer, outcome, sent, told] of [
      ['SA 0 a2 <mss 900>', 'accepted', ['A 2 a1'], 'learn - 900'],
      ['SA 0 a1 <mss 900>', 'refused', ['A 1 a1 [1]'], 'avoid'],
    ] as const) {
      const { bench, cache } = client(1);
      bench
        .expect(`S 0 [1] <mss 1000, fo ${COOKIE}>`)
        .peer(answer)
        .expect(...sent);
      assert.equal(bench.connection.tcpInfo(bench.now).fastOpen, outcome);
      assert.deepEqual(cache.told, [told]);
    }
  });

  test('RFC7413 §4.1.3: none goes along where the options alone fill the MSS', () => {
    const { bench } = client(10, COOKIE, 1);
    bench.expect(`S 0 <mss 1000, fo ${COOKIE}>`);
  });

  test('without a memory of servers it is a SYN as any other', () => {
    const bench = Bench.synSent({ config: { fastOpen: true } }, 10);
    assert.deepEqual(bench.take()[0]!.options, { mss: 1000 });
  });

  test('off, and where the path is avoided, it is a SYN as any other', () => {
    const off = Bench.synSent({ environment: { fastOpenCache: new OnePath({ cookie: null, mss: 0 }) } }, 10);
    assert.deepEqual(off.take()[0]!.options, { mss: 1000 });
    const avoided = new Bench({
      config: { fastOpen: true },
      environment: { fastOpenCache: new OnePath(null) },
    });
    avoided.connection.openActive(avoided.now);
    avoided.queue(10);
    avoided.flush();
    assert.deepEqual(avoided.take()[0]!.options, { mss: 1000 });
    assert.equal(avoided.connection.tcpInfo(avoided.now).fastOpen, 'avoided');
  });

  const sized = (queued: number, mss: number, config = {}, family: 4 | 6 = 4) => {
    const { bench } = client(queued, COOKIE, mss, { config, family });
    const [syn] = bench.take();
    return [syn!.payload.length, syn!.optionBytes];
  };

  test('RFC7413 §4.1.3: data and options together fill the MSS that the server once advertised', () => {
    const config = { pathMss: 9000, sack: true, timestamps: true, windowScale: 8 };
    const [payload, options] = sized(5000, 1200, config);
    assert.equal(payload! + options!, 1200);
  });

  test('RFC7413 §4.1.3: without it the default of the family, and never more than the path takes', () => {
    const total = (mss: number, config: object, family?: 4 | 6) => {
      const [payload, options] = sized(5000, mss, config, family);
      return payload! + options!;
    };
    assert.equal(total(0, {}), 536);
    assert.equal(total(0, { pathMss: 1440 }, 6), 1220);
    assert.equal(total(1400, { pathMss: 700 }), 700);
  });

  test('RFC7413 §4.1.3: a large MSS counts as 1460, over IPv6 as 1440', () => {
    assert.equal(
      sized(9000, 8960, { pathMss: 8960 }).reduce((a, b) => a + b),
      1460,
    );
    assert.equal(
      sized(9000, 8940, { pathMss: 8940 }, 6).reduce((a, b) => a + b),
      1440,
    );
  });

  test('RFC7413 §4.2.2: a cookie of sixteen octets beside all other options fills the header', () => {
    const long = '00112233445566778899aabbccddeeff';
    const config = { sack: true, timestamps: true, windowScale: 8 };
    const { bench } = client(10, long, 1000, { config });
    const [syn] = bench.take();
    assert.deepEqual([syn!.options.fastOpen, syn!.optionBytes, syn!.payload.length], [long, 40, 10]);
  });

  test('RFC7413 §4.1.1: a cookie that leaves the options short of a whole word is followed by NOPs', () => {
    for (const [octets, nops] of [
      [4, 2],
      [6, 0],
      [8, 2],
    ] as const) {
      const { bench } = client(0, '5a'.repeat(octets));
      const { optionArea } = bench.take()[0]!;
      assert.deepEqual([...optionArea.slice(4 + 2 + octets)], new Array(nops).fill(1), `${octets} octets`);
    }
  });

  test('what the SYN does not take follows the handshake', () => {
    const { bench } = client(1500, COOKIE, 1000);
    const length = 1000 - 16;
    bench.expect(`S 0 [${length}] <fo ${COOKIE}>`);
    bench.peer(`SA 0 a${1 + length} <mss 1000>`).expect(`A ${1 + length} a1 [${1500 - length}]`);
  });

  test('what is sent later waits for the handshake', () => {
    const { bench } = client(10);
    bench.take();
    assert.equal(bench.write(20), 20);
    bench.silent().peer('SA 0 a11').expect('A 11 a1 [20]');
  });
});

describe('data that the server does not take', () => {
  test('RFC7413 §4.2.2: goes again with the first ACK', () => {
    const { bench } = client(10);
    bench.take();
    bench.peer(`SA 0 a1 <mss 1000, fo ${FRESH}>`).expect('A 1 a1 [10]');
    bench.peer('A 1 a11').silent();
    const info = bench.connection.tcpInfo(bench.now);
    assert.deepEqual([info.fastOpen, info.options.synData, info.bytesAcked], ['refused', false, 10]);
  });

  test('RFC7413 §4.2.2: what is acknowledged of it does not', () => {
    const { bench } = client(10);
    bench.take();
    bench.peer('SA 0 a5 <mss 1000>').expect('A 5 a1 [6]');
    bench.peer('A 1 a11').silent();
    const { fastOpen, options } = bench.connection.tcpInfo(bench.now);
    assert.deepEqual([fastOpen, options.synData], ['partly accepted', true]);
  });

  test('in segments of the size that this server turns out to take', () => {
    const { bench } = client(900, COOKIE, 1000);
    bench.take();
    bench.peer('SA 0 a1 <mss 400>').expect('A 1 a1 [400]', 'A 401 a1 [400]', 'A 801 a1 [100]');
    bench.peer('A 1 a901').silent();
    assert.equal(bench.status.inFlight, 0);
  });

  test('is no sign of congestion', () => {
    const { bench } = client(900, COOKIE, 1000);
    const { ssthresh } = bench.status;
    bench.peer('SA 0 a1 <mss 1000>');
    assert.deepEqual([bench.status.cwnd, bench.status.ssthresh], [10_000, ssthresh]);
    bench.peer('A 1 a901');
    assert.equal(bench.connection.tcpInfo(bench.now).caState, 'open');
  });

  test('is not what an ACK of today is numbered by: one octet more has left', () => {
    const { bench } = client(10);
    bench.take();
    bench.peer('SA 0 a11 <mss 1000>').write(1);
    bench.take();
    bench.call((c) => c.setQuickAck(true));
    bench.peer('A 1 a11 w0 [5]').expect('A 12 a6');
  });

  test('and that a server acknowledges later all the same is not lost', () => {
    // A server without Fast Open may keep it until the handshake is over (RFC 9293 §3.10.7.2).
    const { bench } = client(10);
    bench.take();
    bench.peer('SA 0 a1 w0 <mss 1000>').expect('A 1 a1');
    bench.peer('A 1 a11 w1000').silent();
    assert.deepEqual([bench.status.inFlight, bench.status.sndUna], [0, 11]);
    assert.equal(bench.write(10), 10);
    bench.expect('A 11 a1 [10]');
  });
});

describe('a SYN that gets no answer', () => {
  test('RFC7413 §4.2.2: is sent again without data and without the option, and the data follows', () => {
    const { bench, cache } = client(10);
    bench.take();
    bench.advance(1000).expect('S 0 <mss 1000>');
    assert.equal(bench.history.at(-1)!.options.fastOpen, undefined);
    bench.peer('SA 0 a1 <mss 1000>').expect('A 1 a1 [10]');
    assert.deepEqual(
      cache.told.filter((word) => word !== 'avoid'),
      [],
    );
    assert.equal(bench.connection.tcpInfo(bench.now).fastOpen, 'given up');
  });

  test('RFC7413 §4.2.1: so is one that asked for a cookie', () => {
    const { bench, cache } = client(0, null);
    bench.take();
    bench.advance(1000);
    assert.deepEqual(
      bench.take().map(({ options }) => options),
      [{ mss: 1000 }],
    );
    assert.deepEqual(cache.told, ['avoid']);
  });

  test('RFC7413 §4.1.3.1: an answer to the first one after all clears the path', () => {
    const { bench, cache } = client(10);
    bench.take();
    bench.advance(1000).take();
    bench.peer('SA 0 a11 <mss 900>').expect('A 11 a1');
    assert.deepEqual(cache.told, ['avoid', 'learn - 900']);
    assert.equal(bench.connection.tcpInfo(bench.now).fastOpen, 'accepted');
  });
});

describe('what the client remembers', () => {
  const told = (queued: number, cookie: string | null, answer: string) => {
    const { bench, cache } = client(queued, cookie);
    bench.peer(answer);
    return cache.told;
  };

  test('RFC7413 §4.2.1: the cookie and the MSS of a SYN-ACK', () => {
    assert.deepEqual(told(0, null, `SA 0 a1 <mss 900, fo ${FRESH}>`), [`learn ${FRESH} 900`]);
    assert.deepEqual(told(10, COOKIE, `SA 0 a1 <mss 900, fo ${FRESH}>`), [`learn ${FRESH} 900`]);
    assert.deepEqual(told(10, COOKIE, 'SA 0 a11 <mss 900>'), ['learn - 900'], 'the cookie is good still');
  });

  test('RFC7413 §4.1.3.1: that data was not acknowledged, and no new cookie came', () => {
    assert.deepEqual(told(10, COOKIE, 'SA 0 a1 <mss 900>'), ['avoid']);
    assert.deepEqual(told(10, COOKIE, 'SA 0 a1 <mss 900, fo>'), ['avoid'], 'an empty option is no cookie');
  });

  test('RFC7413 §4.2.1: that a request got no cookie', () => {
    assert.deepEqual(told(0, null, 'SA 0 a1 <mss 900>'), ['avoid']);
  });

  test('RFC7413 §4.2.1: and the application is told what became of the request', () => {
    for (const [option, outcome] of [
      [`, fo ${FRESH}`, 'cookie received'],
      ['', 'refused'],
    ] as const) {
      const { bench } = client(0, null);
      bench.peer(`SA 0 a1 <mss 900${option}>`);
      assert.equal(bench.connection.tcpInfo(bench.now).fastOpen, outcome);
    }
  });

  test('RFC7413 §4.1.3.1: an ICMP error', () => {
    for (const kind of ['host', 'prohibited'] as const) {
      const { bench, cache } = client(10);
      bench.call((c, now) => c.onIcmpError(kind, bench.iss, now));
      assert.deepEqual(cache.told, ['avoid'], kind);
    }
    const later = client(10);
    later.bench.peer('SA 0 a11').write(10);
    later.cache.told.length = 0;
    later.bench.call((c, now) => c.onIcmpError('host', c.snd.una, now));
    assert.deepEqual(later.cache.told, [], 'not one of the established connection');
  });

  test('RFC7413 §4.1.1: nothing of an option on a segment without SYN', () => {
    const { bench, cache } = client(0, null);
    bench.peer('SA 0 a1').peer(`A 1 a1 [1] <fo ${FRESH}>`);
    assert.deepEqual(cache.told, ['avoid']);
    const crossed = client(0, null);
    crossed.bench.peer('S 0 <mss 1000>').peer(`A 1 a1 <fo ${FRESH}>`).state('ESTABLISHED');
    assert.deepEqual(crossed.cache.told, ['avoid']);
  });
});

describe('a simultaneous open', () => {
  test('RFC7413 §4.2.2: our data goes again when the other SYN,ACK does not cover it', () => {
    const { bench } = client(10);
    bench.take();
    bench.peer('S 0 <mss 1000>').expect('SA 0 a1 <mss 1000>');
    assert.equal(bench.history.at(-1)!.options.fastOpen, undefined, 'who asked gives no cookie');
    bench.peer('SA 0 a1').expect('A 1 a1 [10]').state('ESTABLISHED');
    bench.peer('A 1 a11').silent();
  });

  test('RFC7413 §4.2.2: and not when it does', () => {
    const { bench } = client(10);
    bench.take();
    bench.peer('S 0 <mss 1000>').expect('SA 0 a1');
    bench.peer('A 1 a11').state('ESTABLISHED').silent();
    assert.equal(bench.status.inFlight, 0);
  });

  test('a single octet of the other SYN arrives', () => {
    const { bench } = client(0);
    bench.peer('S 0 [1] <mss 1000>').peer('A 2 a1').state('ESTABLISHED');
    assert.equal(bench.read(), 1);
  });

  test('the data of both SYNs arrives', () => {
    const { bench } = client(10);
    bench.take();
    bench.peer('S 0 [5] <mss 1000>').expect('SA 0 a1');
    assert.equal(bench.read(), 0, 'not before it is ESTABLISHED');
    bench.peer('A 1 a11').state('ESTABLISHED');
    assert.equal(bench.read(), 5);
  });
});
