// buffer-layout, with types: the package has none, and whoever uses our declarations should not need them.
// @ts-expect-error the package ships no declarations
import * as untyped from 'buffer-layout';

/** A piece of a header: how many octets it spans, and how it is read and written. */
export interface Layout<T> {
  /** Length in octets. */
  readonly span: number;
  readonly property?: string;
  /** @param b a Buffer, although it is typed wider: the package calls methods of Buffer */
  decode(b: Uint8Array, offset?: number): T;
  /** Returns the number of octets written. */
  encode(source: T, b: Uint8Array, offset?: number): number;
}

/** A sequence of named fields. */
export interface Structure<T extends object> extends Layout<T> {
  readonly fields: readonly Layout<unknown>[];
  /** Octet offset of the field, or undefined when there is none of that name. */
  offsetOf(property: string): number | undefined;
}

type IntegerLayout = (property: string) => Layout<number>;

/** An unsigned octet. */
export const u8: IntegerLayout = untyped.u8;
/** Two octets, unsigned, network order. */
export const u16be: IntegerLayout = untyped.u16be;
/** Four octets, unsigned, network order. */
export const u32be: IntegerLayout = untyped.u32be;
/** Fields one after the other, without padding. */
export const struct: <T extends object>(fields: readonly Layout<unknown>[]) => Structure<T> = untyped.struct;
