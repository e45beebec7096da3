// What a connection tells its owner: event bits, and the codes of errors.

/** Bits of `Connection.takeEvents()`: what the application should learn. */
export const Event = {
  /** The handshake is complete. */
  ESTABLISHED: 1 << 0,
  /** In-order data waits in the receive queue. */
  READABLE: 1 << 1,
  /** The send buffer has room again after it had refused bytes. */
  WRITABLE: 1 << 2,
  /** The peer's FIN was reached: after the queued data comes the end. */
  PEER_FIN: 1 << 3,
  /** The connection is gone; `error` says why (null: orderly). */
  CLOSED: 1 << 4,
  /** Urgent data is announced or the pointer advanced; see `urgentBytes` (RFC 9293 MUST-32). */
  URGENT: 1 << 5,
  /** A soft ICMP error or the R1 threshold; see `softError`. The connection lives on. */
  SOFT_ERROR: 1 << 6,
  /** All that was sent, a FIN included, is acknowledged. */
  ALL_ACKNOWLEDGED: 1 << 7,
  /** The connection entered TIME-WAIT: both directions have ended, only the wait remains. */
  TIME_WAIT: 1 << 8,
} as const;

/** Why a connection ended, in the spelling of Node; the owner makes an Error of it. */
export type ConnectionErrorCode =
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'ETIMEDOUT'
  | 'EHOSTUNREACH'
  | 'ENETUNREACH'
  | 'ECONNABORTED'
  | 'EPROTO';
