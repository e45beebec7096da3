// What a script is played against: our stack in virtual time, or the kernel in real time. Times are milliseconds since the
// script began.
import type { Value } from './code.js';
import type { Setting } from './commands.js';
import type { Ends } from './packet-builder.js';
import type { PendingCall, SocketCall } from './socket-call.js';

/** A packet that left the subject. */
export interface SentPacket {
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** The other side of the play. */
export interface Subject {
  readonly name: 'synwave' | 'kernel';
  readonly ends: Ends;
  /** How far from their time things may happen here, beyond what the script allows: before and after it. */
  readonly earlyMs: number;
  readonly lateMs: number;
  now(): number;
  /** Packets not yet matched, oldest first. */
  readonly sent: SentPacket[];
  /** Lets time pass, and with it everything that is due. */
  advanceTo(ms: number): void | Promise<void>;
  /** Lets time pass until a packet has left or `ms` is reached. */
  awaitPacket(ms: number): void | Promise<void>;
  /** Lets time pass until the call has returned or `ms` is reached. */
  awaitCall(pending: PendingCall, ms: number): void | Promise<void>;
  /** Brings a packet of the script's end. */
  deliver(bytes: Uint8Array): void | Promise<void>;
  /** Begins a call; it may have returned already. @throws Unsupported */
  call(call: SocketCall): PendingCall | Promise<PendingCall>;
  /** @throws Unsupported when it cannot be had here */
  configure(setting: Setting): void | Promise<void>;
  /** TCP_INFO of the socket under test, by the kernel's names; null before there is one. */
  tcpInfo(): ReadonlyMap<string, Value> | null | Promise<ReadonlyMap<string, Value> | null>;
  /** Connections in a state, as the kernel's tools name it (`ESTABLISHED`, `TIME_WAIT`). @throws Unsupported */
  count(state: string): number | Promise<number>;
  /** The ladder of its connections; empty where there is none. */
  ladder(): readonly string[];
  close(): Promise<void>;
}

/** Names of TCP_INFO that both subjects can tell; a script that asks for others is skipped. */
export const TCP_INFO_NAMES: ReadonlySet<string> = new Set([
  'tcpi_state',
  'tcpi_ca_state',
  'tcpi_retransmits',
  'tcpi_probes',
  'tcpi_backoff',
  'tcpi_options',
  'tcpi_snd_wscale',
  'tcpi_rcv_wscale',
  'tcpi_rto',
  'tcpi_ato',
  'tcpi_snd_mss',
  'tcpi_rcv_mss',
  'tcpi_unacked',
  'tcpi_sacked',
  'tcpi_lost',
  'tcpi_retrans',
  'tcpi_pmtu',
  'tcpi_rtt',
  'tcpi_rttvar',
  'tcpi_snd_ssthresh',
  'tcpi_snd_cwnd',
  'tcpi_advmss',
  'tcpi_total_retrans',
  'tcpi_bytes_acked',
  'tcpi_bytes_received',
  'tcpi_segs_out',
  'tcpi_segs_in',
  'tcpi_notsent_bytes',
  'tcpi_min_rtt',
  'tcpi_data_segs_in',
  'tcpi_data_segs_out',
  'tcpi_bytes_sent',
  'tcpi_bytes_retrans',
  'tcpi_dsack_dups',
  'tcpi_reord_seen',
  'tcpi_rcv_ooopack',
  'tcpi_snd_wnd',
]);
