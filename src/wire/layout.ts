// Headers declared once with buffer-layout, and the two ways in: offsets for the hot path, objects for tools and
// tests. The declarations themselves stand in the file of each header.
import type { Structure } from './buffer-layout.js';

/**
 * Byte offset of a field, from the declaration of its header. Call it at module level: a misspelt field then fails
 * when the program loads, not when a packet arrives.
 * @throws Error with code `ERR_LAYOUT_FIELD` when the header has no such field
 */
export function offsetOf<T extends object>(layout: Structure<T>, field: keyof T & string): number {
  const offset = layout.offsetOf(field);
  if (offset === undefined) {
    throw Object.assign(new Error(`no field '${field}' in this header; see its declaration`), {
      code: 'ERR_LAYOUT_FIELD',
    });
  }
  return offset;
}

/**
 * Reads one header into a fresh object, for tools and tests.
 * @throws RangeError with code `ERR_HEADER_TRUNCATED` when fewer than `layout.span` bytes follow `offset`
 */
export function decodeHeader<T extends object>(layout: Structure<T>, bytes: Uint8Array, offset = 0): T {
  return layout.decode(headerBytes(layout.span, bytes, offset), 0);
}

/**
 * Writes one header from an object, for tools and tests. Values are taken modulo the width of their field, so that
 * int32 sequence numbers and addresses need no conversion.
 * @returns the bytes written, `layout.span`
 * @throws RangeError with code `ERR_HEADER_TRUNCATED` when fewer than `layout.span` bytes follow `offset`
 */
export function encodeHeader<T extends object>(
  layout: Structure<T>,
  source: T,
  bytes: Uint8Array,
  offset = 0,
): number {
  return layout.encode(source, headerBytes(layout.span, bytes, offset), 0);
}

function headerBytes(span: number, bytes: Uint8Array, offset: number): HeaderBytes {
  if (offset < 0 || offset + span > bytes.length) {
    throw Object.assign(
      new RangeError(
        `${span} bytes needed at offset ${offset}, ${bytes.length} there; check the length first`,
      ),
      { code: 'ERR_HEADER_TRUNCATED' },
    );
  }
  return new HeaderBytes(bytes.buffer, bytes.byteOffset + offset, span);
}

/**
 * The methods of Node's Buffer that buffer-layout calls for integers: big-endian ones for `u16be` and its kind, and
 * little-endian ones for `u8`, where the order makes no difference. With them the codec runs wherever there are typed
 * arrays, and accepts any Uint8Array.
 */
class HeaderBytes extends Uint8Array<ArrayBufferLike> {
  readUIntLE(offset: number, _width: 1): number {
    return this[offset]!;
  }

  writeUIntLE(value: number, offset: number, _width: 1): void {
    this[offset] = value;
  }

  readUIntBE(offset: number, width: number): number {
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + this[offset + i]!;
    return value;
  }

  writeUIntBE(value: number, offset: number, width: number): void {
    for (let i = width - 1; i >= 0; i--) {
      this[offset + i] = value;
      value = Math.floor(value / 256);
    }
  }
}
