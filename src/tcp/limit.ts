// What can keep a sender from sending: one code for each reason. Which of them holds is decided where it is decided
// whether a segment may leave (output.ts, resend.ts, unsent.ts), and nowhere else.

/**
 * Why nothing that takes sequence numbers leaves. Where a length or an index says that something may leave, the negative
 * of one of these says why nothing may.
 */
export const Limit = {
  /** Nothing holds it back: it leaves with the next transmission. */
  NONE: 0,
  /** The SYNs are not exchanged yet. */
  HANDSHAKE: 1,
  /** All is sent, or the application said that more follows at once. */
  APPLICATION: 2,
  /** All is sent, and the application would have more, but the send buffer is full of what is not acknowledged. */
  SEND_BUFFER: 3,
  /** A short segment waits until what is in flight is acknowledged (RFC 9293 §3.7.4). */
  NAGLE: 4,
  /** The peer's window is full, or too small for a segment worth sending (RFC 9293 §3.8.6.2.1). */
  RECEIVE_WINDOW: 5,
  /** The congestion window is full. */
  CONGESTION_WINDOW: 6,
  /** After a timeout two segments have left, and their acknowledgments will tell whether it was spurious (RFC 5682). */
  F_RTO: 7,
  /** The controller's pace. */
  PACING: 8,
  /** The link is full, or the stack's turn has sent its share. */
  LINK: 9,
  /** Our FIN was sent, or the connection is gone. */
  FINISHED: 10,
} as const;
export type Limit = (typeof Limit)[keyof typeof Limit];

/** Names for people, by number. */
export const LIMIT_NAMES = [
  'nothing',
  'handshake',
  'application',
  'send buffer',
  'nagle',
  'receive window',
  'congestion window',
  'f-rto',
  'pacing',
  'link',
  'finished',
] as const;

/** One of `LIMIT_NAMES`. */
export type LimitName = (typeof LIMIT_NAMES)[number];
