// A connection that lasts: more than 2 GiB go well, twice, and then comes a fault that is to be repaired as at the beginning. By
// then a number that was noted at the last fault lies ahead of those in use, and numbers have come past the first one again.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConnectionConfig } from '../../src/tcp/config.js';
import { type Transfer, VirtualWire } from './virtual-wire.js';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
/** Where there are faults, in GiB. */
const FAULTS = [0.02, 2.2, 4.6];
const RTT_MS = 10;
/** Few packets for much data: the greatest that IP has. */
const MTU = 65_535;
const RATE = 40e9;
const QUEUE_BYTES = (2 * RATE * RTT_MS) / 8000;

interface Kind {
  readonly name: string;
  readonly config: Partial<ConnectionConfig>;
}

const KINDS: readonly Kind[] = [
  { name: 'SACK and timestamps', config: { sack: true, timestamps: true } },
  { name: 'neither SACK nor timestamps', config: { sack: false, timestamps: false } },
];

/** What the sender has gone through so far. */
function countsOf({ connection }: Transfer) {
  const { retransmissions, rtx } = connection;
  return { resent: retransmissions, timeouts: rtx.tally.timeouts };
}

for (const { name, config } of KINDS) {
  describe(`4.6 GiB over one connection with ${name}`, () => {
    const wire = new VirtualWire({
      mtu: MTU,
      delayMs: RTT_MS / 2,
      rate: RATE,
      queueBytes: QUEUE_BYTES,
      left: config,
      right: config,
    });
    const transfer = wire.transfer();
    let last = { resent: 0, timeouts: 0 };

    const caState = () => transfer.connection.tcpInfo(wire.clock.now()).caState;

    /** Lets the transfer come to that many bytes. */
    function runTo(bytes: number): void {
      assert.ok(
        wire.run(60_000, () => transfer.sink.received >= bytes),
        `stuck at ${transfer.sink.received} of ${bytes} bytes: ${JSON.stringify(transfer.connection.status())}`,
      );
    }

    for (const at of FAULTS) {
      test(`RFC9293 §3.4: at ${at} GiB one lost segment costs one retransmission and no timeout`, () => {
        runTo(at * GIB);
        last = countsOf(transfer);
        const remove = wire.wire.addRule('drop dir=out len=>0 nth=1');
        assert.ok(wire.run(1000, () => caState() !== 'open'));
        assert.ok(wire.run(1000, () => caState() === 'open'));
        remove();
        assert.deepEqual(countsOf(transfer), { resent: last.resent + 1, timeouts: last.timeouts });
      });

      test(`RFC9293 §3.8.6: at ${at} GiB a reader that stops and reads on`, () => {
        const { sink } = transfer;
        last = countsOf(transfer);
        sink.reads = false;
        wire.run(1000);
        assert.equal(transfer.connection.snd.wnd, 0);
        sink.reads = true;
        sink.read();
        runTo(sink.received + 16 * MIB);
        assert.equal(countsOf(transfer).timeouts, last.timeouts);
      });
    }

    test('nothing else was sent again', () => {
      // One for each loss, and one for each window that closed over what was in flight.
      assert.deepEqual(countsOf(transfer), { resent: 2 * FAULTS.length, timeouts: 0 });
      assert.equal(transfer.connection.error, null);
    });
  });
}
