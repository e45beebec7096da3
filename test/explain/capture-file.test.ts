// Capture files of all formats: what is read is what was written, damage is an error or the end, never a crash.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type CaptureError, CaptureFile, type Frame } from '../../src/explain/capture-file.js';
import { Random } from '../tcp/random.js';
import { inPieces, packetsOf, pcap } from './captures.js';

const FRAMES = packetsOf(`
  1.000001 > S 0 <mss 1460>
  1.010002 < SA 0 a1 <mss 1000>
  1.020003 > A 1 a1 [33]`);

async function read(bytes: Uint8Array, pieces = 7): Promise<{ frames: Frame[]; file: CaptureFile }> {
  const file = new CaptureFile(inPieces(bytes, pieces));
  const frames: Frame[] = [];
  for await (const frame of file.frames()) frames.push({ ...frame, bytes: Uint8Array.from(frame.bytes) });
  return { frames, file };
}

function assertSame(frames: readonly Frame[], linkType: number, slackMs: number): void {
  assert.equal(frames.length, FRAMES.length);
  for (const [i, frame] of frames.entries()) {
    assert.equal(frame.number, i + 1);
    assert.equal(frame.linkType, linkType);
    assert.deepEqual([...frame.bytes], [...FRAMES[i]!.packet]);
    assert.equal(frame.wireBytes, FRAMES[i]!.packet.length);
    assert.ok(Math.abs(frame.timeMs - FRAMES[i]!.timeMs) <= slackMs, `${frame.timeMs}`);
  }
}

describe('pcap', () => {
  for (const big of [false, true]) {
    for (const nanoseconds of [false, true]) {
      test(`${big ? 'big' : 'little'} endian, ${nanoseconds ? 'nanoseconds' : 'microseconds'}`, async () => {
        const { frames, file } = await read(pcap(FRAMES, { big, nanoseconds }));
        assertSame(frames, 101, 0.0011);
        assert.deepEqual(file.summary, { format: 'pcap', frames: 3, isTruncated: false });
      });
    }
  }

  test('records with more in their headers, as some old systems wrote them', async () => {
    assertSame((await read(pcap(FRAMES, { extra: 8 }))).frames, 101, 0.0011);
  });

  test('gzipped', async () => {
    assertSame((await read(gzipSync(pcap(FRAMES)))).frames, 101, 0.0011);
  });

  test('a snap length: the length on the wire is known, the rest is not', async () => {
    const { frames } = await read(pcap(FRAMES, { snapLength: 44 }));
    assert.deepEqual(
      frames.map(({ bytes, wireBytes }) => [bytes.length, wireBytes]),
      FRAMES.map(({ packet }) => [44, packet.length]),
    );
  });

  test('a file that ends within a record: what is before it is read, and it is said', async () => {
    const whole = pcap(FRAMES);
    const { frames, file } = await read(whole.subarray(0, whole.length - 5));
    assert.equal(frames.length, 2);
    assert.equal(file.summary.isTruncated, true);
  });
});

/** Blocks of pcapng. */
class Blocks {
  private readonly parts: Buffer[] = [];

  constructor(private readonly big: boolean) {}

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  uint(size: 2 | 4, ...values: number[]): Buffer {
    const bytes = Buffer.alloc(size * values.length);
    for (const [i, value] of values.entries()) {
      if (this.big) bytes.writeUIntBE(value, size * i, size);
      else bytes.writeUIntLE(value, size * i, size);
    }
    return bytes;
  }

  add(type: number, ...content: Buffer[]): this {
    const body = Buffer.concat(content);
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    const length = padded.length + 12;
    this.parts.push(this.uint(4, type, length), padded, this.uint(4, length));
    return this;
  }

  section(): this {
    return this.add(0x0a0d0d0a, this.uint(4, 0x1a2b3c4d), this.uint(2, 1, 0), Buffer.alloc(8, 0xff));
  }

  interface(linkType: number, ...options: Buffer[]): this {
    return this.add(1, this.uint(2, linkType, 0), this.uint(4, 0), ...options);
  }

  option(code: number, value: Buffer): Buffer {
    const padding = Buffer.alloc((4 - (value.length % 4)) % 4);
    return Buffer.concat([this.uint(2, code, value.length), value, padding]);
  }

  packet(index: number, units: bigint, packet: Uint8Array): this {
    const time = this.uint(4, Number(units >> 32n), Number(units & 0xffffffffn));
    const sizes = this.uint(4, packet.length, packet.length);
    return this.add(6, this.uint(4, index), time, sizes, Buffer.from(packet));
  }
}

describe('pcapng', () => {
  for (const big of [false, true]) {
    test(`${big ? 'big' : 'little'} endian, resolutions by interface, blocks that are not known`, async () => {
      const blocks = new Blocks(big).section();
      blocks.interface(1, blocks.option(9, Buffer.from([9])));
      blocks.interface(101, blocks.option(9, Buffer.from([0x80 | 10])), blocks.option(0, Buffer.alloc(0)));
      blocks.add(0x0bad, Buffer.from('what nobody knows'));
      blocks.packet(0, 1_500_000_000n, Buffer.from('one'));
      blocks.packet(1, 2048n, Buffer.from('four'));
      const { frames, file } = await read(blocks.bytes);
      assert.deepEqual(
        frames.map(({ timeMs, linkType, bytes }) => [timeMs, linkType, Buffer.from(bytes).toString()]),
        [
          [1500, 1, 'one'],
          [2000, 101, 'four'],
        ],
      );
      assert.deepEqual(file.summary, { format: 'pcapng', frames: 2, isTruncated: false });
    });
  }

  test('a second section of the other byte order forgets the interfaces of the first', async () => {
    const one = new Blocks(false).section().interface(1).packet(0, 1n, Buffer.from('abcd'));
    const two = new Blocks(true).section().interface(101).packet(0, 1n, Buffer.from('efgh'));
    const { frames } = await read(Buffer.concat([one.bytes, two.bytes]));
    assert.deepEqual(
      frames.map(({ linkType }) => linkType),
      [1, 101],
    );
  });

  test('simple packets, cut by the snap length alone; journal entries count as frames', async () => {
    const blocks = new Blocks(false).section().interface(101);
    blocks.add(9, Buffer.from('MESSAGE=hello\n'));
    blocks.add(3, blocks.uint(4, 5), Buffer.from('12345'));
    const { frames } = await read(blocks.bytes);
    assert.deepEqual(
      frames.map(({ number, timeMs, bytes }) => [number, timeMs, Buffer.from(bytes).toString()]),
      [[2, Number.NaN, '12345']],
    );
  });
});

describe('what is no capture', () => {
  const refusals: [string, Buffer, RegExp][] = [
    ['nothing', Buffer.alloc(0), /empty/],
    ['text', Buffer.from('GET / HTTP/1.1\r\n\r\n and more'), /editcap/],
    ['a header only in part', pcap([]).subarray(0, 10), /header/],
    ['a record of two gigabytes', Buffer.concat([pcap([]), Buffer.alloc(16, 0x7f)]), /damaged/],
    [
      'a block of no length',
      Buffer.concat([new Blocks(false).section().bytes, Buffer.alloc(12)]),
      /impossible length/,
    ],
    [
      'a packet of no interface',
      new Blocks(false).section().packet(0, 0n, Buffer.from('x')).bytes,
      /interface 0/,
    ],
  ];
  for (const [what, bytes, message] of refusals) {
    test(`${what}: ${message.source}`, async () => {
      await assert.rejects(read(bytes), (error: CaptureError) => {
        assert.equal(error.code, 'ERR_SYNWAVE_CAPTURE');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test('damage anywhere is an error that tells, or the end of what can be read', async () => {
    const blocks = new Blocks(false).section().interface(101);
    for (const { packet } of FRAMES) blocks.packet(0, 5n, packet);
    for (const original of [pcap(FRAMES), blocks.bytes]) {
      const random = new Random(original.length);
      for (let round = 0; round < 400; round++) {
        const bytes = Buffer.from(original);
        for (let i = random.int(1, 6); i > 0; i--)
          bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
        await read(bytes.subarray(0, random.int(0, bytes.length)), 64).catch((error: CaptureError) => {
          assert.equal(error.code, 'ERR_SYNWAVE_CAPTURE', `round ${round}: ${error.stack}`);
        });
      }
    }
  });
});
