// What a link on an Ethernet interface is, whichever way it was opened.
import type { EthernetIdentity, Link } from '../stack/link.js';

/**
 * How frames come and go: `packet` by a packet socket of the kernel (Linux), `pcap` by libpcap and the optional package cap.
 */
export type EthernetDriver = 'packet' | 'pcap';

/**
 * A link on an interface. What the host itself sends to the stack goes out of the interface and does not come back: the link
 * reaches other stations only. With driver `pcap` it keeps the process alive until it is closed: the package cannot do
 * otherwise.
 */
export interface EthernetLink extends Link {
  readonly medium: 'ethernet';
  readonly driver: EthernetDriver;
  readonly ethernet: EthernetIdentity;
  /** The filter that the kernel applies, in the language of libpcap. */
  readonly filter: string;
  /** Frames whose TCP checksum their sender had left unfinished and that were completed: with driver `pcap`. */
  readonly unfinishedChecksums: number;
  /** Frames longer than the driver delivers; they were dropped. */
  readonly cutFrames: number;
}
