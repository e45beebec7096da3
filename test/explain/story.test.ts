// What is told of a connection: how it opened and closed, the states of both ends, and what was remarkable.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectionDocument, connectionText } from '../../src/explain/explanation.js';
import type { ObservedConnection } from '../../src/explain/observed-connection.js';
import type { RemarkKind } from '../../src/explain/remarks.js';
import { displayWidth } from '../../src/observe/display-width.js';
import { Random } from '../tcp/random.js';
import { connectionOf, ISN, packetOf, packetsOf, pcap, storyOf, type Timed } from './captures.js';

const HANDSHAKE = `
  0.000 > S 0 <mss 1460, ws 7, sackOK>
  0.010 < SA 0 a1 <mss 1460, ws 7, sackOK>
  0.020 > A 1 a1`;

const remarks = (c: ObservedConnection): RemarkKind[] => c.remarks.map(({ kind }) => kind);

function paths(c: ObservedConnection): [string, string] {
  return [c.states.paths.A.join(' '), c.states.paths.B.join(' ')];
}

describe('opening', () => {
  test('RFC9293 §3.5: three segments; numbers count from the initial ones across the wrap', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > PA 1 a1 [40]`);
    assert.equal(c.opening, 'handshake');
    assert.equal(c.closing, 'open');
    assert.deepEqual(paths(c), ['SYN-SENT ESTABLISHED', 'SYN-RECEIVED ESTABLISHED']);
    assert.ok(Math.abs(c.handshakeMs - 10) < 0.01);
    const segments = c.rows.first.map(({ segment }) => [segment!.seq, segment!.ack]);
    assert.deepEqual(segments, [
      [0, null],
      [0, 1],
      [1, 1],
      [1, 1],
    ]);
    assert.deepEqual([c.summary().x, c.summary().y], [ISN.a, ISN.b]);
    assert.deepEqual(c.rows.first.map(({ step }) => step).slice(0, 3), ['H1', 'H2', 'H3']);
  });

  test('RFC9293 MUST-10: the SYNs cross', async () => {
    const c = await connectionOf(`
      0.000 > S 0
      0.001 < S 0
      0.010 > SA 0 a1
      0.011 < SA 0 a1`);
    assert.equal(c.opening, 'simultaneous');
    assert.ok(remarks(c).includes('simultaneous-open'));
    assert.deepEqual(paths(c), ['SYN-SENT SYN-RECEIVED ESTABLISHED', 'SYN-SENT SYN-RECEIVED ESTABLISHED']);
  });

  test('RFC9293 §3.10.7.1: refused', async () => {
    const c = await connectionOf(`
      0.000 > S 0
      0.001 < RA 0 a1`);
    assert.deepEqual([c.opening, c.closing, remarks(c)], ['refused', 'refused', ['refused']]);
    assert.deepEqual(paths(c), ['SYN-SENT CLOSED', 'CLOSED']);
  });

  test('RFC9293 §3.8.3: nothing answers the SYN', async () => {
    const c = await connectionOf(`
      0.000 > S 0
      1.000 > S 0
      3.000 > S 0`);
    assert.deepEqual([c.opening, c.closing], ['unanswered', 'unanswered']);
    assert.deepEqual(remarks(c), ['syn-repeated', 'syn-repeated']);
    assert.equal(c.remarks[1]!.values.ms, 2000);
    assert.deepEqual(paths(c), ['SYN-SENT', '']);
  });

  test('RFC9293 §3.5 Fig. 8: the answer to an old SYN is refused by its ACK’s number', async () => {
    const c = await connectionOf(`
      0.000 > S 0
      0.010 < SA 0 a1
      0.020 > R 1`);
    assert.equal(c.closing, 'reset');
    assert.deepEqual(remarks(c), ['stray-answered']);
  });

  test('the handshake was not completed', async () => {
    const c = await connectionOf(`
      0.000 > S 0
      0.010 < SA 0 a1
      1.010 < SA 0 a1`);
    assert.equal(c.opening, 'half-open');
    assert.deepEqual(remarks(c), ['syn-repeated', 'third-missing']);
  });

  test('joined midway: the server is who has the smaller port, numbers begin with 1', async () => {
    const c = await connectionOf(`
      0.000 < PA 5000 a7000 [10]
      0.010 > A 7000 a5010
      0.020 > FA 7000 a5010`);
    assert.equal(c.opening, 'midstream');
    assert.equal(c.name('A'), '10.0.0.1:40000');
    assert.deepEqual(
      c.rows.first.flatMap(({ segment }) =>
        segment === null ? [] : [[segment.seq, segment.ack, segment.len]],
      ),
      [
        [1, 1, 10],
        [1, 11, 0],
        [1, 11, 0],
      ],
    );
    assert.deepEqual(paths(c)[0], 'ESTABLISHED FIN-WAIT-1');
  });

  test('data on the SYN', async () => {
    const c = await connectionOf('0 > S 0 [12]');
    assert.deepEqual(remarks(c), ['syn-data']);
  });
});

describe('closing', () => {
  test('RFC9293 §3.6: four segments, and data of the end that closes second', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > FA 1 a1
      0.040 < A 1 a2
      0.050 < PA 1 a2 [100]
      0.060 > A 2 a101
      0.070 < FA 101 a2
      0.080 > A 2 a102`);
    assert.deepEqual([c.closing, c.closedFirst, c.inTimeWait], ['fin', 'A', 'A']);
    assert.deepEqual(remarks(c), ['half-close']);
    assert.deepEqual(paths(c), [
      'SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT',
      'SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED',
    ]);
  });

  test('RFC9293 §3.6: three segments', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 < FA 1 a1
      0.040 > FA 1 a2
      0.050 < A 2 a2`);
    assert.deepEqual([c.closing, c.closedFirst, remarks(c)], ['fin', 'B', ['three-waves']]);
    assert.equal(paths(c)[1], 'SYN-RECEIVED ESTABLISHED FIN-WAIT-1 TIME-WAIT');
  });

  test('RFC9293 §3.6 Fig. 13: both at once', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > FA 1 a1
      0.031 < FA 1 a1
      0.040 > A 2 a2
      0.041 < A 2 a2`);
    assert.equal(c.closing, 'simultaneous');
    assert.ok(remarks(c).includes('simultaneous-close'));
    assert.deepEqual(paths(c), [
      'SYN-SENT ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT',
      'SYN-RECEIVED ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT',
    ]);
  });

  test('RFC9293 §3.6.1: the last ACK is lost, the FIN comes again', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > FA 1 a1
      0.040 < FA 1 a2
      0.240 < FA 1 a2
      0.241 > A 2 a2`);
    assert.deepEqual(remarks(c), ['three-waves', 'fin-repeated']);
    assert.equal(c.rows.first.at(-3)!.segment!.retransmission, 1);
  });

  test('RFC9293 §3.5.3: aborted; both are CLOSED', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > RA 1 a1`);
    assert.deepEqual([c.closing, c.resetBy, remarks(c)], ['reset', 'A', ['reset']]);
    assert.deepEqual(
      paths(c).map((path) => path.split(' ').at(-1)),
      ['CLOSED', 'CLOSED'],
    );
  });

  test('RFC9293 SHLD-3: an RST of who had closed', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > FA 1 a1
      0.040 < PA 1 a2 [10]
      0.041 > R 2`);
    assert.deepEqual(remarks(c), ['half-close', 'reset-after-close']);
  });

  test('RFC5961 §3: an RST with another number is not believed', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 < A 1 a1
      0.040 > R 500
      0.041 < A 1 a1
      0.050 > PA 1 a1 [5]`);
    assert.ok(remarks(c).includes('reset-ignored'));
    assert.deepEqual([c.closing, c.resetBy], ['open', null]);
  });

  test('RFC9293 §3.6: nothing may follow a FIN', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > FA 1 a1
      0.040 > PA 2 a1 [10]`);
    assert.deepEqual(remarks(c), ['after-fin']);
  });
});

describe('on the way', () => {
  test('RFC6298 §5: a retransmission, and after how long', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > PA 1 a1 [100]
      0.250 > PA 1 a1 [100]`);
    assert.deepEqual(remarks(c), ['retransmission']);
    assert.ok(Math.abs(c.remarks[0]!.values.ms! - 220) < 0.01);
    assert.equal(c.counts.get('retransmission'), 1);
  });

  test('RFC5681 §3.2: a fast retransmission after duplicate ACKs', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > A 1 a1 [100]
      0.030 > A 101 a1 [100]
      0.030 > A 201 a1 [100]
      0.030 > A 301 a1 [100]
      0.040 < A 1 a1
      0.041 < A 1 a1
      0.042 < A 1 a1
      0.043 > A 1 a1 [100]`);
    assert.deepEqual(remarks(c), ['fast-retransmission']);
    assert.equal(c.counts.get('duplicate_ack'), 3);
  });

  test('RFC4015: a needless retransmission, and the peer’s report of it', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > PA 1 a1 [100]
      0.040 < A 1 a101
      0.300 > PA 1 a1 [100]
      0.310 < A 1 a101 <sack 1:101>`);
    assert.deepEqual(remarks(c), ['spurious-retransmission', 'duplicate']);
  });

  test('RFC9293 SHLD-31: overtaken, and missing before it', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > A 101 a1 [100]
      0.031 > A 1 a1 [100]`);
    assert.deepEqual(remarks(c), ['gap', 'out-of-order']);
  });

  test('RFC9293 §3.8.6.1: a window closes, is probed, and opens', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > PA 1 a1 [100]
      0.040 < A 1 a101 w0
      0.240 > A 101 a1 [1]
      0.250 < A 1 a101 w0
      0.350 < A 1 a101 w10`);
    assert.deepEqual(remarks(c), ['zero-window', 'window-probe', 'window-opened']);
    assert.equal(c.counts.get('zero_window_probe_ack'), 1);
  });

  test('RFC9293 §3.8.4: a keep-alive, and its answer', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > A 1 a1 [10]
      0.040 < A 1 a11
      60.000 > A 10 a1
      60.010 < A 1 a11`);
    assert.deepEqual(remarks(c), ['keep-alive']);
    assert.equal(c.counts.get('keep_alive_ack'), 1);
  });

  test('RFC5961 §4: a SYN inside a connection', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 < SA 77 a1
      0.040 > A 1 a1`);
    assert.deepEqual(remarks(c), ['syn-in-connection']);
  });

  test('RFC9293 MUST-3: a bad checksum changes nothing', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > FA 1 a1 [5] !
      0.040 > PA 1 a1 [5]`);
    assert.deepEqual(remarks(c), ['bad-checksum']);
    assert.equal(c.closing, 'open');
    assert.equal(c.rows.first.find(({ segment }) => segment?.fate === 'lost')?.segment?.len, 5);
  });
});

describe('several connections', () => {
  test('the same ports again are another connection', async () => {
    const first = packetsOf(`${HANDSHAKE}
      0.030 > RA 1 a1`);
    const second = packetsOf(`
      5.000 > S 100000
      5.010 < RA 0 a100001`);
    const { connections } = await storyOf(pcap([...first, ...second]));
    assert.deepEqual(
      connections.map(({ stream, closing }) => [stream, closing]),
      [
        [0, 'reset'],
        [1, 'refused'],
      ],
    );
    assert.deepEqual(remarks(connections[1]!), ['reused-ports', 'refused']);
  });

  test('one of many is kept, the others only counted', async () => {
    const frames: Timed[] = [];
    for (let i = 0; i < 50; i++)
      frames.push(
        packetOf('0 > S 0', 4, { a: 1000 + i, b: 80 }),
        packetOf('1 > S 0', 4, { a: 1000 + i, b: 80 }),
      );
    const story = await storyOf(pcap(frames), { stream: 7 });
    assert.deepEqual(
      story.connections.map(({ stream, a }) => [stream, a.port]),
      [[7, 1007]],
    );
    assert.equal(story.connectionCount, 50);
    assert.equal(story.counts.get('retransmission'), 50);
    const few = await storyOf(pcap(frames), { connections: 3 });
    assert.equal(few.connections.length, 3);
  });

  test('rows are bounded: the beginning and the latest', async () => {
    const lines = [HANDSHAKE.trim()];
    for (let i = 0; i < 100; i++) lines.push(`${1 + i} > A ${1 + 10 * i} a1 [10]`);
    const { connections } = await storyOf(pcap(packetsOf(lines.join('\n'))), { firstRows: 5, lastRows: 4 });
    const [c] = connections;
    assert.deepEqual([c!.rows.first.length, c!.rows.last.length, c!.rowsOmitted], [5, 4, 94]);
    assert.equal(c!.rows.last.at(-1)!.segment!.seq, 991);
    assert.match(connectionText(c!, {}).join('\n'), /94 rows not shown/);
  });
});

describe('text', () => {
  for (const lang of ['en', 'zh'] as const) {
    test(`lines of at most 100 columns, the story and its rules: ${lang}`, async () => {
      const c = await connectionOf(`${HANDSHAKE}
        0.030 > PA 1 a1 [100]
        0.250 > PA 1 a1 [100]
        0.260 < FA 1 a101
        0.270 > FA 101 a2
        0.280 < A 2 a102`);
      const lines = connectionText(c, { lang, teaching: true });
      for (const line of lines) {
        assert.ok(displayWidth(line) <= 100, `${displayWidth(line)}: ${line}`);
      }
      const text = lines.join('\n');
      for (const word of ['RFC 6298 §5', 'RFC9293 §3.6', 'TIME-WAIT', '0.220'])
        assert.ok(text.includes(word), word);
      assert.equal(/[一-龥]/.test(text), lang === 'zh');
    });
  }

  test('the document holds what the text says', async () => {
    const c = await connectionOf(`${HANDSHAKE}
      0.030 > RA 1 a1`);
    const document = JSON.parse(JSON.stringify(connectionDocument(c, 'en')));
    assert.deepEqual(
      [document.opening, document.closing, document.a.endpoint],
      ['handshake', 'reset', '10.0.0.1:40000'],
    );
    assert.equal(document.remarks[0].rule, 'RFC9293 §3.5.3, §3.10.5');
    assert.equal(document.rows.length, 5);
  });
});

test('any order of any segments is told without an error', async () => {
  for (let seed = 1; seed <= 80; seed++) {
    const random = new Random(seed);
    const lines: string[] = [];
    for (let i = 0; i < 40; i++) {
      const flags = ['S', 'SA', 'A', 'PA', 'FA', 'R', 'RA', 'F', '-', 'SFRPAU'][random.int(0, 9)];
      const payload = random.chance(0.5) ? ` [${random.int(1, 30)}]` : '';
      const spoilt = random.chance(0.05) ? ' !' : '';
      lines.push(
        `${i / 100} ${random.chance(0.5) ? '>' : '<'} ${flags} ${random.int(0, 60)} a${random.int(0, 60)} w${random.int(0, 3)}${payload}${spoilt}`,
      );
    }
    const { connections } = await storyOf(pcap(packetsOf(lines.join('\n'), random.chance(0.5) ? 4 : 6)));
    for (const connection of connections) {
      assert.doesNotThrow(() => connectionText(connection, { lang: 'zh', teaching: true }), `seed ${seed}`);
    }
  }
});
