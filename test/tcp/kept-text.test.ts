// Text that stays where the link has read it, and text that is copied: whoever reads a little must pin no large memory.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ACK, type SegmentView } from '../../src/wire/segment.js';
import { Bench } from './harness.js';

const LEAST = 60_000;
const MOST_UNREAD = 262_144;

/** ESTABLISHED, with room for a megabyte. */
function roomy(): Bench {
  return Bench.accepted({
    config: { receiveBufferBytes: 1_000_000, windowScale: 7 },
    peer: { options: 'mss 1000, ws 7' },
  });
}

/** Text of `length` octets arrives in order; tells whether it was kept, and the memory that it came in. */
function arrive(
  bench: Bench,
  length: number,
  mayBeKept: boolean,
): { isKept: boolean; memory: ArrayBufferLike } {
  const { rcv, snd } = bench.connection;
  let view: SegmentView | null = null;
  bench.injectRaw(
    { flags: ACK, seq: rcv.nxt, ack: snd.una, wnd: 1000, urgent: 0, payload: new Uint8Array(length) },
    (filled) => {
      view = filled;
      filled.mayBeKept = mayBeKept;
      filled.isKept = false;
    },
  );
  return { isKept: view!.isKept, memory: view!.bytes.buffer };
}

function memoryOfNext(bench: Bench): ArrayBufferLike {
  return bench.connection.receive(1_000_000, bench.now)!.buffer;
}

describe('text that arrives', () => {
  test('stays where it is when it is much, and the link lets it', () => {
    const bench = roomy();
    const { isKept, memory } = arrive(bench, LEAST, true);
    assert.equal(isKept, true);
    assert.equal(bench.connection.receiveQueueBytes, LEAST);
    assert.equal(memoryOfNext(bench), memory);
  });

  test('is copied when it is less, or when the link reads into the same memory again', () => {
    for (const [length, mayBeKept] of [
      [LEAST - 1, true],
      [LEAST, false],
    ] as const) {
      const bench = roomy();
      const { isKept, memory } = arrive(bench, length, mayBeKept);
      assert.equal(isKept, false);
      assert.equal(bench.connection.receiveQueueBytes, length);
      assert.notEqual(memoryOfNext(bench), memory);
    }
  });

  /** So much arrives, and stays unread. */
  function leave(bench: Bench, unread: number): void {
    for (let left = unread; left > 0; left -= LEAST) {
      arrive(bench, Math.min(left, LEAST), false);
      bench.flush();
    }
    assert.equal(bench.connection.receiveQueueBytes, unread);
  }

  test('is copied for a reader that has left much unread', () => {
    for (const [unread, expected] of [
      [MOST_UNREAD, true],
      [MOST_UNREAD + 1, false],
    ] as const) {
      const bench = roomy();
      leave(bench, unread);
      assert.equal(arrive(bench, LEAST, true).isKept, expected, `${unread} octets`);
    }
  });

  test('stays where it is however much is unread when it is most of what it pins', () => {
    for (const [length, expected] of [
      [MOST_UNREAD - 1, false],
      [MOST_UNREAD, true],
    ] as const) {
      const bench = roomy();
      leave(bench, MOST_UNREAD + 1);
      assert.equal(arrive(bench, length, true).isKept, expected, `${length} octets`);
    }
  });
});
