// What an impaired link tells of the packets that it touched. The link layer reports it; the log, the ladder and the
// captures read it.

/** One deed of an impaired link. */
export interface LinkAct {
  readonly act: 'drop' | 'delay' | 'dup' | 'reorder' | 'hold' | 'release' | 'inject' | 'rewrite' | 'corrupt';
  /** Seen from our stack. */
  readonly dir: 'in' | 'out';
  readonly packetId: number;
  /** How many packets the rule has matched, this one included. */
  readonly nth: number;
  /** The rule, in its own spelling. */
  readonly rule?: string;
  /** Clock milliseconds. */
  readonly time: number;
  /** The packet itself, where the link shows it; valid during the call only. */
  readonly packet?: Uint8Array;
}
