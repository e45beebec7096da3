// The sender's reading of SACK blocks (RFC 2018 §5, RFC 2883): which segments arrived out of order, and which arrived
// twice. Work is in proportion to the blocks and to what is new in them.
import type { SegmentView } from '../wire/segment.js';
import { type Seq, seqDiff, seqGeq, seqGt, seqLeq, seqLt, seqMin } from '../wire/seq.js';
import { type AckNews, recordArrived } from './ack-news.js';
import type { Connection } from './connection.js';
import { isCovered, Mark } from './flight.js';
import { part } from './joined.js';
import type { Scoreboard } from './scoreboard.js';
import { noteDuplicateReport } from './undo.js';

/** Takes the blocks of an acceptable ACK. SND.UNA has moved already. */
export function takeSack(c: Connection, s: SegmentView, news: AckNews): void {
  if (s.sackCount === 0) return;
  let first = 0;
  if (reportsDuplicate(s)) {
    first = 1;
    const left = s.sackEdges[0]!;
    const right = s.sackEdges[1]!;
    if (isPlausible(c, left, right)) noteDuplicateReport(c, left, right, news);
  }
  for (let i = first; i < s.sackCount; i++) takeBlock(c, s.sackEdges[2 * i]!, s.sackEdges[2 * i + 1]!, news);
}

/** RFC 2883 §4: the first block lies below the acknowledgment, or within the second. */
function reportsDuplicate(s: SegmentView): boolean {
  const left = s.sackEdges[0]!;
  const right = s.sackEdges[1]!;
  if (!seqLt(left, right)) return false;
  if (seqLeq(right, s.ack)) return true;
  return s.sackCount > 1 && seqGeq(left, s.sackEdges[2]!) && seqLeq(right, s.sackEdges[3]!);
}

/** A duplicate of something that we sent, and not long ago. */
function isPlausible(c: Connection, left: Seq, right: Seq): boolean {
  return seqLeq(right, c.snd.nxt) && seqDiff(c.snd.una, left) <= Math.max(c.snd.maxWnd, 1);
}

function takeBlock(c: Connection, left: Seq, right: Seq, news: AckNews): void {
  const { snd } = c;
  // Only what lies beyond SND.UNA and was sent can have arrived out of order.
  if (!seqLt(left, right) || !seqGt(left, snd.una) || seqGt(right, snd.nxt)) return;
  const scoreboard = c.requireScoreboard();
  if (scoreboard.covers(left, right)) return;
  // What cannot be kept is not looked at either, or a peer could have the same segments walked with every ACK.
  if (!scoreboard.hasRoomFor(left, right)) return;
  markGaps(c, scoreboard, left, right, news);
  scoreboard.add(left, right);
}

/** Marks the segments in those parts of [left, right) that were not reported before. */
function markGaps(c: Connection, board: Scoreboard, left: Seq, right: Seq, news: AckNews): void {
  let k = board.indexAfter(left);
  // What the block joins with: a segment half in one and half in the other is now complete.
  let joinedLeft = left;
  if (k > 0 && board.right(k - 1) === left) joinedLeft = board.left(k - 1);
  else if (k < board.count) joinedLeft = seqMin(left, board.left(k));
  const last = board.indexAfter(right);
  const joinedRight = last < board.count && seqLeq(board.left(last), right) ? board.right(last) : right;
  let at = left;
  for (; k < board.count && seqLt(board.left(k), right); k++) {
    if (seqLt(at, board.left(k))) markRange(c, at, board.left(k), joinedLeft, joinedRight, news);
    at = board.right(k);
  }
  if (seqLt(at, right)) markRange(c, at, right, joinedLeft, joinedRight, news);
}

/** Marks every segment that touches [from, to) and lies wholly within what is reported. */
function markRange(c: Connection, from: Seq, to: Seq, left: Seq, right: Seq, news: AckNews): void {
  const { flight } = c;
  for (let i = flight.indexOf(from); seqLt(flight.begin(i), to); i++) {
    part(c, i);
    if (!isCovered(flight, i, left, right)) continue;
    recordArrived(c, i, news, true);
    flight.unmark(i, Mark.LOST | Mark.RESENT);
    flight.setMark(i, Mark.SACKED);
  }
}
