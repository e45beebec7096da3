// TCP Fast Open for one connection (RFC 7413 §4.2): what a client asks for and puts on its SYN, what a server grants, and
// what the answers mean. What outlives connections, the client's cache and the server's keys, is asked through the
// environment.
import type { FourTuple, IpAddress } from '../wire/address.js';
import { type SegmentView, SYN } from '../wire/segment.js';
import { type Seq, seqAdd, seqDiff, seqLeq, seqMin } from '../wire/seq.js';
import type { Connection } from './connection.js';
import { resendWithoutReduction } from './retransmit.js';
import { State } from './state.js';

/** What a client knows of a path: from a local address to a remote one and its port. */
export interface FastOpenPath {
  /** 4…16 octets, or null when there is none yet. */
  readonly cookie: Uint8Array | null;
  /** MSS that the server advertised, 0 when unknown. */
  readonly mss: number;
}

/** What clients remember between connections (RFC 7413 §4.1.3). */
export interface FastOpenCache {
  /** What is known of the path of a connection to be opened; null while Fast Open is not to be tried there. */
  find(tuple: FourTuple, now: number): FastOpenPath | null;
  /**
   * The path took Fast Open.
   * @param cookie a new one, copied; null leaves the one that is known
   */
  learn(tuple: FourTuple, cookie: Uint8Array | null, mss: number): void;
  /** Fast Open failed on the path: it is left alone for a while (§4.1.3.1). */
  avoid(tuple: FourTuple, now: number): void;
}

/** How a cookie stands to the keys of a server: good, good by a former key, or not. */
export type CookieVerdict = 'current' | 'former' | 'wrong';

/** The cookies of a server (RFC 7413 §4.1.2): each authenticates the address of one client, and expires. */
export interface FastOpenCookies {
  /** The cookie for a client at present; valid during the call. */
  make(client: IpAddress, server: IpAddress, now: number): Uint8Array;
  judge(
    client: IpAddress,
    server: IpAddress,
    bytes: Uint8Array,
    offset: number,
    length: number,
    now: number,
  ): CookieVerdict;
}

/**
 * What has become of Fast Open on a connection. Of a client: `avoided` because it failed on this path lately, `requested` a
 * cookie and then `cookie received` or `refused`, `offered` the cookie and then, of the data on the SYN, `accepted`, `partly
 * accepted` or `refused`; `given up` when the SYN had to be sent again. Of a server: `not asked`, `cookie given`, `accepted`,
 * `refused` for a wrong cookie, `limit` when too many wait for the end of their handshake.
 */
export type FastOpenOutcome =
  | 'off'
  | 'not asked'
  | 'avoided'
  | 'requested'
  | 'cookie received'
  | 'offered'
  | 'accepted'
  | 'partly accepted'
  | 'refused'
  | 'given up'
  | 'cookie given'
  | 'limit';

/** Largest MSS that a SYN counts on, whatever the server advertised (RFC 7413 §4.1.3). */
const TYPICAL_MSS = { 4: 1460, 6: 1440 } as const;

/** What Fast Open needs to remember of a connection. */
export class FastOpenVariables {
  /** Client: the SYN carries the option. */
  isAsking = false;
  /** Of a client: what it shows; of a server: what it gives. Null: nothing, so a client's option is a request. */
  cookie: Uint8Array | null = null;
  /** Client: the server's MSS as known before it answers, 0 when unknown. */
  mss = 0;
  /** Octets of data on the SYN: of a client those sent, of a server those taken for a good cookie. */
  synBytes = 0;
  /** Server: FastOpened of RFC 7413 §4.2; the application has the connection before the handshake is over. */
  isAccepted = false;

  constructor(public outcome: FastOpenOutcome) {}
}

// ---- client

/** An active open: what is known of the path decides what the SYN will carry. */
export function askFastOpen(c: Connection, now: number): void {
  const cache = c.environment.fastOpenCache;
  if (!c.config.fastOpen || cache === undefined) return;
  const path = cache.find(c.tuple, now);
  if (path === null) {
    c.fastOpen = new FastOpenVariables('avoided');
    return;
  }
  c.fastOpen = new FastOpenVariables(path.cookie === null ? 'requested' : 'offered');
  c.fastOpen.isAsking = true;
  c.fastOpen.cookie = path.cookie;
  c.fastOpen.mss = path.mss;
}

/**
 * Octets of queued data that our first SYN may carry: none without a cookie (RFC 7413 §4.2.2), else as much as fits the
 * server's MSS beside the options (§4.1.3, RFC 6691).
 * @param optionBytes octets of its options
 */
export function synDataLength(c: Connection, optionBytes: number): number {
  const { fastOpen, sendBuffer } = c;
  if (c.state !== State.SYN_SENT || sendBuffer === null || fastOpen === null || fastOpen.cookie === null)
    return 0;
  const known = fastOpen.mss > 0 ? fastOpen.mss : c.snd.peerMss;
  const most = Math.min(known, c.pathMss, TYPICAL_MSS[c.tuple.remote.family]) - optionBytes;
  return Math.max(0, Math.min(sendBuffer.length, most));
}

/** True while a SYN of ours carries the option: one that is sent again does not (RFC 7413 §4.2.1, §4.2.2). */
export function carriesFastOpen(c: Connection): boolean {
  const { fastOpen } = c;
  if (fastOpen === null || c.rtx.synLost) return false;
  return c.state === State.SYN_SENT ? fastOpen.isAsking : c.role === 'passive' && fastOpen.cookie !== null;
}

/** Our SYN got no answer: the next ones are plain, and the path is suspected (RFC 7413 §4.1.3.1). */
export function fastOpenTimedOut(c: Connection, now: number): void {
  if (c.fastOpen?.outcome === 'requested' || c.fastOpen?.outcome === 'offered') {
    c.fastOpen.outcome = 'given up';
    avoid(c, now);
  }
}

/** An ICMP error was believed in SYN-SENT: it may be the option or the data that somebody minds (RFC 7413 §4.1.3.1). */
export function fastOpenObjected(c: Connection, now: number): void {
  if (c.fastOpen?.isAsking === true) avoid(c, now);
}

/** Our SYN was acknowledged: what the server says of our cookie and our data (RFC 7413 §4.2.2). */
export function fastOpenAnswered(c: Connection, s: SegmentView, now: number): void {
  const { fastOpen } = c;
  if (fastOpen === null || !fastOpen.isAsking) return;
  const taken = Math.min(fastOpen.synBytes, seqDiff(c.snd.una, seqAdd(c.snd.iss, 1)));
  const given = (s.flags & SYN) !== 0 && s.fastOpenLength > 0;
  const works = taken > 0 || given;
  if (works) {
    const cookie = given ? s.bytes.subarray(s.fastOpenOffset, s.fastOpenOffset + s.fastOpenLength) : null;
    c.environment.fastOpenCache!.learn(c.tuple, cookie, c.snd.peerMss);
  }
  const isRefusal = fastOpen.outcome === 'requested' || fastOpen.synBytes > 0;
  if (!works && isRefusal) avoid(c, now);
  fastOpen.outcome = outcomeOf(fastOpen, taken, given);
  if (taken < fastOpen.synBytes) resendWithoutReduction(c);
}

/**
 * The number of a bare ACK: SND.NXT, but no further than the peer's window while it may know nothing of the data on our SYN.
 * Behind a SYN,ACK that closes its window an ACK there would not end the handshake.
 */
export function bareAckSeq(c: Connection): Seq {
  const { snd, fastOpen } = c;
  // Numbers do not tell how far the connection has come: after 2 GiB they seem to lie before those of the SYN.
  if (fastOpen === null || c.bytesAcknowledged >= fastOpen.synBytes) return snd.nxt;
  const edge = seqAdd(snd.una, snd.wnd);
  const isSynData = seqLeq(snd.nxt, seqAdd(snd.iss, 1 + fastOpen.synBytes));
  return isSynData ? seqMin(edge, snd.nxt) : snd.nxt;
}

function outcomeOf({ outcome, synBytes }: FastOpenVariables, taken: number, given: boolean): FastOpenOutcome {
  if (synBytes > 0 && taken > 0) return taken === synBytes ? 'accepted' : 'partly accepted';
  if (outcome === 'requested') return given ? 'cookie received' : 'refused';
  return outcome === 'offered' && synBytes > 0 ? 'refused' : outcome;
}

function avoid(c: Connection, now: number): void {
  c.environment.fastOpenCache!.avoid(c.tuple, now);
}

// ---- server

/**
 * A listener's answer to the option on a SYN (RFC 7413 §4.2.1, §4.2.2): whether the application may have the connection at
 * once, FastOpened, and whether the client gets a cookie.
 * @param pending connections of the listener that were opened so and whose handshake is not over
 */
export function grantFastOpen(c: Connection, syn: SegmentView, pending: number, now: number): void {
  const cookies = c.environment.fastOpenCookies;
  if (!c.config.fastOpen || cookies === undefined) return;
  c.fastOpen = new FastOpenVariables('not asked');
  if (syn.fastOpenLength < 0) return;
  if (pending >= c.config.fastOpenPending) {
    c.fastOpen.outcome = 'limit';
    return;
  }
  const { local, remote } = c.tuple;
  const { bytes, fastOpenOffset: offset, fastOpenLength: length } = syn;
  const verdict = length === 0 ? 'wrong' : cookies.judge(remote, local, bytes, offset, length, now);
  // Whoever shows the present cookie needs no other.
  if (verdict !== 'current') c.fastOpen.cookie = cookies.make(remote, local, now).slice();
  if (verdict === 'wrong') {
    c.fastOpen.outcome = length === 0 ? 'cookie given' : 'refused';
    return;
  }
  c.fastOpen.outcome = 'accepted';
  c.fastOpen.isAccepted = true;
}
