// The options of segments without SYN: timestamps on every one of them, and SACK blocks while something is missing.
import { appendNop, appendSack, appendTimestamps } from '../wire/tcp-options.js';
import type { Connection } from './connection.js';
import { sackBlockCount, takeSackBlocks } from './sack-blocks.js';
import { MAX_OPTION_BYTES, type SegmentOut } from './segment-out.js';
import { timestampEcho, timestampValue } from './timestamps.js';

/** Octets of two NOPs and the timestamps option (RFC 7323 appendix A). */
export const ALIGNED_TIMESTAMP_BYTES = 12;

/** Octets of two NOPs and the head of the SACK option, and of each block in it. */
const SACK_HEAD_BYTES = 4;
const SACK_BLOCK_BYTES = 8;

/** Filled for each segment that carries blocks. */
const edges = new Int32Array(8);

/**
 * Writes the options of a segment without SYN, behind which `out.payload` is complete. SACK blocks go as far as the
 * payload leaves them room in a segment of full size: see `sackOptionBytes`.
 */
export function writeSegmentOptions(c: Connection, out: SegmentOut, now: number): void {
  writeTimestamps(c, out, now);
  if (!c.sackAgreed) return;
  const room = c.snd.mss - (out.segmentBytes || out.payload.total) - SACK_HEAD_BYTES;
  const most = Math.min(mostBlocks(c), Math.floor(room / SACK_BLOCK_BYTES));
  if (most <= 0) return;
  const count = takeSackBlocks(c, edges, most);
  if (count === 0) return;
  const { options } = out;
  const at = appendNop(options, appendNop(options, out.optionsLength));
  out.optionsLength = appendSack(options, at, edges, count);
}

/** Writes timestamps alone, where they were agreed upon: an RST carries them as well (RFC 7323 §3.2). */
export function writeTimestamps(c: Connection, out: SegmentOut, now: number): void {
  if (!c.timestampsAgreed) return;
  const { options } = out;
  const at = appendNop(options, appendNop(options, 0));
  out.optionsLength = appendTimestamps(options, at, timestampValue(c, now), timestampEcho(c));
}

/**
 * Octets that SACK blocks would take of the next segment, 0 for none: a segment of data has to be so much shorter than
 * the effective send MSS to carry them along (RFC 9293 MUST-16).
 */
export function sackOptionBytes(c: Connection): number {
  if (!c.sackAgreed) return 0;
  const count = Math.min(mostBlocks(c), sackBlockCount(c));
  return count === 0 ? 0 : SACK_HEAD_BYTES + SACK_BLOCK_BYTES * count;
}

/** Blocks that fit in a header: three beside timestamps, else four (RFC 2018 §3). */
function mostBlocks(c: Connection): number {
  const left = MAX_OPTION_BYTES - (c.timestampsAgreed ? ALIGNED_TIMESTAMP_BYTES : 0) - SACK_HEAD_BYTES;
  return Math.floor(left / SACK_BLOCK_BYTES);
}
