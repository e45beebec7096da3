// The two stores of a connection's bytes against a plain array: what is written is what is read, in whatever pieces.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BlockPool, LARGE_BLOCK, SMALL_BLOCK } from '../../src/tcp/block-pool.js';
import { ReceiveQueue } from '../../src/tcp/receive-queue.js';
import { SendBuffer } from '../../src/tcp/send-buffer.js';
import { PayloadPieces } from '../../src/wire/payload.js';
import { Random } from './random.js';

/** Bytes that differ from their neighbours for a long way. */
function bytesFrom(start: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((start + i) * 2654435761) >>> 24);
}

const SIZES = [0, 1, 2, 7, 100, 255, 256, 257, 1000, 1023, 1024, 1025, 4000, 4096, 5000];

describe('SendBuffer', () => {
  for (let seed = 1; seed <= 12; seed++) {
    test(`gives any range of what it keeps, across acknowledgments and the wrap (seed ${seed})`, () => {
      const random = new Random(seed);
      const origin = random.pick([0, 0x7ffff000, -5000, 123]);
      const buffer = new SendBuffer(origin);
      const pieces = new PayloadPieces();
      let written = 0;
      let acknowledged = 0;
      for (let step = 0; step < 400; step++) {
        const kept = written - acknowledged;
        if (random.chance(0.4)) {
          const size = random.pick(SIZES);
          const bytes = bytesFrom(written, size);
          if (random.chance(0.5)) {
            buffer.append(bytes);
          } else {
            buffer.appendCopy(bytes, 0, size);
            bytes.fill(0);
          }
          written += size;
        } else if (random.chance(0.3)) {
          // Also numbers that were acknowledged before, which change nothing.
          const by = random.chance(0.1) ? -random.int(0, 10) : random.int(0, kept);
          buffer.acknowledge((origin + acknowledged + by) | 0);
          acknowledged += Math.max(0, by);
        } else if (kept > 0) {
          const from = random.int(0, kept - 1);
          const length = random.int(1, Math.min(kept - from, 3000));
          pieces.clear();
          buffer.gather((origin + acknowledged + from) | 0, length, pieces);
          const got = new Uint8Array(length);
          pieces.copyTo(got, 0);
          assert.equal(pieces.total, length);
          assert.deepEqual(got, bytesFrom(acknowledged + from, length), `step ${step}`);
        }
        assert.deepEqual([buffer.start, buffer.end], [(origin + acknowledged) | 0, (origin + written) | 0]);
        assert.equal(buffer.length, written - acknowledged);
      }
    });
  }

  test('keeps long chunks by reference, and gathers short ones into few', () => {
    const buffer = new SendBuffer(0);
    const pieces = new PayloadPieces();
    const long = bytesFrom(0, 1024);
    buffer.append(long);
    buffer.gather(0, 1024, pieces);
    assert.equal(pieces.bytes[0], long);
    const short = new SendBuffer(0);
    for (let i = 0; i < 500; i++) short.append(bytesFrom(i, 1));
    pieces.clear();
    short.gather(0, 500, pieces);
    assert.equal(pieces.count, 1);
    const copied = bytesFrom(0, 10);
    const own = new SendBuffer(0);
    own.append(copied);
    copied.fill(0);
    pieces.clear();
    own.gather(0, 10, pieces);
    const got = new Uint8Array(10);
    pieces.copyTo(got, 0);
    assert.deepEqual(got, bytesFrom(0, 10), 'what the user may change was copied');
  });

  test('has a bound for what it remembers of bytes that are gone, and remembers nothing when all are', () => {
    const buffer = new SendBuffer(0);
    const slots = () => (buffer as unknown as { chunks: readonly unknown[] }).chunks.length;
    const chunk = bytesFrom(0, 1024);
    let most = 0;
    // Something is always under way, so that there is never a moment to begin anew.
    for (const inFlight of [1, 100]) {
      for (let i = 0; i < 1000; i++) {
        buffer.append(chunk);
        if (buffer.length > inFlight * 1024) buffer.acknowledge((buffer.start + 1024) | 0);
        most = Math.max(most, slots());
      }
      assert.ok(most <= Math.max(2 * inFlight, inFlight + 63), `${most} slots for ${inFlight} chunks`);
    }
    buffer.acknowledge(buffer.end);
    assert.equal(slots(), 0);
    buffer.append(chunk);
    buffer.acknowledge(buffer.end);
    assert.equal(slots(), 0, 'of one as of many');
  });

  test('goes on behind what was acknowledged whole', () => {
    const buffer = new SendBuffer(0);
    for (let i = 0; i < 300; i++) {
      buffer.append(bytesFrom(2000 * i, 2000));
      if (i >= 2) buffer.acknowledge(2000 * (i - 1));
    }
    buffer.acknowledge(buffer.end);
    assert.equal(buffer.length, 0);
    buffer.append(bytesFrom(5, 10));
    const pieces = new PayloadPieces();
    buffer.gather(buffer.start, 10, pieces);
    const got = new Uint8Array(10);
    pieces.copyTo(got, 0);
    assert.deepEqual(got, bytesFrom(5, 10));
  });
});

describe('what a segment is made of', () => {
  test('ends with a chunk, begins with the next one: no piece is empty', () => {
    const buffer = new SendBuffer(0);
    for (let i = 0; i < 3; i++) buffer.append(bytesFrom(2000 * i, 2000));
    const pieces = new PayloadPieces();
    for (let i = 0; i < 3; i++) {
      pieces.clear();
      buffer.gather(2000 * i, 2000, pieces);
      assert.deepEqual(pieces.lengths.slice(0, pieces.count), [2000]);
    }
  });

  test('goes on behind each single byte that is acknowledged', () => {
    const buffer = new SendBuffer(0);
    const pieces = new PayloadPieces();
    buffer.appendCopy(bytesFrom(0, 10), 0, 10);
    for (let i = 1; i < 10; i++) {
      buffer.acknowledge(i);
      assert.deepEqual([buffer.start, buffer.length], [i, 10 - i]);
      pieces.clear();
      buffer.gather(i, 10 - i, pieces);
      const got = new Uint8Array(10 - i);
      pieces.copyTo(got, 0);
      assert.deepEqual(got, bytesFrom(i, 10 - i));
    }
  });
});

describe('BlockPool', () => {
  function counting() {
    const made: number[] = [];
    const pool = new BlockPool((bytes) => {
      made.push(bytes);
      return new Uint8Array(bytes);
    });
    return { made, pool };
  }

  test('a sender whose data is acknowledged makes no memory, however much it sends', () => {
    const { made, pool } = counting();
    const buffer = new SendBuffer(0, pool);
    const bytes = bytesFrom(0, 65_536);
    for (let i = 0; i < 1000; i++) {
      buffer.appendCopy(bytes, 0, bytes.length);
      if (i >= 3) buffer.acknowledge((buffer.end - 3 * 65_536) | 0);
    }
    assert.ok(made.length <= 6, `${made.length} blocks`);
    buffer.acknowledge(buffer.end);
    const other = new SendBuffer(0, pool);
    const before = made.length;
    for (let i = 0; i < before; i++) other.appendCopy(bytes, 0, bytes.length);
    assert.equal(made.length, before, 'the next connection goes on with the same');
  });

  test('large blocks come from a source as long as it has some, and go back to it', () => {
    const own: Uint8Array[] = [new Uint8Array(LARGE_BLOCK), new Uint8Array(LARGE_BLOCK)];
    const stock = [...own];
    const made: number[] = [];
    const source = {
      take: () => stock.pop() ?? null,
      give: (block: Uint8Array) => own.includes(block) && stock.push(block) > 0,
      isFaster: false,
    };
    const pool = new BlockPool((bytes) => {
      made.push(bytes);
      return new Uint8Array(bytes);
    }, source);
    assert.ok(!own.includes(pool.take(SMALL_BLOCK)));
    const taken = [pool.take(LARGE_BLOCK), pool.take(LARGE_BLOCK), pool.take(LARGE_BLOCK)];
    assert.deepEqual(
      taken.map((block) => own.includes(block)),
      [true, true, false],
    );
    assert.deepEqual(made, [SMALL_BLOCK, LARGE_BLOCK]);
    for (const block of taken) pool.give(block);
    assert.equal(stock.length, 2);
    for (let i = 0; i < 3; i++) pool.take(LARGE_BLOCK);
    assert.equal(made.length, 2, 'the one that is not of the source serves again as well');
  });

  test('of what a connection leaves behind only a source takes blocks back: packets may refer to them', () => {
    const own = new Uint8Array(LARGE_BLOCK);
    const stock = [own];
    const source = {
      take: () => stock.pop() ?? null,
      give: (block: Uint8Array) => block === own && stock.push(own) > 0,
      isFaster: false,
    };
    let made = 0;
    const pool = new BlockPool((bytes) => new Uint8Array(bytes + 0 * made++), source);
    const buffer = new SendBuffer(0, pool);
    const bytes = bytesFrom(0, 100_000);
    buffer.appendCopy(bytes, 0, bytes.length);
    assert.deepEqual([stock.length, made], [0, 1]);
    buffer.discard();
    assert.deepEqual([stock.length, buffer.length], [1, 0]);
    pool.take(LARGE_BLOCK);
    pool.take(LARGE_BLOCK);
    assert.equal(made, 2);
  });

  test('what is given or lent is copied while blocks leave faster', () => {
    const source = { take: () => null, give: () => false, isFaster: false };
    const buffer = new SendBuffer(0, new BlockPool(undefined, source));
    const bytes = bytesFrom(0, 5000);
    const pieces = new PayloadPieces();
    const refers = (from: number) => {
      pieces.clear();
      buffer.gather(from, 1000, pieces);
      return pieces.bytes[0] === bytes;
    };
    buffer.append(bytes);
    source.isFaster = true;
    buffer.append(bytes);
    buffer.appendBorrowed(bytes);
    bytes.fill(0);
    assert.deepEqual([0, 5000, 10_000].map(refers), [true, false, false]);
    pieces.clear();
    buffer.gather(5000, 10_000, pieces);
    const kept = new Uint8Array(10_000);
    pieces.copyTo(kept, 0);
    assert.deepEqual(kept, Uint8Array.of(...bytesFrom(0, 5000), ...bytesFrom(0, 5000)));
  });

  test('few bytes take little, and nothing once they are acknowledged', () => {
    const { made, pool } = counting();
    const buffers = Array.from({ length: 100 }, () => new SendBuffer(0, pool));
    for (const buffer of buffers) buffer.appendCopy(bytesFrom(0, 100), 0, 100);
    assert.deepEqual(new Set(made), new Set([2048]));
    for (const buffer of buffers) buffer.acknowledge(100);
    for (const buffer of buffers) buffer.append(bytesFrom(0, 100));
    assert.equal(made.length, 100);
  });

  test('two small blocks are enough for little; who has more waiting than they hold gets large ones', () => {
    const { made, pool } = counting();
    const buffer = new SendBuffer(0, pool);
    for (let i = 0; i < 4; i++) buffer.appendCopy(bytesFrom(0, 2048), 0, 2048);
    assert.deepEqual(made, [2048, 2048, 2048, 65_536]);
  });

  test('never gets what belongs to the application', () => {
    const { pool } = counting();
    const buffer = new SendBuffer(0, pool);
    const theirs = bytesFrom(0, 65_536);
    buffer.append(theirs);
    buffer.acknowledge(65_536);
    assert.notEqual(pool.take(65_536), theirs);
  });

  test('keeps no more of what nobody needs than it says', () => {
    const { made, pool } = counting();
    const blocks = Array.from({ length: 400 }, () => pool.take(65_536));
    for (const block of blocks) pool.give(block);
    for (let i = 0; i < 400; i++) pool.take(65_536);
    assert.equal(made.length, 400 + (400 - 256));
  });
});

/** Both queues of one kind, and the bytes that should be in it. */
class Model {
  readonly queue: ReceiveQueue;
  bytes: number[] = [];
  allocated = 0;
  /** Memory of others in which the queue keeps something, and a copy of how it was. */
  readonly kept: [Uint8Array, Uint8Array][] = [];

  constructor(smallBlock?: number) {
    const allocate = (size: number) => {
      this.allocated += size;
      return new Uint8Array(size).fill(0xee);
    };
    this.queue =
      smallBlock === undefined ? new ReceiveQueue(allocate) : new ReceiveQueue(allocate, smallBlock);
  }

  push(bytes: Uint8Array): void {
    const slab = new Uint8Array(bytes.length + 9);
    slab.set(bytes, 5);
    this.queue.push(slab, 5, bytes.length);
    slab.fill(0xdd);
    this.bytes.push(...bytes);
  }

  keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const slab = new Uint8Array(bytes.length + 9).fill(0xdd);
    slab.set(bytes, 5);
    this.kept.push([slab, slab.slice()]);
    this.queue.keep(slab, 5, bytes.length);
    this.bytes.push(...bytes);
  }

  take(max: number): Uint8Array | null {
    const view = this.queue.take(max);
    if (view === null) {
      assert.ok(this.bytes.length === 0 || max <= 0, 'null only when there is nothing to give');
      return null;
    }
    assert.ok(view.length > 0 && view.length <= max);
    assert.deepEqual([...view], this.bytes.splice(0, view.length));
    return view;
  }
}

describe('ReceiveQueue', () => {
  test('ATTACKS 37: the little that is copied between large pieces that are kept takes little memory', () => {
    const piece = new Uint8Array(65_536);
    let allocated = 0;
    const own = new ReceiveQueue((size) => {
      allocated += size;
      return new Uint8Array(size);
    });
    for (let i = 0; i < 100; i++) {
      own.keep(piece, 0, piece.length);
      own.push(piece, 0, 800);
    }
    assert.ok(allocated <= 100 * 4096, `${allocated} bytes for 80,000`);
  });

  for (let seed = 1; seed <= 12; seed++) {
    test(`gives what it took, also by way of another queue (seed ${seed})`, () => {
      const random = new Random(seed);
      const main = new Model(random.pick([16, 64, undefined]));
      let next = 0;
      const some = () => {
        const size = random.pick(SIZES.slice(0, 11));
        next += size;
        return bytesFrom(next - size, size);
      };
      const views: [Uint8Array, number[]][] = [];
      for (let step = 0; step < 300; step++) {
        const act = random.next();
        if (act < 0.3) main.push(some());
        else if (act < 0.4) main.keep(some());
        else if (act < 0.5) {
          const other = new Model(16);
          for (let i = random.int(0, 3); i > 0; i--) {
            if (random.chance(0.5)) other.push(some());
            else {
              const front = some();
              other.queue.prepend(front, 0, front.length);
              other.bytes.unshift(...front);
            }
          }
          main.queue.adopt(other.queue);
          main.bytes.push(...other.bytes);
          assert.deepEqual([other.queue.length, other.queue.take(1)], [0, null]);
        } else if (act < 0.55) {
          const length = random.int(-1, main.bytes.length + 1);
          main.queue.truncate(length);
          main.bytes.length = Math.max(0, Math.min(length, main.bytes.length));
        } else if (act < 0.6) {
          const n = random.int(0, main.bytes.length + 3);
          main.queue.skip(n);
          main.bytes.splice(0, n);
        } else {
          const view = main.take(random.pick([0, 1, 5, 100, 5000]));
          if (view !== null) views.push([view, [...view]]);
        }
        assert.equal(main.queue.length, main.bytes.length, `step ${step}`);
      }
      while (main.bytes.length > 0) main.take(10_000);
      assert.equal(main.queue.take(1), null);
      for (const [view, then] of views)
        assert.deepEqual([...view], then, 'what was handed out is never written again');
      for (const [slab, before] of main.kept) assert.deepEqual(slab, before, 'kept memory is not written');
    });
  }

  test('a trickle of bytes pins a small block, bulk gets blocks twice as large each time, up to 64 KiB', () => {
    const trickle = new Model();
    for (let i = 0; i < 100; i++) trickle.push(bytesFrom(i, 20));
    assert.equal(trickle.allocated, 2048);
    const bulk = new Model();
    const sizes: number[] = [];
    for (let i = 0; i < 400; i++) {
      const before = bulk.allocated;
      bulk.push(bytesFrom(i, 1448));
      if (bulk.allocated > before) sizes.push(bulk.allocated - before);
    }
    assert.deepEqual(sizes.slice(0, 6), [4096, 8192, 16_384, 32_768, 65_536, 65_536]);
  });

  test('a few bytes alone take no block and are handed out as the class that was asked for; with more behind them they are one view', () => {
    let blocks = 0;
    const queue = new ReceiveQueue((bytes) => {
      blocks++;
      return new Uint8Array(bytes);
    });
    const received = Uint8Array.of(0, 1, 2, 3, 4, 5, 6);
    queue.push(received, 1, 5);
    received.fill(99);
    assert.deepEqual(queue.take(2), Uint8Array.of(1, 2));
    class View extends Uint8Array {}
    const chunk = queue.take(10, View)!;
    assert.ok(chunk instanceof View);
    assert.deepEqual([...chunk], [3, 4, 5]);
    assert.equal(blocks, 0);
    queue.push(Uint8Array.of(6, 7), 0, 2);
    assert.deepEqual(queue.take(1), Uint8Array.of(6));
    queue.push(Uint8Array.of(8, 9), 0, 2);
    queue.push(Uint8Array.of(10), 0, 1);
    assert.equal(blocks, 1);
    assert.deepEqual(queue.take(10), Uint8Array.of(7, 8, 9, 10));
    assert.equal(queue.length, 0);
    assert.deepEqual([...chunk], [3, 4, 5], 'what was handed out stays');
  });

  test('a few bytes are made what they are mostly asked for as, and handed out without a copy only as that and whole', () => {
    let made = 0;
    class View extends Uint8Array {
      constructor(memory: ArrayBuffer | number, offset?: number, length?: number) {
        if (typeof memory === 'number') super(memory);
        else super(memory, offset, length);
        made++;
      }
    }
    const queue = new ReceiveQueue(undefined, undefined, View as never);
    const received = Uint8Array.of(1, 2, 3, 4);
    queue.push(received, 0, 4);
    received.fill(99);
    const whole = queue.take(10, View as never)!;
    assert.equal(made, 1);
    assert.ok(whole instanceof View);
    assert.deepEqual([...whole], [1, 2, 3, 4]);
    queue.push(Uint8Array.of(5, 6, 7), 0, 3);
    const plain = queue.take(10)!;
    assert.ok(!(plain instanceof View));
    assert.deepEqual(plain, Uint8Array.of(5, 6, 7));
    queue.push(Uint8Array.of(8, 9), 0, 2);
    const first = queue.take(1, View as never)!;
    const second = queue.take(1, View as never)!;
    first[0] = 77;
    assert.deepEqual([[...second], [...whole]], [[9], [1, 2, 3, 4]]);
    assert.equal(queue.length, 0);
  });

  test('views of a class that was asked for lie one behind the other, also where the memory is a part of something', () => {
    class View extends Uint8Array {}
    const whole = new Uint8Array(10_000);
    const queue = new ReceiveQueue((bytes) => whole.subarray(1000, 1000 + bytes));
    const payload = bytesFrom(3, 1500);
    queue.push(payload, 0, payload.length);
    for (const [from, to] of [
      [0, 700],
      [700, 1500],
    ] as const) {
      const view = queue.take(to - from, View)!;
      assert.ok(view instanceof View);
      assert.deepEqual([...view], [...payload.subarray(from, to)]);
    }
  });

  test('bulk are payloads of 512 octets and more; a block that is large enough is not doubled', () => {
    for (const [length, allocated] of [
      [511, 2048],
      [512, 4096],
      [4096, 4096],
      [4097, 8192],
    ] as const) {
      const model = new Model();
      model.push(bytesFrom(0, length));
      assert.equal(model.allocated, allocated, `${length}`);
    }
  });

  test('a trickle behind bulk gets a small block again', () => {
    const model = new Model();
    model.push(bytesFrom(0, 4096));
    model.push(bytesFrom(4096, 1));
    assert.equal(model.allocated, 4096 + 2048);
  });

  test('a block is used to its last octet, from either end', () => {
    const model = new Model();
    for (let i = 0; i < 2048; i++) model.push(bytesFrom(i, 1));
    assert.equal(model.allocated, 2048);
    const front = new Model(16);
    for (let i = 0; i < 16; i++) front.queue.prepend(bytesFrom(i, 1), 0, 1);
    assert.equal(front.allocated, 16);
  });

  test('memory whose bytes are all taken is let go at once, kept or its own', () => {
    const holds = ({ queue }: Model) => (queue as unknown as { head: object | null }).head !== null;
    const model = new Model(16);
    model.push(bytesFrom(0, 16));
    model.take(15);
    assert.equal(holds(model), true);
    model.take(1);
    assert.equal(holds(model), false);
    model.keep(bytesFrom(16, 700));
    model.take(700);
    assert.equal(holds(model), false);
  });

  test('a queue that was adopted has nothing more to give', () => {
    const [main, other] = [new Model(16), new Model(16)];
    other.push(bytesFrom(0, 3));
    main.queue.adopt(other.queue);
    main.queue.adopt(other.queue);
    main.bytes.push(...bytesFrom(0, 3));
    main.push(bytesFrom(3, 1));
    assert.equal(main.queue.length, 4);
    while (main.bytes.length > 0) main.take(10);
  });

  test('memory stays below twice the bytes, in however small stretches they came', () => {
    const main = new Model();
    main.push(bytesFrom(0, 10));
    for (let i = 0; i < 200; i++) {
      const other = new Model(16);
      other.push(bytesFrom(10 + 16 * i, 16));
      main.queue.adopt(other.queue);
    }
    // The first block of ours is filled as far as the small ones go into it.
    assert.equal(main.queue.take(5000)!.length, 10 + 16 * 127);
  });
});
