// The reused description of one outgoing segment: what `tcp/` fills and the owner of the connection puts on the wire.
import { PayloadPieces } from '../wire/payload.js';
import { FIN, SYN } from '../wire/segment.js';
import type { Seq } from '../wire/seq.js';
import type { Connection } from './connection.js';

/** At most 40 octets of options fit in a header (RFC 9293 §3.1). */
export const MAX_OPTION_BYTES = 40;

/** One outgoing segment. Valid during `SegmentSink.segment` only. */
export class SegmentOut {
  /** Set by the sink: number of the packet that carries it. */
  packetId = 0;
  seq: Seq = 0;
  ack: Seq = 0;
  flags = 0;
  /** The window field as it goes on the wire, 0…65535. */
  wnd = 0;
  urgentPointer = 0;
  /** ECN field of the IP header: 0 Not-ECT, 2 ECT(0) (RFC 3168 §5). */
  ecn = 0;
  /** Encoded options, a multiple of four octets long. */
  readonly options = new Uint8Array(MAX_OPTION_BYTES);
  optionsLength = 0;
  readonly payload = new PayloadPieces();
  /**
   * Payload of each segment that this one is to be cut into, 0: it is one. CWR belongs to the first of them, PSH and FIN to
   * the last, everything else to all.
   */
  segmentBytes = 0;
  /** How often this data had been sent before; 0 for a first transmission. */
  retransmission = 0;

  /** Payload plus one for SYN and one for FIN. */
  get len(): number {
    return this.payload.total + (this.flags & SYN ? 1 : 0) + (this.flags & FIN ? 1 : 0);
  }

  /** Segments that it is to be cut into. */
  get segmentCount(): number {
    return this.segmentBytes === 0 ? 1 : Math.ceil(this.payload.total / this.segmentBytes);
  }

  /** Empties it for the next segment. */
  reset(): void {
    this.packetId = 0;
    this.seq = 0;
    this.ack = 0;
    this.flags = 0;
    this.wnd = 0;
    this.urgentPointer = 0;
    this.ecn = 0;
    this.optionsLength = 0;
    this.retransmission = 0;
    this.segmentBytes = 0;
    this.payload.clear();
  }
}

/** Takes the segments of `Connection.pollTransmit`. */
export interface SegmentSink {
  /** False when the way out is full: the connection stops and is polled again later. */
  readonly writable: boolean;
  /** Sends one segment, taking a packet number into `segment.packetId`. Ports and addresses are in `connection.tuple`. */
  segment(connection: Connection, segment: SegmentOut): void;
}
