// What a stack tells beside what its connections tell: packets that no connection saw, and listeners.
import type { Transition } from '../tcp/state.js';
import type { Trace } from '../tcp/trace.js';
import type { Listener } from './listener.js';

/** Why a packet was dropped before any connection or listener saw it. Names of counters in `IpStats` and `IcmpStats`. */
export type PacketDropReason =
  | 'header'
  | 'not_for_us'
  | 'martian'
  | 'broadcast'
  | 'fragment'
  | 'source_route'
  | 'unsupported_version'
  | 'unknown_protocol'
  | 'icmp_malformed'
  | 'icmp_ignored'
  | 'icmp_unmatched'
  | 'icmp_rate'
  | 'link_full';

/** What is done when a listener's tables are full. */
export type BacklogPolicy = 'drop-oldest' | 'drop-syn' | 'drop-ack' | 'syn-cookies';

/** The stack's listener, fed by the connections as well. Same rules as `Trace`: it must not throw or call back. */
export interface StackTrace extends Trace {
  /** @param packetId number of the packet, from the link's `packetIds` */
  packetDropped(reason: PacketDropReason, packetId: number, now: number): void;
  /**
   * A listener is full. At most once per second and listener.
   * @param halfOpen connections in SYN-RECEIVED
   * @param waiting established connections that nobody accepted yet
   * @param limit the bound that was reached
   */
  backlogFull(
    listener: Listener,
    halfOpen: number,
    waiting: number,
    limit: number,
    policy: BacklogPolicy,
    now: number,
  ): void;
  /** A passive open: CLOSED to LISTEN. */
  listenerOpened(listener: Listener, transition: Transition, now: number): void;
  /** LISTEN to CLOSED. */
  listenerClosed(listener: Listener, transition: Transition, now: number): void;
}
