// Buffers that follow the path, over whole stacks: the receive buffer grows with what the application takes in a round
// trip (receive-tuning.test.ts), the send buffer with what is in flight, both up to their limits.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sendCapacity } from '../../src/tcp/unsent.js';
import { VirtualWire, type WireOptions } from '../sim/virtual-wire.js';
import { Bench } from './harness.js';

const MIB = 1024 * 1024;

describe('receive buffer', () => {
  /** The window that the right end offers in the end, and the largest share of the path that was used in a round trip. */
  function run(options: WireOptions, roundTrips: number): { window: number; inRoundTrip: number } {
    const wire = new VirtualWire({ mtu: 65_535, delayMs: 25, queueBytes: 64e6, ...options });
    const transfer = wire.transfer();
    let inRoundTrip = 0;
    for (let i = 0; i < roundTrips; i++) {
      const before = transfer.sink.received;
      wire.run(50);
      inRoundTrip = Math.max(inRoundTrip, transfer.sink.received - before);
    }
    return { window: transfer.connection.snd.wnd, inRoundTrip };
  }

  test('10 Gbit/s at 50 ms fit into windows that may grow', () => {
    const room = { sendBufferMaxBytes: 192 * MIB, receiveBufferMaxBytes: 192 * MIB };
    const { window, inRoundTrip } = run({ rate: 10e9, left: room, right: room }, 13);
    assert.ok(window >= 62.5e6, `window of ${window}`);
    assert.ok(inRoundTrip > 62e6, `${inRoundTrip} bytes in a round trip`);
  });

  test('by default it grows to 16 MiB and no further', () => {
    const { window } = run({ rate: 10e9 }, 12);
    assert.ok(window > 16 * MIB - 1024 && window <= 16 * MIB, `window of ${window}`);
  });

  test('a buffer of a chosen size stays at it', () => {
    const { window } = run({ rate: 10e9, right: { receiveBufferBytes: 100_000 } }, 10);
    assert.ok(window <= 100_000, `window of ${window}`);
  });

  test('an application that does not read has no more than the buffer kept for it', () => {
    const wire = new VirtualWire({ rate: 1e9, delayMs: 10, queueBytes: 4e6 });
    const transfer = wire.transfer();
    transfer.sink.reads = false;
    wire.run(5000);
    const { receiveQueueBytes, reassemblyBytes } = transfer.sink.endpoint!.connection.status();
    assert.ok(receiveQueueBytes + reassemblyBytes <= 256 * 1024);
    assert.equal(transfer.connection.snd.wnd, 0);
  });
});

describe('send buffer', () => {
  test('it holds what is in flight, and behind it as much as at the beginning, however large the window is', () => {
    const wire = new VirtualWire({ rate: 1e9, delayMs: 10, queueBytes: 4e6 });
    const { connection } = wire.transfer();
    wire.run(400);
    assert.ok(connection.congestion.cwnd > 2e6 && connection.inFlight > 2e6);
    assert.equal(sendCapacity(connection), connection.inFlight + connection.config.sendBufferBytes);
    assert.ok(connection.sendBuffer!.length <= sendCapacity(connection));
  });

  test('on a way of less than a quarter of a millisecond it holds twice as much as at the beginning, whatever the window', () => {
    for (const [delayMs, isNear] of [
      [0.1, true],
      [0.3, false],
    ] as const) {
      const wire = new VirtualWire({ rate: 1e9, delayMs, queueBytes: 64e6 });
      const { connection } = wire.transfer();
      wire.run(500);
      const { cwnd } = connection.congestion;
      const most = 2 * connection.config.sendBufferBytes;
      assert.ok(cwnd > most, `${cwnd}`);
      assert.equal(sendCapacity(connection) <= most, isNear, `${delayMs} ms`);
      assert.equal(connection.inFlight <= most, isNear, `${delayMs} ms`);
    }
  });

  test('what is sent makes room for more, until as much is in flight as it may hold', () => {
    const bench = Bench.established({
      config: { sendBufferBytes: 8000, sendBufferMaxBytes: 24_000, initialWindowSegments: 100 },
      peer: { window: 60_000 },
    });
    bench.takeEvents();
    assert.equal(bench.write(20_000), 8000);
    bench.events(['WRITABLE']);
    assert.equal(bench.write(20_000), 8000);
    bench.events(['WRITABLE']);
    assert.equal(bench.write(20_000), 8000);
    bench.events([], ['WRITABLE']);
    assert.equal(bench.connection.tcpInfo(bench.now).limitedBy, 'send buffer');
    bench.peer('A 1 a2001').events(['WRITABLE']);
    assert.equal(bench.connection.tcpInfo(bench.now).limitedBy, 'application');
  });

  test('it never exceeds its limit: the application has to wait', () => {
    const sendBufferMaxBytes = 300_000;
    const wire = new VirtualWire({ rate: 1e9, delayMs: 10, queueBytes: 4e6, left: { sendBufferMaxBytes } });
    const { connection, source } = wire.transfer();
    for (let i = 0; i < 400; i++) {
      wire.run(1);
      assert.ok((connection.sendBuffer?.length ?? 0) <= sendBufferMaxBytes);
    }
    assert.ok(source.written > 3e6, `${source.written} bytes written`);
  });

  test('a buffer that is as large as the path needs carries three quarters of it in each round trip', () => {
    // 1 Gbit/s at 20 ms: 2.5 MB. The application writes when it is told that it may.
    const sendBufferBytes = 2_500_000;
    const wire = new VirtualWire({ rate: 1e9, delayMs: 10, queueBytes: 4e6, left: { sendBufferBytes } });
    const transfer = wire.transfer();
    wire.run(400);
    const before = transfer.sink.received;
    wire.run(400);
    const share = (transfer.sink.received - before) / (125_000 * 400);
    assert.ok(share > 0.74, `${share} of the path`);
  });

  test('who could not write before the end, or tries after it, is not told of room', () => {
    const bench = Bench.established({ config: { sendBufferBytes: 8000 }, peer: { window: 1000 } });
    bench.takeEvents();
    assert.equal(bench.write(20_000), 8000);
    bench.peer('R 1').events(['CLOSED'], ['WRITABLE']);
    for (const bytes of [0, 1000]) {
      assert.equal(bench.write(bytes), 0);
      // Its owner asks whenever something was called, whether there is something to send or not.
      bench.connection.pollTransmit(bench.now, null as never);
      bench.events([], ['WRITABLE']);
    }
  });

  test('before anything is in flight it holds what it holds at the beginning', () => {
    const config = { initialWindowSegments: 10, sendBufferBytes: 4000, sendBufferMaxBytes: 100_000 };
    assert.equal(Bench.established({ config }).connection.sendSpace, 4000);
  });

  test('WRITABLE comes once there is room for a quarter, and once only', () => {
    const bench = Bench.established({ config: { sendBufferBytes: 8000 }, peer: { window: 20_000 } });
    assert.equal(bench.write(20_000), 8000);
    bench.takeEvents();
    bench.peer('A 1 a1001').events([], ['WRITABLE']);
    bench.peer('A 1 a2001').events(['WRITABLE']);
    bench.peer('A 1 a3001').events([], ['WRITABLE']);
  });
});
