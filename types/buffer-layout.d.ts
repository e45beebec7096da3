// The part of buffer-layout 1.2 that this project uses.
declare module 'buffer-layout' {
  export class Layout<T> {
    readonly span: number;
    readonly property?: string;
    decode(b: Uint8Array, offset?: number): T;
    encode(src: T, b: Uint8Array, offset?: number): number;
  }
  export class Structure<T extends object> extends Layout<T> {
    readonly fields: readonly Layout<unknown>[];
    /** Byte offset of the field, or undefined when there is none of that name. */
    offsetOf(property: string): number | undefined;
    layoutFor(property: string): Layout<unknown> | undefined;
  }
  export class Blob extends Layout<Uint8Array> {}
  export function u8(property: string): Layout<number>;
  export function u16be(property: string): Layout<number>;
  export function u32be(property: string): Layout<number>;
  export function s32be(property: string): Layout<number>;
  export function blob(length: number, property: string): Blob;
  export function struct<T extends object>(
    fields: readonly Layout<unknown>[],
    property?: string,
  ): Structure<T>;
}
