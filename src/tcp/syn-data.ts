// Data on a peer's SYN (RFC 9293 §3.10.7.2, RFC 7413): legal, bounded, and kept from the application until the handshake is
// over, unless a Fast Open cookie vouches for the sender.
import type { SegmentView } from '../wire/segment.js';
import { seqAdd } from '../wire/seq.js';
import type { ConnectionConfig } from './config.js';
import type { Connection } from './connection.js';
import { Event } from './events.js';

/** Takes the data of a SYN that a listener accepted. `RCV.NXT` stands behind the SYN. */
export function takeSynData(c: Connection, syn: SegmentView, now: number): void {
  const kept = keptBytes(c, syn, now);
  if (kept === 0) return;
  if (treatmentOf(c, syn) === 'accept') acceptBytes(c, syn, kept);
  else queueBytes(c, syn, kept);
  if (!c.isFastOpened) return;
  c.fastOpen!.synBytes = kept;
  c.events |= Event.READABLE;
}

/** Takes the data of a SYN that crossed ours: kept until ESTABLISHED, and acknowledged then. */
export function queueSynData(c: Connection, syn: SegmentView, now: number): void {
  const kept = keptBytes(c, syn, now);
  if (kept > 0) queueBytes(c, syn, kept);
}

/** Octets of the SYN's data that are kept, whatever becomes of them. */
function keptBytes(c: Connection, syn: SegmentView, now: number): number {
  if (syn.payloadLength === 0 || treatmentOf(c, syn) === 'discard') return 0;
  const kept = Math.min(syn.payloadLength, c.config.synDataBytes);
  if (kept < syn.payloadLength) c.dropped(syn, 'syndata_limit', 'none', 'RFC9293-3.10.7.2', now);
  return kept;
}

/** A good cookie overrules the setting; with a bad one the SYN alone may be acknowledged (RFC 7413 §4.2.2). */
function treatmentOf(c: Connection, syn: SegmentView): ConnectionConfig['synData'] {
  if (c.isFastOpened) return 'accept';
  const isRefused = c.fastOpen !== null && syn.fastOpenLength >= 0;
  return isRefused && c.config.synData === 'accept' ? 'queue' : c.config.synData;
}

function acceptBytes(c: Connection, syn: SegmentView, kept: number): void {
  c.requireReceiveQueue().push(syn.bytes, syn.payloadOffset, kept);
  c.rcv.nxt = seqAdd(c.rcv.nxt, kept);
  c.bytesReceived += kept;
}

function queueBytes(c: Connection, syn: SegmentView, kept: number): void {
  c.requireReassembly().insert(c.rcv.nxt, syn.bytes, syn.payloadOffset, kept);
}
