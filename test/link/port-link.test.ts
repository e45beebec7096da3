// Batches of a port on their way to a receiver: when several are announced as one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PortLink } from '../../src/link/port-link.js';
import { SLAB_BYTES } from '../../src/link/read-memory.js';
import { CONTROL_ERROR, EVENT_PACKETS, type PacketPort } from '../../src/native/binding.js';
import { type LinkReceiver, NO_OFFLOAD, type PacketBatch, PacketIds } from '../../src/stack/link.js';

const MUCH = SLAB_BYTES / 2;
const ENODEV = 19;

/** A link whose port has what the test puts into it: the octets of batches of one packet each. */
class TestPortLink extends PortLink {
  readonly name = 'port0';
  readonly mtu = 1500;
  readonly offload = NO_OFFLOAD;
  readonly waiting: number[] = [];
  errno = 0;
  protected readonly port: PacketPort;

  constructor() {
    super('ip', new PacketIds());
    const nothing = () => {};
    this.port = {
      index: 1,
      startReading: nothing,
      stopReading: nothing,
      useSlab: nothing,
      pull: () => this.take(),
      flush: () => 0,
      ref: nothing,
      unref: nothing,
      close: nothing,
    };
  }

  /** The event loop finds that the port is readable. */
  poll(): void {
    if (this.take() > 0) this.memory.onEvent(EVENT_PACKETS, 1);
  }

  protected lost(errno: number): Error {
    return new Error(`errno ${errno}`);
  }

  private take(): number {
    const length = this.waiting.shift();
    this.memory.control[CONTROL_ERROR] = length === undefined ? this.errno : 0;
    if (length === undefined) return 0;
    this.memory.table[this.memory.table.length / 3] = length;
    return 1;
  }
}

/** What it got: the octets of each batch, with a plus when more was announced, and a stop when nothing came. */
class Receiver implements LinkReceiver {
  readonly heard: string[] = [];
  readonly failures: string[] = [];
  readonly caughtUp?: () => void;

  constructor(waits = true) {
    if (waits) this.caughtUp = () => this.heard.push('.');
  }

  receive(batch: PacketBatch): void {
    this.heard.push(`${batch.lengths[0]}${batch.more === true ? '+' : ''}`);
  }

  writable(): void {}

  failed(error: Error): void {
    this.failures.push(error.message);
  }
}

function make(receiver = new Receiver()) {
  const link = new TestPortLink();
  link.start(receiver);
  return { link, receiver };
}

describe('batches of a port', () => {
  test('behind much the rest is looked for, and its end is told', () => {
    const { link, receiver } = make();
    link.waiting.push(MUCH);
    link.poll();
    assert.deepEqual(receiver.heard, [`${MUCH}+`, '.']);
  });

  test('little ends it, as it announces nothing', () => {
    const { link, receiver } = make();
    link.waiting.push(MUCH, MUCH - 1, MUCH);
    link.poll();
    assert.deepEqual(receiver.heard, [`${MUCH}+`, `${MUCH - 1}`]);
    assert.deepEqual(link.waiting, [MUCH]);
  });

  test('four are one at most', () => {
    const { link, receiver } = make();
    link.waiting.push(...new Array(6).fill(MUCH));
    link.poll();
    assert.deepEqual(receiver.heard, [`${MUCH}+`, `${MUCH}+`, `${MUCH}+`, `${MUCH}`]);
    assert.equal(link.pull(), 1);
    assert.deepEqual(receiver.heard.slice(4), [`${MUCH}+`, `${MUCH}+`, '.']);
    assert.equal(link.stats.packetsIn, 6);
    assert.equal(link.stats.bytesIn, 6 * MUCH);
  });

  test('who does not wait is told of none', () => {
    const { link, receiver } = make(new Receiver(false));
    link.waiting.push(MUCH, MUCH);
    link.poll();
    assert.deepEqual(receiver.heard, [`${MUCH}`]);
    assert.equal(link.pull(), 1);
    assert.deepEqual(receiver.heard, [`${MUCH}`, `${MUCH}`]);
  });

  test('a device that goes meanwhile: what waits is done first, then its end is told, once', async () => {
    const { link, receiver } = make();
    link.waiting.push(MUCH);
    link.errno = ENODEV;
    link.poll();
    assert.deepEqual(receiver.heard, [`${MUCH}+`, '.']);
    assert.deepEqual(receiver.failures, []);
    await new Promise(setImmediate);
    assert.deepEqual(receiver.failures, [`errno ${ENODEV}`]);
  });
});
