// TCP options as objects, for the ladder, the header inspector and tests. The packet path reads them with
// `parseTcpOptions`, whose rules these follow.
import { fastOpenLengthOk, sackBlocksIn, TcpOptionKind, userTimeoutMs } from './tcp-options.js';

/** One option. `offset` counts from the beginning of the options; `length` is the octets it takes there. */
export type TcpOption = { readonly kind: number; readonly offset: number; readonly length: number } & (
  | { readonly name: 'end' | 'nop' | 'sack-permitted' }
  | { readonly name: 'mss'; readonly mss: number }
  | { readonly name: 'window-scale'; readonly shift: number }
  /** Edges unsigned, left before right. */
  | { readonly name: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  /** Unsigned. */
  | { readonly name: 'timestamps'; readonly tsVal: number; readonly tsEcr: number }
  | { readonly name: 'user-timeout'; readonly ms: number }
  /** An empty cookie is a request. */
  | { readonly name: 'fast-open'; readonly cookie: Uint8Array }
  /** A kind that is not decoded here; `data` is what follows its length octet. */
  | { readonly name: 'unknown'; readonly data: Uint8Array }
  /** A known kind with a length or value it may not have: ignored on reception. */
  | { readonly name: 'invalid'; readonly data: Uint8Array }
  /** A length of 0 or 1 or past the header: nothing behind it is read. `data` is the rest of the options. */
  | { readonly name: 'broken'; readonly data: Uint8Array }
);

/**
 * Lists the options at `bytes[offset … offset + length)` in their order, up to END or a broken one. Allocates; for tools.
 * Never throws while the range lies inside `bytes`.
 */
export function decodeTcpOptions(bytes: Uint8Array, offset: number, length: number): TcpOption[] {
  const options: TcpOption[] = [];
  const area = bytes.slice(offset, offset + length);
  let at = 0;
  while (at < area.length) {
    const option = decodeOption(area, at);
    options.push(option);
    // A broken one takes all that is left.
    if (option.name === 'end') break;
    at += option.length;
  }
  return options;
}

function decodeOption(area: Uint8Array, offset: number): TcpOption {
  const kind = area[offset]!;
  if (kind === TcpOptionKind.END) return { kind, offset, length: 1, name: 'end' };
  if (kind === TcpOptionKind.NOP) return { kind, offset, length: 1, name: 'nop' };
  const rest = area.length - offset;
  const length = rest > 1 ? area[offset + 1]! : 0;
  if (length < 2 || length > rest) {
    return { kind, offset, length: rest, name: 'broken', data: area.slice(offset + 1) };
  }
  const data = area.slice(offset + 2, offset + length);
  return { kind, offset, length, ...decodeValue(kind, data) };
}

/** The part of `TcpOption` that depends on its kind. */
type OptionValue = TcpOption extends infer T
  ? T extends TcpOption
    ? Omit<T, 'kind' | 'offset' | 'length'>
    : never
  : never;

function decodeValue(kind: number, data: Uint8Array): OptionValue {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const invalid: OptionValue = { name: 'invalid', data };
  switch (kind) {
    case TcpOptionKind.MSS:
      return data.length === 2 ? { name: 'mss', mss: view.getUint16(0) } : invalid;
    case TcpOptionKind.WINDOW_SCALE:
      return data.length === 1 ? { name: 'window-scale', shift: data[0]! } : invalid;
    case TcpOptionKind.SACK_PERMITTED:
      return data.length === 0 ? { name: 'sack-permitted' } : invalid;
    case TcpOptionKind.SACK:
      return sackBlocksIn(data.length + 2) > 0 ? { name: 'sack', blocks: decodeBlocks(view) } : invalid;
    case TcpOptionKind.TIMESTAMPS:
      return data.length === 8
        ? { name: 'timestamps', tsVal: view.getUint32(0), tsEcr: view.getUint32(4) }
        : invalid;
    case TcpOptionKind.USER_TIMEOUT: {
      const ms = data.length === 2 ? userTimeoutMs(view.getUint16(0)) : -1;
      return ms >= 0 ? { name: 'user-timeout', ms } : invalid;
    }
    case TcpOptionKind.FAST_OPEN:
      return fastOpenLengthOk(data.length + 2) ? { name: 'fast-open', cookie: data } : invalid;
    default:
      return { name: 'unknown', data };
  }
}

function decodeBlocks(view: DataView): [number, number][] {
  const blocks: [number, number][] = [];
  for (let at = 0; at < view.byteLength; at += 8) blocks.push([view.getUint32(at), view.getUint32(at + 4)]);
  return blocks;
}
