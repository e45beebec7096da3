// The user calls in every state: RFC 9293 §3.10.1 to §3.10.6.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Connection } from '../../src/tcp/connection.js';
import { Bench } from '../tcp/harness.js';

const WAYS: Record<string, () => Bench> = {
  'SYN-SENT': () => Bench.synSent(),
  'SYN-RECEIVED': () => Bench.synReceived(),
  ESTABLISHED: () => Bench.established(),
  'FIN-WAIT-1': () => Bench.established().shutdown(),
  'FIN-WAIT-2': () => Bench.established().shutdown().peer('A 1 a2'),
  'CLOSE-WAIT': () => Bench.accepted().peer('FA 1 a1'),
  CLOSING: () => Bench.established().shutdown().peer('FA 1 a1'),
  'LAST-ACK': () => Bench.accepted().peer('FA 1 a1').shutdown(),
  'TIME-WAIT': () => Bench.established().shutdown().peer('FA 1 a2'),
};

const reach = (state: string) => {
  const bench = WAYS[state]!();
  bench.advance(100);
  return bench.settled(state);
};

/** State after CLOSE, and the segment that it sends. */
const AFTER_CLOSE: Record<string, readonly [state: string, segment: string | null]> = {
  'SYN-SENT': ['CLOSED', null],
  'SYN-RECEIVED': ['FIN-WAIT-1', 'FA 1 a1'],
  ESTABLISHED: ['FIN-WAIT-1', 'FA 1 a1'],
  'FIN-WAIT-1': ['FIN-WAIT-1', null],
  'FIN-WAIT-2': ['FIN-WAIT-2', null],
  'CLOSE-WAIT': ['LAST-ACK', 'FA 1 a2'],
  CLOSING: ['CLOSING', null],
  'LAST-ACK': ['LAST-ACK', null],
  'TIME-WAIT': ['TIME-WAIT', null],
};

describe('CLOSE', () => {
  for (const [state, [after, segment]] of Object.entries(AFTER_CLOSE)) {
    for (const call of ['close', 'shutdownWrite'] as const) {
      test(`RFC9293 §3.10.4: ${call} in ${state} gives ${after}; a second one nothing`, () => {
        const bench = reach(state);
        bench.call((c, now) => c[call](now)).state(after);
        bench.expect(...(segment === null ? [] : [segment]));
        bench
          .call((c, now) => c[call](now))
          .state(after)
          .silent();
      });
    }
  }

  test('RFC9293 §3.10.4: closed in SYN-SENT, nothing is left, and the owner is told', () => {
    const bench = reach('SYN-SENT').close().events(['CLOSED'], ['ESTABLISHED']);
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
  });

  test('RFC9293 §3.10.4: closed in SYN-RECEIVED, the FIN goes behind the data already queued', () => {
    const bench = reach('SYN-RECEIVED');
    bench.queue(10);
    bench.shutdown().silent();
    bench.peer('A 1 a1');
    const fin = bench.history.find((s) => s.flags & 1)!;
    assert.equal(fin.seq + fin.payload.length, 11);
    bench.peer('A 1 a12').state('FIN-WAIT-2');
  });
});

/** Whether ABORT sends RST: in states where the peer may still count on the connection. */
const ABORT_RESETS: Record<string, boolean> = {
  'SYN-SENT': false,
  'SYN-RECEIVED': true,
  ESTABLISHED: true,
  'FIN-WAIT-1': true,
  'FIN-WAIT-2': true,
  'CLOSE-WAIT': true,
  CLOSING: false,
  'LAST-ACK': false,
  'TIME-WAIT': false,
};

describe('ABORT', () => {
  for (const [state, resets] of Object.entries(ABORT_RESETS)) {
    test(`RFC9293 §3.10.5: in ${state} it ${resets ? 'sends RST' : 'is silent'} and ends`, () => {
      const bench = reach(state);
      const { sndNxt } = bench.status;
      bench.abort().state('CLOSED').events(['CLOSED']);
      const sent = bench.take();
      assert.equal(sent.length, resets ? 1 : 0);
      if (resets) {
        assert.equal(sent[0]!.flags & 4, 4);
        assert.equal(sent[0]!.seq, sndNxt);
      }
      assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
      bench.abort().silent().events([], ['CLOSED']);
      bench.advance(1_000_000).silent();
    });
  }
});

describe('SEND', () => {
  const sends = ['SYN-SENT', 'SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT'];
  for (const state of Object.keys(WAYS)) {
    const may = sends.includes(state);
    test(`RFC9293 §3.10.2: in ${state} it ${may ? 'queues' : 'refuses'}`, () => {
      const bench = reach(state);
      assert.equal(bench.connection.sendSpace > 0, may);
      assert.equal(bench.queue(10), may ? 10 : 0);
    });
  }

  test('RFC9293 §3.10.2: queued in SYN-RECEIVED, sent in ESTABLISHED', () => {
    const bench = reach('SYN-RECEIVED');
    bench.write(10);
    bench.silent();
    bench.peer('A 1 a1').expect('A 1 a1 [10]');
  });

  test('RFC9293 §3.10.2: a full buffer takes what fits, and WRITABLE follows when there is room', () => {
    const bench = Bench.established({ config: { sendBufferBytes: 1000 } });
    assert.equal(bench.write(1500), 1000);
    assert.equal(bench.connection.sendSpace, 0);
    assert.equal(bench.write(1), 0);
    bench.events([], ['WRITABLE']);
    bench.peer('A 1 a1001').events(['WRITABLE', 'ALL_ACKNOWLEDGED']);
    assert.equal(bench.connection.sendSpace, 1000);
  });

  test('RFC9293 §3.10.2: no WRITABLE when nothing was refused', () => {
    const bench = Bench.established();
    bench.write(100);
    bench.peer('A 1 a101').events(['ALL_ACKNOWLEDGED'], ['WRITABLE']);
  });

  test('a sink that is full stops the connection, and nothing is lost', () => {
    const bench = Bench.established({ peer: { window: 60_000 } });
    let room = 0;
    const sink = {
      get writable() {
        return room > 0;
      },
      segment: (...args: Parameters<Bench['segment']>) => {
        room--;
        bench.segment(...args);
      },
    };
    bench.queue(5000);
    for (let i = 0; i < 5; i++) {
      room = 1;
      const done = bench.connection.pollTransmit(bench.now, sink);
      if (i < 4) assert.equal(done, false);
      assert.equal(bench.connection.wantsTransmit, i !== 4);
    }
    const sent = bench.take();
    assert.deepEqual(
      sent.map((s) => s.seq),
      [1, 1001, 2001, 3001, 4001],
    );
  });
});

describe('RECEIVE', () => {
  test('RFC9293 §3.10.3: at most what is asked for, in order, null when empty', () => {
    const bench = reach('ESTABLISHED');
    assert.equal(bench.connection.receive(10, bench.now), null);
    bench.peer('A 1 a1 [30]', 'A 31 a1 [20]');
    assert.equal(bench.connection.receiveQueueBytes, 50);
    assert.equal(bench.read(7), 7);
    assert.equal(bench.read(40), 40);
    assert.equal(bench.read(), 3);
    assert.equal(bench.connection.receive(10, bench.now), null);
  });

  test('RFC9293 §3.10.3: the array that is handed out belongs to the caller', () => {
    const bench = reach('ESTABLISHED');
    bench.peer('A 1 a1 [30]');
    const first = bench.connection.receive(10, bench.now)!;
    first.fill(0);
    const second = bench.connection.receive(100, bench.now)!;
    assert.equal(second.length, 20);
    assert.notDeepEqual(second, new Uint8Array(20));
  });
});

describe('Diffserv', () => {
  test('RFC9293 MUST-48 SHLD-21: the code point is set before and changed during the connection', () => {
    const bench = Bench.established({ config: { dscp: 10 } });
    assert.equal(bench.connection.dscp, 10);
    bench.call((c) => c.setDscp(46));
    assert.equal(bench.connection.dscp, 46);
  });
});

describe('STATUS', () => {
  test('RFC9293 §3.10.6: it tells the variables, relative to ISS and IRS', () => {
    const bench = Bench.established({ peer: { window: 5000 } });
    bench.write(1500);
    bench.peer('A 1 a1001 [300]', 'A 401 a1001 [100]');
    const status = bench.status;
    assert.equal(status.sndUna, 1001);
    assert.equal(status.sndWnd, 5000);
    assert.equal(status.rcvNxt, 301);
    assert.equal(status.receiveQueueBytes, 300);
    assert.equal(status.reassemblyBytes, 100);
    assert.equal(status.sendQueueBytes, 500);
    assert.equal(status.inFlight, status.sndNxt - status.sndUna);
    assert.equal(bench.connection.bytesAcknowledged, 1000);
    assert.equal(bench.connection.bytesReceived, 300);
  });

  test('RFC9293 §3.10.6: numbers of the beginning', () => {
    const connection = Bench.synSent({ iss: 0x7fffffff }).connection;
    assert.equal(connection instanceof Connection, true);
    assert.equal(connection.status().iss >>> 0, 0x7fffffff);
    assert.equal(connection.status().sndNxt, 1);
    assert.equal(connection.role, 'active');
  });
});
