// TCP_INFO of our connections by the kernel's names, in the kernel's units: microseconds and segments.
import type { TcpInfo } from '../tcp/info.js';
import type { Value } from './code.js';
import { STATE_NUMBERS } from './code-names.js';

const CA_STATES = ['open', 'disorder', 'cwr', 'recovery', 'loss'] as const;
const OPTION_BITS = { timestamps: 1, sack: 2, windowScale: 4, ecn: 8, synData: 32 } as const;
const US_PER_MS = 1000;
/** What the kernel shows while there is no threshold. */
const NO_THRESHOLD = 0x7fff_ffff;

/** The kernel's name of a state that the RFC spells `FIN-WAIT-2`. */
export function kernelStateName(state: string): string {
  if (state === 'SYN-RECEIVED') return 'SYN_RECV';
  if (state === 'CLOSED') return 'CLOSE';
  return state.replace('-WAIT-', '_WAIT').replace(/-/g, '_');
}

/** The names of the kernel's structure with their values. */
export function kernelInfo(info: TcpInfo): Map<string, Value> {
  const segments = (bytes: number) => Math.ceil(bytes / info.sndMss);
  const us = (ms: number) => Math.round(ms * US_PER_MS);
  let options = 0;
  for (const [name, bit] of Object.entries(OPTION_BITS)) {
    if (info.options[name as keyof typeof OPTION_BITS]) options |= bit;
  }
  const values: Record<string, Value> = {
    state: STATE_NUMBERS[kernelStateName(info.state)] ?? 0,
    ca_state: CA_STATES.indexOf(info.caState),
    retransmits: info.retransmits,
    probes: info.probes,
    backoff: info.backoff,
    options,
    snd_wscale: info.sndWscale,
    rcv_wscale: info.rcvWscale,
    rto: us(info.rtoMs),
    ato: us(info.atoMs),
    snd_mss: info.sndMss,
    rcv_mss: info.rcvMss,
    unacked: info.unackedSegments,
    sacked: segments(info.sackedBytes),
    lost: segments(info.lostBytes),
    retrans: segments(info.resentBytes),
    pmtu: info.pmtuBytes,
    rtt: us(info.rttMs),
    rttvar: us(info.rttVarMs),
    snd_ssthresh:
      info.sndSsthreshBytes === null ? NO_THRESHOLD : Math.floor(info.sndSsthreshBytes / info.sndMss),
    snd_cwnd: info.sndCwndSegments,
    advmss: info.advMss,
    total_retrans: info.totalRetrans,
    bytes_acked: info.bytesAcked,
    bytes_received: info.bytesReceived,
    segs_out: info.segsOut,
    segs_in: info.segsIn,
    notsent_bytes: info.notSentBytes,
    min_rtt: us(info.minRttMs),
    data_segs_in: info.dataSegsIn,
    data_segs_out: info.dataSegsOut,
    bytes_sent: info.bytesSent,
    bytes_retrans: info.bytesRetrans,
    dsack_dups: info.dsackDups,
    reord_seen: info.reordSeen,
    rcv_ooopack: info.rcvOooPack,
    snd_wnd: info.sndWndBytes,
  };
  return new Map(Object.entries(values).map(([name, value]) => [`tcpi_${name}`, value]));
}
