// Whose packet it is that waited in vain for a MAC address: read as the quote of an ICMP error would be.
import { type FourTuple, IpAddress } from '../../wire/address.js';
import { FRAME_HEADROOM } from '../../wire/ethernet.js';
import type { IcmpQuote } from '../../wire/icmp-quote.js';
import { IpProtocol } from '../../wire/protocol.js';

/** Reads the IP packet behind the headroom of `frame`; false when it is no segment of TCP. */
export function quoteOf(frame: Uint8Array, quote: IcmpQuote): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const length = frame.length - FRAME_HEADROOM;
  if (frame[FRAME_HEADROOM]! >>> 4 === 4) quote.takeIpv4(frame, view, FRAME_HEADROOM, length);
  else quote.takeIpv6(frame, view, FRAME_HEADROOM, length);
  return quote.present && quote.protocol === IpProtocol.TCP && quote.hasSeq;
}

/** The connection that it belongs to, as we see it. */
export function quotedTuple(quote: IcmpQuote): FourTuple {
  const { source0, source1, source2, source3, destination0, destination1, destination2, destination3 } =
    quote;
  return {
    local: new IpAddress(source0, source1, source2, source3),
    localPort: quote.sourcePort,
    remote: new IpAddress(destination0, destination1, destination2, destination3),
    remotePort: quote.destinationPort,
  };
}
