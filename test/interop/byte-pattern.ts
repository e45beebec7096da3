// Streams of bytes that a seed determines, and their sums, for tests that compare both ends of a transfer.
import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';

const CHUNK = 64 * 1024;
const ZEROS = Buffer.alloc(CHUNK);

/** `size` bytes that depend on `seed` only, and repeat nowhere: a lost, doubled or swapped piece changes the sum. */
export function patternStream(seed: number, size: number): Readable {
  const source = pattern(seed, size);
  return new Readable({
    read() {
      const { value } = source.next();
      this.push(value ?? null);
    },
  });
}

function* pattern(seed: number, size: number): Generator<Buffer, undefined> {
  const key = createHash('sha256').update(`synwave ${seed}`).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  for (let left = size; left > 0; left -= CHUNK)
    yield cipher.update(ZEROS.subarray(0, Math.min(left, CHUNK)));
  return undefined;
}

/** Hexadecimal SHA-256 of `patternStream(seed, size)`. */
export function patternSum(seed: number, size: number): string {
  const hash = createHash('sha256');
  for (const chunk of pattern(seed, size)) hash.update(chunk);
  return hash.digest('hex');
}

/** Reads a stream to its end and leaves it open: the other direction of a half-closed socket goes on. */
export function sumOf(stream: Readable): Promise<{ bytes: number; sum: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    stream.once('end', () => resolve({ bytes, sum: hash.digest('hex') }));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error(`closed before its end, after ${bytes} bytes`)));
  });
}
