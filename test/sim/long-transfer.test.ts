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

/** One such connection. */
class LongTransfer {
  private readonly wire: VirtualWire;
  private readonly transfer: Transfer;

  constructor(config: Partial<ConnectionConfig>) {
    const path = { mtu: MTU, delayMs: RTT_MS / 2, rate: RATE, queueBytes: QUEUE_BYTES };
    this.wire = new VirtualWire({ ...path, left: config, right: config });
    this.transfer = this.wire.transfer();
  }

  /** What the sender has gone through so far. */
  get counts() {
    const { retransmissions, rtx } = this.transfer.connection;
    return { resent: retransmissions, timeouts: rtx.tally.timeouts };
  }

  /** Lets the transfer come to that many bytes. */
  runTo(bytes: number): void {
    const { wire, transfer } = this;
    assert.ok(
      wire.run(60_000, () => transfer.sink.received >= bytes),
      `stuck at ${transfer.sink.received} of ${bytes} bytes: ${JSON.stringify(transfer.connection.status())}`,
    );
  }

  /** One segment is lost, and repaired. */
  loseOne(): void {
    const { wire, transfer } = this;
    const caState = () => transfer.connection.tcpInfo(wire.clock.now()).caState;
    const remove = wire.wire.addRule('drop dir=out len=>0 nth=1');
    assert.ok(wire.run(1000, () => caState() !== 'open'));
    assert.ok(wire.run(1000, () => caState() === 'open'));
    remove();
  }

  /** The reader stops for a second, and reads on. */
  stopReading(): void {
    const { sink, connection } = this.transfer;
    sink.reads = false;
    this.wire.run(1000);
    assert.equal(connection.snd.wnd, 0);
    sink.reads = true;
    sink.read();
    this.runTo(sink.received + 16 * MIB);
  }
}

describe('4.6 GiB over one connection', () => {
  for (const { name, config } of KINDS) {
    test(`RFC9293 §3.4: with ${name}, a loss costs one retransmission at any age, a closed window one, and no timeout`, () => {
      const transfer = new LongTransfer(config);
      let resent = 0;
      for (const at of FAULTS) {
        transfer.runTo(at * GIB);
        transfer.loseOne();
        assert.deepEqual(transfer.counts, { resent: ++resent, timeouts: 0 }, `a loss at ${at} GiB`);
        // What was thrown at the window when it closed is sent again.
        transfer.stopReading();
        assert.deepEqual(transfer.counts, { resent: ++resent, timeouts: 0 }, `a closed window at ${at} GiB`);
      }
    });
  }
});
