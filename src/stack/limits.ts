// Every bound of a stack by name, with its default and the place that keeps it. Bounds of a single connection (buffers,
// reassembly, challenge ACKs) stand in `ConnectionConfig`.

/** What one stack may hold or do at most. Counts unless the name ends in a unit. */
export interface Limits {
  /** Connections in any state, half-open and TIME-WAIT included. A SYN beyond it is dropped, `connect` fails with ENOBUFS. */
  connections: number;
  /**
   * Half-open connections (SYN-RECEIVED) of one listener; beyond it SYNs are answered by cookies, or the oldest is given up
   * for the newest (RFC 4987 §3.6, §3.2; `synCookies`). A listener that asks for a backlog keeps no more than that many, but at least eight. The default is far above
   * any burst of honest clients, all of whose SYNs may come before the first of their ACKs.
   */
  halfOpen: number;
  /** Backlog of a listener that asks for none; an explicit one may be larger. Node's default is 511. */
  backlog: number;
  /** Connections in TIME-WAIT; beyond it the oldest ends early. */
  timeWait: number;
  /** Connections whose application has closed them and that are not in TIME-WAIT yet; beyond it the oldest is reset. */
  orphans: number;
  /** RSTs per second for segments that no connection owns. */
  resetsPerSecond: number;
  /** ICMP messages per second: echo replies and errors. */
  icmpPerSecond: number;
  /** Packets per second that are shown to other stacks with the same addresses because nobody here owns them. */
  straysPerSecond: number;
  /** Bytes that fragments of datagrams not whole yet may take, with what it costs to keep them; beyond it the oldest goes. */
  fragmentBytes: number;
  /** Datagrams of which fragments are kept; beyond it the oldest is given up. */
  fragmentDatagrams: number;
  /** Fragments of one datagram; one more, and it is given up. The default lets 64 KiB come in packets of 576 octets. */
  fragmentsPerDatagram: number;
  /** Destinations whose path MTU is kept because it is smaller than the link's; beyond it the oldest is forgotten. */
  pathMtuEntries: number;
  /** Neighbours on a link of Ethernet frames; beyond it one that was not used lately is forgotten. */
  neighbors: number;
  /** Neighbours asked for and not heard of yet, beside those; beyond it the oldest is given up (RFC 6583). */
  resolvingNeighbors: number;
  /** Packets that may wait for one neighbour's MAC address; beyond it the oldest is dropped (RFC 1122 §2.3.2.2). */
  neighborQueuePackets: number;
  /** Bytes of packets that may wait for all of them. */
  neighborQueueBytes: number;
  /** Answers per second to ARP requests and neighbour solicitations. */
  neighborAnswersPerSecond: number;
  /** Default routers learnt from router advertisements; one more is not listened to. */
  defaultRouters: number;
  /** Bytes of SYN data kept by all half-open connections together; data beyond it is left to the peer's retransmission. */
  synDataBytes: number;
  /** Servers whose Fast Open cookie is kept, and paths on which Fast Open has failed; beyond it the one longest unused goes. */
  fastOpenPaths: number;
  /** Timers looked at in one turn; the rest follows in the next. */
  timersPerTurn: number;
  /** Segments sent in one turn; the rest follows in the next. */
  segmentsPerTurn: number;
  /** Calls of handlers in one turn; the rest follows in the next. */
  eventsPerTurn: number;
  /**
   * Bytes that users add to their connections in one turn until these leave and ACKs are taken in, before others are told: what
   * has left the processor's caches by the time it leaves, and is held until it is acknowledged, costs several times as much.
   */
  sendBytesPerTurn: number;
  /** Rounds of deliver, transmit and loop back in one turn, until it gives way to the event loop. */
  roundsPerTurn: number;
  /** Bytes of packets to our own addresses that wait to be looped back. */
  loopbackBytes: number;
}

/** The limits of a stack that sets none. */
export const DEFAULT_LIMITS: Readonly<Limits> = {
  connections: 262_144,
  halfOpen: 4096,
  backlog: 511,
  timeWait: 32_768,
  orphans: 8192,
  resetsPerSecond: 1000,
  icmpPerSecond: 1000,
  straysPerSecond: 10_000,
  fragmentBytes: 4_194_304,
  fragmentDatagrams: 1024,
  fragmentsPerDatagram: 128,
  pathMtuEntries: 4096,
  neighbors: 1024,
  resolvingNeighbors: 256,
  neighborQueuePackets: 64,
  neighborQueueBytes: 1_048_576,
  neighborAnswersPerSecond: 1000,
  defaultRouters: 8,
  synDataBytes: 65_536,
  fastOpenPaths: 1024,
  timersPerTurn: 4096,
  segmentsPerTurn: 4096,
  eventsPerTurn: 65_536,
  sendBytesPerTurn: 2_097_152,
  roundsPerTurn: 8,
  loopbackBytes: 1_048_576,
};

/** A listener's half-open table never gets smaller than this, however small its backlog. */
export const LEAST_HALF_OPEN = 8;

/**
 * The defaults with some of them replaced.
 * @throws RangeError with code ERR_OUT_OF_RANGE for a limit that is unknown or not a positive integer
 */
export function withDefaultLimits(chosen: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(chosen)) {
    if (value === undefined) continue;
    if (!(name in DEFAULT_LIMITS)) throw outOfRange(`unknown limit "${name}"; see stack/limits`);
    if (!Number.isSafeInteger(value) || value < 1) {
      throw outOfRange(`limit "${name}" must be a positive integer, not ${value}`);
    }
    limits[name as keyof Limits] = value;
  }
  return limits;
}

function outOfRange(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}
