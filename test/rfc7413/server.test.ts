// The server of Fast Open: which SYNs it trusts, and what it does before the handshake is over (RFC 7413 §4.2).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SegmentView } from '../../src/wire/segment.js';
import { Bench, fillView, PEER_SALT, parseSegment } from '../tcp/harness.js';
import { COOKIE, FixedCookies, FORMER, FRESH, server } from './fixtures.js';

const WRONG = 'ffffffffffffffff';

function outcome(bench: Bench): string {
  return bench.connection.tcpInfo(bench.now).fastOpen;
}

describe('the SYN-ACK of a server', () => {
  test('RFC7413 §4.2.1: a request gets a cookie, made for the address that asks', () => {
    const cookies = new FixedCookies();
    const bench = Bench.synReceived(
      { config: { fastOpen: true }, environment: { fastOpenCookies: cookies } },
      'S 0 <mss 1000, fo>',
    );
    bench.expect(`SA 0 a1 <mss 1000, fo ${FRESH}>`);
    assert.deepEqual(cookies.asked, ['10.9.0.1 of 10.9.0.2']);
    assert.equal(outcome(bench), 'cookie given');
  });

  test('RFC7413 §4.2: a server that was not told to ignores the option', () => {
    const environment = { fastOpenCookies: new FixedCookies() };
    for (const option of ['fo', `fo ${COOKIE}`]) {
      const bench = Bench.synReceived({ environment }, `S 0 [10] <mss 1000, ${option}>`);
      const [answer] = bench.take();
      assert.deepEqual([answer!.ack, answer!.options], [1, { mss: 1000 }], option);
      assert.equal(bench.read(), 0);
      assert.deepEqual(environment.fastOpenCookies.asked, []);
    }
  });

  test('RFC7413 §4.2.2: with a good cookie it acknowledges SYN and data, and the application has them', () => {
    const bench = server(`S 0 [10] <mss 1000, fo ${COOKIE}>`);
    bench.state('SYN-RECEIVED').events(['READABLE'], ['ESTABLISHED']);
    const [answer] = bench.take();
    assert.deepEqual([answer!.ack, answer!.options], [11, { mss: 1000 }], 'whoever has a cookie needs none');
    assert.equal(bench.read(), 10);
    bench.state('SYN-RECEIVED');
    bench.peer('A 11 a1').state('ESTABLISHED').events(['ESTABLISHED'], ['READABLE']);
    assert.equal(outcome(bench), 'accepted');
    assert.equal(bench.connection.tcpInfo(bench.now).options.synData, true);
  });

  test('RFC7413 §4.1.2: one by a former key is good, and replaced', () => {
    const bench = server(`S 0 [10] <mss 1000, fo ${FORMER}>`);
    bench.expect(`SA 0 a11 <mss 1000, fo ${FRESH}>`);
    assert.equal(bench.read(), 10);
  });

  for (const synData of ['queue', 'accept', 'discard'] as const) {
    test(`RFC7413 §4.2.2: with a wrong one it acknowledges the SYN alone, and gives a new one (${synData})`, () => {
      const bench = server(`S 0 [10] <mss 1000, fo ${WRONG}>`, { config: { synData } });
      bench.expect(`SA 0 a1 <mss 1000, fo ${FRESH}>`).events([], ['READABLE']);
      assert.equal(bench.read(), 0, 'nothing before the handshake is over');
      bench.peer('A 1 a1');
      assert.equal(bench.read(), synData === 'discard' ? 0 : 10);
      assert.equal(outcome(bench), 'refused');
    });

    test(`data without the option is treated as ever (${synData})`, () => {
      const bench = server('S 0 [10] <mss 1000>', { config: { synData } });
      bench.expect(`SA 0 a${synData === 'accept' ? 11 : 1} <mss 1000>`);
      assert.equal(bench.read(), 0);
      assert.equal(outcome(bench), 'not asked');
    });
  }

  test('RFC7413 §4.2: at the limit the option is not looked at, below it it is', () => {
    const syn = `S 0 [10] <mss 1000, fo ${COOKIE}>`;
    const at = (fastOpenPending: number) => server(syn, { config: { fastOpenPending: 2 }, fastOpenPending });
    at(1).expect('SA 0 a11 <mss 1000>');
    server(syn, { config: { fastOpenPending: 1 } }).expect('SA 0 a11 <mss 1000>');
    const full = at(2).expect('SA 0 a1 <mss 1000>');
    assert.deepEqual([outcome(full), full.read()], ['limit', 0]);
    assert.equal(full.history[0]!.options.fastOpen, undefined);
    assert.equal(
      server('S 0 <fo>', { config: { fastOpenPending: 0 } }).take()[0]!.options.fastOpen,
      undefined,
    );
  });

  test('without keys it ignores the option', () => {
    Bench.synReceived({ config: { fastOpen: true } }, `S 0 [10] <mss 1000, fo ${COOKIE}>`).expect(
      'SA 0 a1 <mss 1000>',
    );
  });

  test('RFC7413 §4.2: one that ignores it treats the data as it does without', () => {
    const config = { synData: 'accept' } as const;
    const syn = `S 0 [10] <mss 1000, fo ${COOKIE}>`;
    Bench.synReceived({ config }, syn).expect('SA 0 a11');
    server('S 0 [10] <mss 1000, fo>', { config }).expect('SA 0 a1');
  });

  test('RFC7413 §4.2.2: a SYN without data brings nothing to be read', () => {
    const bench = server(`S 0 <mss 1000, fo ${COOKIE}>`);
    bench.events([], ['READABLE']);
    assert.equal(bench.connection.reassembly, null);
    assert.equal(Bench.synReceived().connection.reassembly, null);
  });

  test('RFC9293 MUST-66: to a SYN that closes the window, too, an ACK bears SND.NXT', () => {
    const bench = server('S 0 w0 <mss 1000, fo>');
    bench.take();
    bench.peer('A 50000 a1 [1]').expect('A 1 a1');
  });

  test('RFC7413 §4.2.2: an answer that is there before the SYN-ACK leaves behind it', () => {
    const environment = { fastOpenCookies: new FixedCookies() };
    const bench = new Bench({ config: { fastOpen: true }, environment, role: 'passive' });
    const syn = new SegmentView();
    const origins = { sender: bench.irs, receiver: bench.iss };
    fillView(syn, parseSegment(`S 0 <mss 1000, fo ${FORMER}>`), origins, PEER_SALT, 10_000);
    bench.connection.openPassive(syn, null, bench.now);
    bench.queue(10);
    bench.flush().expect('SA 0 a1', 'A 1 a1 [10]');
  });

  test('data beyond the bound is left to the client', () => {
    const bench = server(`S 0 [100] <mss 1000, fo ${COOKIE}>`, { config: { synDataBytes: 60 } });
    bench.expect('SA 0 a61');
    assert.equal(bench.read(), 60);
    bench.peer('A 61 a1 [40]');
    assert.equal(bench.read(), 40);
  });

  test('RFC7413 §4.2.1: one that is sent again has no option; the answer to a repeated SYN has', () => {
    const bench = server('S 0 <mss 1000, fo>');
    bench.take();
    bench.peer('S 0 <mss 1000, fo>').expect(`SA 0 a1 <mss 1000, fo ${FRESH}>`);
    bench.advance(1000);
    assert.deepEqual(
      bench.take().map(({ options }) => options),
      [{ mss: 1000 }],
    );
  });

  test('RFC7413 §4.2.2: one that is sent again still acknowledges the data', () => {
    const bench = server(`S 0 [10] <mss 1000, fo ${COOKIE}>`);
    bench.take();
    bench.advance(1000).expect('SA 0 a11');
    bench.peer('S 0 <mss 1000>').expect('SA 0 a11');
  });
});

describe('before the handshake is over', () => {
  const opened = (config = {}) => {
    const bench = server(`S 0 [10] <mss 1000, fo ${COOKIE}>`, { config });
    bench.take();
    bench.read();
    return bench;
  };

  test('RFC7413 §4.2.2: the answer may leave, a short one too', () => {
    const bench = opened();
    bench.write(20);
    bench.expect('A 1 a11 [20]').state('SYN-RECEIVED');
    bench.peer('A 11 a21').state('ESTABLISHED');
    assert.equal(bench.status.inFlight, 0);
  });

  test('RFC7413 §4.2.2: as much of it as the initial window lets go', () => {
    const bench = opened({ initialWindowSegments: 3 });
    bench.write(10_000);
    bench.expect('A 1 a11 [1000]', 'A 1001 a11 [1000]');
    // The SYN is in flight too.
    assert.equal(bench.status.inFlight, 2001);
    bench.peer('A 11 a1001');
    bench.expect('A 2001 a11 [1000]', 'A 3001 a11 [1000]', 'A 4001 a11 [1000]');
  });

  test('the SYN-ACK alone is sent again, and the answer once it is acknowledged', () => {
    const bench = opened();
    bench.write(20);
    bench.take();
    bench.advance(1000).expect('SA 0 a11');
    bench.peer('A 11 a1').state('ESTABLISHED').silent();
    bench.advance(3000);
    assert.ok(bench.take().some(({ seq, payload }) => seq === 1 && payload.length === 20));
  });

  test('an application that answers and closes is served: FIN behind the answer', () => {
    const bench = opened();
    bench.queue(20);
    bench.shutdown().expect('FA 1 a11 [20]').state('FIN-WAIT-1');
    bench.peer('A 11 a1').state('FIN-WAIT-1');
    bench.peer('FA 11 a22').state('TIME-WAIT');
  });

  test('RFC9293 SHLD-3: close() with data of the SYN unread resets', () => {
    const bench = server(`S 0 [10] <mss 1000, fo ${COOKIE}>`);
    bench.take();
    bench.close().expect('RA 1 a11').state('CLOSED');
  });

  test('RFC9293 §3.10.4: once both have ended, close() with data unread tells nobody', () => {
    const bench = server(`S 0 [10] <mss 1000, fo ${COOKIE}>`).peer('FA 11 a1').shutdown().settled('LAST-ACK');
    bench.close().silent().state('LAST-ACK');
  });

  test('an RST ends it for the application, which has it already', () => {
    const bench = opened();
    bench.peer('R 11').state('CLOSED');
    assert.equal(bench.connection.error, 'ECONNRESET');
  });

  test('RFC 5961 §4: a SYN within the window is asked whether it is meant', () => {
    const bench = opened();
    bench.peer('S 100').expect('A 1 a11').state('SYN-RECEIVED');
  });

  test('a peer that never answers is given up after the retries of a SYN-ACK', () => {
    const bench = opened({ synAckRetries: 2 });
    bench.write(20);
    bench.advance(60_000).state('CLOSED');
    assert.equal(bench.connection.error, 'ETIMEDOUT');
  });

  test('RFC9293 MUST-17: Nagle holds back the second short segment, though the SYN-ACK is not acknowledged either', () => {
    const bench = opened();
    bench.write(20);
    bench.expect('A 1 a11 [20]');
    bench.write(20);
    bench.silent().peer('A 11 a21').expect('A 21 a11 [20]');
  });

  test('RFC7413 §4.2.2: a good cookie without data lets the server speak first', () => {
    const bench = server(`S 0 <mss 1000, fo ${COOKIE}>`);
    bench.take();
    bench.write(20);
    bench.expect('A 1 a1 [20]').state('SYN-RECEIVED');
    assert.equal(bench.connection.tcpInfo(bench.now).options.synData, false);
  });
});
