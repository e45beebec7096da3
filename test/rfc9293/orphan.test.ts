// Connections whose application has left and whose peer never finishes: all of them end (RFC 9293 §3.8.3, RFC 6429).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench } from '../tcp/harness.js';

const HOUR = 3_600_000;

/** The peer answers whatever arrives with the same ACK and a shut window, for some hours. */
function heldShut(bench: Bench, ack: string, hours: number): void {
  const until = bench.now + hours * HOUR;
  while (bench.now < until && bench.stateName !== 'CLOSED') {
    bench.advance(5000);
    if (bench.take().length > 0 && bench.stateName !== 'CLOSED') bench.peer(`${ack} w0`);
  }
}

describe('orphans', () => {
  test('RFC6429 §3: closed with data queued behind a window that stays shut, it ends by R2', () => {
    const bench = Bench.established({ config: { r2Ms: 100_000 } }).peer('A 1 a1 w0');
    bench.queue(5000);
    bench.close().state('FIN-WAIT-1');
    heldShut(bench, 'A 1 a1', 24);
    bench.state('CLOSED').events(['CLOSED']);
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
  });

  test('CVE-2015-5358: the same in LAST-ACK', () => {
    const bench = Bench.accepted({ config: { r2Ms: 100_000 } }).peer('FA 1 a1 w0');
    bench.queue(5000);
    bench.close().state('LAST-ACK');
    heldShut(bench, 'A 2 a1', 24);
    bench.state('CLOSED').events(['CLOSED']);
  });

  test('RFC6429 §3: behind a shut window its time counts from when the window was shut', () => {
    const config = { r2Ms: 24 * HOUR, orphanMs: 100_000 };
    const bench = Bench.established({ config }).peer('A 1 a1 w0');
    bench.advance(500_000);
    bench.queue(5000);
    bench.close();
    const since = bench.now;
    heldShut(bench, 'A 1 a1', 1);
    const lasted = bench.now - since;
    assert.ok(lasted >= 100_000 && lasted <= 165_000, `${lasted} ms: the time, and a probe later`);
  });

  test('RFC6429 §3: a peer that opens its window now and then, and takes something, is no reason', () => {
    const config = { r2Ms: 24 * HOUR, orphanMs: 100_000 };
    const bench = Bench.established({ config, peer: { window: 0 } }).peer('A 1 a1 w0');
    bench.queue(5000);
    bench.close();
    for (let acked = 1; acked < 4001; acked += 1000) {
      bench.advance(70_000).take();
      bench.peer(`A 1 a${bench.status.sndUna} w1000`).peer(`A 1 a${bench.status.sndNxt} w0`);
      bench.state('FIN-WAIT-1');
    }
  });

  test('RFC9293 MUST-37: while the application is there, the shut window alone does not end it', () => {
    const bench = Bench.established({ config: { r2Ms: 100_000 } }).peer('A 1 a1 w0');
    bench.queue(5000);
    bench.shutdown().state('FIN-WAIT-1');
    heldShut(bench, 'A 1 a1', 24);
    bench.state('FIN-WAIT-1');
  });

  test('RFC9293 MUST-20: a peer that acknowledges nothing cannot hold an orphan', () => {
    const bench = Bench.established({ config: { r2Ms: 100_000 } });
    bench.queue(5000);
    bench.close();
    bench.advance(HOUR).state('CLOSED');
  });

  test('RFC6429 §3: an orphan ends by its own limit when that is shorter than R2; an owned connection does not', () => {
    const config = { r2Ms: 24 * HOUR, orphanMs: 60_000 };
    const orphan = Bench.established({ config });
    orphan.queue(5000);
    orphan.close().advance(200_000).state('CLOSED');
    const owned = Bench.established({ config });
    owned.queue(5000);
    owned.shutdown().advance(200_000).state('FIN-WAIT-1');
  });

  test('RFC6429 §3: an orphan that makes progress is not ended', () => {
    const bench = Bench.established({ config: { r2Ms: 100_000 }, peer: { window: 1000 } });
    bench.queue(20_000);
    bench.close();
    for (let acked = 1001; acked <= 19_001; acked += 1000) {
      bench.advance(50_000).state('FIN-WAIT-1');
      bench.peer(`A 1 a${acked}`);
    }
    // The last octets, then the FIN that had no room in the window.
    for (let i = 0; i < 2; i++) bench.peer(`A 1 a${bench.status.sndNxt}`);
    bench.state('FIN-WAIT-2');
  });
});

describe('RFC9293 SHLD-3: what arrives after close()', () => {
  const closed = () => Bench.established().close().peer('A 1 a2').settled('FIN-WAIT-2');

  test('RFC9293 SHLD-3: a single octet of text is answered by a reset', () => {
    closed().peer('A 1 a2 [1]').expect('R 2').state('CLOSED');
  });

  test('RFC9293 SHLD-3: text behind a hole as well, and text with a FIN', () => {
    closed().peer('A 11 a2 [1]').expect('R 2').state('CLOSED');
    closed().peer('FA 1 a2 [1]').expect('R 2').state('CLOSED');
  });

  test('RFC9293 §3.10.7.4: a FIN alone is none, in its place or ahead of it', () => {
    closed().peer('FA 1 a2').expect('A 2 a2').state('TIME-WAIT');
    closed().peer('FA 11 a2').expect('A 2 a1').state('FIN-WAIT-2');
  });
});
