// The bytes that the applications of the lab exchange.
import { createHash } from 'node:crypto';

/** So many bytes, each of which tells its place; printable. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = 0x41 + ((i + (i >> 8)) % 26);
  return bytes;
}

/** Pieces as text, byte by byte. */
export function textOf(pieces: readonly Uint8Array[]): string {
  return pieces.map((piece) => Buffer.from(piece).toString('latin1')).join('');
}

/** SHA-256 of all pieces together, in hexadecimal. */
export function sha256(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
