// One connection: the pure state machine behind RFC 9293. Its owner brings segments, calls and the time, and takes
// segments, events and the next deadline. This class holds the state and the doors; the rules live in the files beside it.
import type { FourTuple } from '../wire/address.js';
import type { SegmentView } from '../wire/segment.js';
import { ACK, RST } from '../wire/segment.js';
import { type Seq, seqDiff, seqGt } from '../wire/seq.js';
import { DelayedAck, notePause } from './acknowledge.js';
import type { BlockPool } from './block-pool.js';
import * as calls from './calls.js';
import { ReplyThrottle } from './challenge-ack.js';
import type { ConnectionConfig } from './config.js';
import type { Controller } from './congestion/controller.js';
import type { CwndValidation } from './congestion/cwnd-validation.js';
import type { DeliveryRate } from './delivery-rate.js';
import { NO_ECN } from './ecn.js';
import { type ConnectionErrorCode, Event } from './events.js';
import { type Explanation, explain, HistoryStep } from './explain.js';
import type { FastOpenCache, FastOpenCookies, FastOpenVariables } from './fast-open.js';
import type { Flight } from './flight.js';
import { type IcmpErrorKind, onIcmpError, onPathMss, onPathMtuChanged } from './icmp-error.js';
import { type TcpInfo, tcpInfo } from './info.js';
import { armKeepAlive } from './keepalive.js';
import { Limit } from './limit.js';
import { LimitClock } from './limit-clock.js';
import type { MtuProbing } from './mtu-probing.js';
import { heldBack, pollTransmit, wantsTransmit } from './output.js';
import type { Pacer } from './pacing.js';
import type { Rack } from './rack.js';
import { Reassembly } from './reassembly.js';
import { ReceiveQueue, type ViewClass } from './receive-queue.js';
import type { ReceiveTuning } from './receive-tuning.js';
import type { RttEstimator } from './rtt.js';
import type { SackMemory } from './sack-blocks.js';
import { Scoreboard } from './scoreboard.js';
import { fillReset } from './segment-arrives/closed.js';
import { segmentArrives } from './segment-arrives/otherwise.js';
import { segmentArrivesSynSent } from './segment-arrives/syn-sent.js';
import { SegmentOut, type SegmentSink } from './segment-out.js';
import { SendBuffer } from './send-buffer.js';
import { SenderState } from './sender-state.js';
import { State, type Transition, Trigger, transitionFor } from './state.js';
import {
  AckDue,
  DEFAULT_SEND_MSS_V4,
  DEFAULT_SEND_MSS_V6,
  ReceiveVariables,
  type RetransmissionVariables,
  SendVariables,
} from './tcb.js';
import { onTimers } from './timeouts.js';
import { Timer, Timers } from './timers.js';
import { TimestampVariables } from './timestamps.js';
import type { ConnectionEnd, DropReason, DropReply, Trace, Verdict } from './trace.js';

export { type ConnectionErrorCode, Event } from './events.js';

/** What a connection needs from outside. Shared by all connections of a stack. */
export interface ConnectionEnvironment {
  /** Listener of the core's events, or null. */
  readonly trace: Trace | null;
  /** Initial send sequence number for a new connection (RFC 9293 MUST-8, MUST-9; RFC 6528). */
  initialSequence(tuple: FourTuple, now: number): Seq;
  /** Memory for received data, zeroed or not; default a plain Uint8Array. Only what was written is handed out. */
  readonly allocate?: (bytes: number) => Uint8Array;
  /** What `receive` is mostly asked for; default a plain Uint8Array. */
  readonly View?: ViewClass;
  /** Memory for copies of data to be sent; default one for each connection. */
  readonly blocks?: BlockPool;
  /**
   * What the timestamps of a connection are ahead of the clock's milliseconds, modulo 2^32 (RFC 7323 §5.4): a keyed hash
   * of the tuple, so that they say nothing of each other and still never run backwards between two connections of one
   * tuple (RFC 6191). Default 0.
   */
  timestampOffset?(tuple: FourTuple): number;
  /**
   * Keyed hash of a tuple and two words, 32 bits of which the low 24 are used, for SYN cookies (RFC 4987 §3.6). Its secret must
   * not be guessable.
   */
  synCookieMac?(tuple: FourTuple, a: number, b: number): number;
  /** What clients remember of servers that speak Fast Open (RFC 7413 §4.1.3). Default: nobody does, and none is asked. */
  readonly fastOpenCache?: FastOpenCache;
  /** The cookies that listeners give (RFC 7413 §4.1.2). Default: none. */
  readonly fastOpenCookies?: FastOpenCookies;
  /** Told once per outage when a segment was retransmitted R1 times: the route may be bad (RFC 9293 MUST-20). */
  negativeAdvice?(tuple: FourTuple, now: number): void;
}

/**
 * The STATUS call of RFC 9293 §3.10.6: the variables of the transmission control block, for who follows the protocol
 * (log, ladder, tests). Sequence numbers are relative to ISS and IRS. How a connection performs is told by `TcpInfo`, which
 * takes from here what both tell, and needs the time.
 */
export interface ConnectionStatus {
  state: State;
  /** As uint32. */
  iss: number;
  irs: number;
  sndUna: number;
  sndNxt: number;
  sndWnd: number;
  rcvNxt: number;
  rcvWnd: number;
  /** Bytes accepted by SEND and not yet acknowledged. */
  sendQueueBytes: number;
  /** Bytes that RECEIVE would return. */
  receiveQueueBytes: number;
  /** Bytes kept out of order. */
  reassemblyBytes: number;
  sendMss: number;
  srttMs: number;
  rttvarMs: number;
  rtoMs: number;
  cwnd: number;
  ssthresh: number;
  inFlight: number;
  retransmissions: number;
}

/** An RST with numbers of its own, which leaves before anything else. */
interface PendingReset {
  readonly flags: number;
  readonly seq: Seq;
  readonly ack: Seq;
}

/** Filled and emptied within one call. */
const scratchReset = new SegmentOut();

/** One TCP connection. */
export class Connection {
  /** Free for the owner of the connection. */
  owner: unknown = null;
  state: State = State.CLOSED;
  /** Why it ended, once CLOSED; null for an orderly end. */
  error: ConnectionErrorCode | null = null;
  /** Last soft error, or null. */
  softError: ConnectionErrorCode | null = null;
  dscp: number;

  readonly snd = new SendVariables();
  readonly rcv = new ReceiveVariables();
  readonly timers = new Timers();
  readonly trace: Trace | null;
  /** What the peer reported by SACK; made when first needed. */
  scoreboard: Scoreboard | null = null;
  /** The search for the size that the path takes; null until it is in doubt. */
  mtuProbing: MtuProbing | null = null;
  /** Made when first needed. */
  sendBuffer: SendBuffer | null = null;
  receiveQueue: ReceiveQueue | null = null;
  reassembly: Reassembly | null = null;
  /** The growing receive buffer; made at the first data where it may grow. */
  receiveTuning: ReceiveTuning | null = null;
  /** What SACK has to report; made when something first arrives out of order or twice. */
  sack: SackMemory | null = null;
  /** Null where Fast Open is off. */
  fastOpen: FastOpenVariables | null = null;
  readonly ts = new TimestampVariables();
  /** Shared while ECN is out of the question. */
  ecn = NO_ECN;
  /** The next segment of new data tells the peer that its echo of congestion was heard (RFC 3168 §6.1.2). */
  cwrDue = false;
  private replyThrottle: ReplyThrottle | null = null;
  private lastStep: HistoryStep | null = null;
  private sender: SenderState | null = null;
  /** The handshake is over: the owner, which takes this back, may have it `rest` once nothing came of that for a while. */
  mayRest = false;
  /**
   * Clock ms since when the sender that was put away had nothing to do, or -1; and the round trip of the handshake, which is
   * all that it knew.
   */
  private restedAt = -1;
  private handshakeMs = 0;

  nagle: boolean;
  quickAck = false;
  keepAlive: boolean;
  keepAliveIdleMs: number;
  keepAliveIntervalMs: number;
  keepAliveProbes: number;
  keepAliveProbesSent = 0;
  /** A keep-alive probe is to be sent at once. */
  keepAliveDue = false;
  userTimeoutMs: number;
  /** Number up to which the application has pushed: data beyond may wait for more. */
  pushedUpTo: Seq = 0;
  /** Largest payload that the path takes. */
  pathMss: number;

  /** Both SYNs carried a window scale. */
  scaleAgreed = false;
  /** Both SYNs permitted SACK. */
  sackAgreed = false;
  /** Both SYNs carried timestamps: every segment but RST does (RFC 7323 §3.2). */
  timestampsAgreed = false;
  /** Both SYNs agreed on ECN (RFC 3168 §6.1.1). */
  ecnAgreed = false;
  /** CLOSE was called: a FIN follows the queued data. */
  finQueued = false;
  /** The application has left; nobody will read. */
  readClosed = false;
  /** `send` refused bytes: WRITABLE is owed. */
  writeBlocked = false;

  ackDue: AckDue = AckDue.NONE;
  bytesSinceAck = 0;
  /** Segments that arrived out of order since the last in-order one and have not been answered each by an ACK. */
  duplicateAcksDue = 0;
  private delayedAckState: DelayedAck | null = null;
  pendingReset: PendingReset | null = null;
  events = 0;

  /** A SYN of a new connection arrived in TIME-WAIT. */
  peerReopens = false;
  /** How often a repeated FIN began the 2 MSL wait anew. */
  timeWaitRestarts = 0;
  /** Payload bytes that arrived in order. */
  bytesReceived = 0;
  /** Payload bytes of ours that were acknowledged. */
  bytesAcknowledged = 0;
  segmentsIn = 0;
  segmentsOut = 0;
  /** Those with payload. */
  dataSegmentsIn = 0;
  dataSegmentsOut = 0;
  /** Segments that arrived ahead of their turn. */
  outOfOrderIn = 0;
  /** Payload bytes sent, those sent again included, and those sent again. */
  bytesSent = 0;
  bytesResent = 0;
  /** Segments sent again. */
  retransmissions = 0;
  lastReceivedAt = 0;
  /** When the last segment with payload arrived. */
  lastDataReceivedAt = 0;
  lastSentAt = 0;
  /** When something that takes sequence numbers last left; negative before the first. */
  lastDataSentAt = -1;

  /**
   * A connection in CLOSED, to be opened by `openActive`, or by `openPassive` with the SYN that a listener accepted.
   * @param id number of this connection in its stack, from 1: `c7` in logs
   * @param config shared by reference; not changed
   * @param role how it begins
   */
  constructor(
    readonly id: number,
    readonly tuple: FourTuple,
    readonly config: ConnectionConfig,
    readonly environment: ConnectionEnvironment,
    readonly role: 'active' | 'passive',
  ) {
    this.trace = environment.trace;
    this.snd.peerMss = tuple.remote.family === 6 ? DEFAULT_SEND_MSS_V6 : DEFAULT_SEND_MSS_V4;
    this.pathMss = config.pathMss;
    this.snd.mss = Math.min(this.snd.peerMss, this.pathMss);
    this.dscp = config.dscp;
    this.nagle = config.nagle;
    this.keepAlive = config.keepAlive;
    this.keepAliveIdleMs = config.keepAliveIdleMs;
    this.keepAliveIntervalMs = config.keepAliveIntervalMs;
    this.keepAliveProbes = config.keepAliveProbes;
    this.userTimeoutMs = config.userTimeoutMs;
  }

  // ---- OPEN (§3.10.1)

  /** Active OPEN: CLOSED to SYN-SENT. The SYN leaves with the next `pollTransmit`. */
  openActive(now: number): void {
    calls.openActive(this, now);
  }

  /**
   * Passive OPEN answered: takes the SYN that `classifyListenSegment` accepted, and goes to SYN-RECEIVED.
   * @param reopened the TIME-WAIT connection that this one follows on the same tuple, or null
   * @param fastOpenPending connections of the listener that Fast Open has handed out and whose handshake is not over
   */
  openPassive(syn: SegmentView, reopened: Connection | null, now: number, fastOpenPending = 0): void {
    calls.openPassive(this, syn, reopened, fastOpenPending, now);
  }

  // ---- SEND (§3.10.2)

  /** Bytes that `send` would take now. */
  get sendSpace(): number {
    return calls.sendSpace(this);
  }

  /**
   * Queues data by reference: `bytes` must not change until acknowledged. Legal from SYN-SENT on.
   * @param push false when more follows at once: a last short segment may wait for it, half a second at most
   * @returns how many leading bytes were taken; when fewer than all, `WRITABLE` follows
   */
  send(bytes: Uint8Array, push: boolean, now: number): number {
    return calls.send(this, bytes, push, now);
  }

  /** As `send`, with a copy: `bytes` may change as soon as it returns. */
  sendCopy(bytes: Uint8Array, push: boolean, now: number): number {
    return calls.send(this, bytes, push, now, 'changing');
  }

  /** As `send`, but only until `returnBorrowed`: from then on `bytes` may change. */
  sendBorrowed(bytes: Uint8Array, push: boolean, now: number): number {
    return calls.send(this, bytes, push, now, 'borrowed');
  }

  /** Copies what was borrowed and is not acknowledged yet. */
  returnBorrowed(): void {
    this.sendBuffer?.returnBorrowed();
  }

  /** As `send`, and the urgent pointer covers the bytes taken (RFC 9293 MUST-62). */
  sendUrgent(bytes: Uint8Array, now: number): number {
    return calls.sendUrgent(this, bytes, now);
  }

  /** Switches Nagle's algorithm (RFC 9293 MUST-17; `setNoDelay` is the opposite). */
  setNagle(on: boolean): void {
    this.nagle = on;
  }

  // ---- RECEIVE (§3.10.3)

  /** Bytes that `receive` would hand out. */
  get receiveQueueBytes(): number {
    if (this.receiveQueue === null || (this.state === State.SYN_RECEIVED && !this.isFastOpened)) return 0;
    return this.receiveQueue.length;
  }

  /**
   * The next in-order bytes, at most `max`, or null when there are none. The array belongs to the caller.
   * @param View what it is to be; default a plain `Uint8Array`
   */
  receive(max: number, now: number, View?: ViewClass): Uint8Array | null {
    return calls.receive(this, max, now, View);
  }

  /** True when the peer's FIN was reached and all data before it was handed out. */
  get atEnd(): boolean {
    return this.peerFinReached && this.receiveQueueBytes === 0;
  }

  /** Urgent bytes still to be read, 0 for none (RFC 9293 MUST-33). */
  get urgentBytes(): number {
    if (!this.rcv.urgent) return 0;
    const read = (this.rcv.nxt - (this.peerFinReached ? 1 : 0) - this.receiveQueueBytes) | 0;
    return Math.max(0, seqDiff(this.rcv.up, read));
  }

  // ---- CLOSE, ABORT (§3.10.4, §3.10.5)

  /** Ends our direction: FIN after the queued data. Reading goes on. Idempotent. */
  shutdownWrite(now: number): void {
    calls.shutdownWrite(this, 'shutdown', now);
  }

  /**
   * The application has left: ends both directions. With unread data an RST goes out at once; else FIN, and data that
   * arrives later is answered by RST (RFC 9293 SHLD-3). FIN-WAIT-2 then ends by its timer.
   */
  close(now: number): void {
    calls.close(this, now);
  }

  /** RST to the peer (in the states that call for one) and CLOSED; queued data is dropped. */
  abort(now: number): void {
    calls.abort(this, now);
  }

  /** The owner gives a half-open or TIME-WAIT connection up for a limit's sake: CLOSED without a segment. */
  evict(now: number): void {
    this.terminate(Trigger.LIMIT_EVICTED, 'evicted', null, null, now);
  }

  /**
   * A new incarnation takes the place of this one in TIME-WAIT (RFC 9293 MAY-2). The transition out of TIME-WAIT is told
   * by the new connection; this one only ends.
   */
  supersede(now: number): void {
    this.state = State.CLOSED;
    this.timers.clearAll();
    this.events |= Event.CLOSED;
    this.trace?.connectionClosed(this, 'reused', now);
  }

  // ---- options during the connection

  /**
   * Switches keep-alive (RFC 9293 MUST-24).
   * @param idleMs idle time before the first probe; 0 leaves it as it is
   */
  setKeepAlive(on: boolean, idleMs: number, now: number): void {
    this.keepAlive = on;
    if (idleMs > 0) this.keepAliveIdleMs = idleMs;
    armKeepAlive(this, now);
  }

  /**
   * How keep-alive asks a peer that stays silent, from the next probe on.
   * @param intervalMs time between probes
   * @param probes unanswered ones that end the connection
   */
  setKeepAliveProbing(intervalMs: number, probes: number): void {
    this.keepAliveIntervalMs = intervalMs;
    this.keepAliveProbes = probes;
  }

  /** Acknowledges every segment at once, or delays again: as Linux's TCP_QUICKACK, but for good. */
  setQuickAck(on: boolean): void {
    this.quickAck = on;
    if (on && this.ackDue === AckDue.DELAYED) this.acknowledgeNow();
  }

  /** Sets R2 for this connection in ms, 0 for the default (RFC 9293 MUST-21). */
  setUserTimeout(ms: number, now: number): void {
    this.userTimeoutMs = ms;
    this.timers.clear(Timer.USER);
    if (ms > 0 && this.inFlight > 0) this.timers.set(Timer.USER, now + ms);
  }

  /** Sets the differentiated-services code point of packets from now on (RFC 9293 SHLD-21). */
  setDscp(dscp: number): void {
    this.dscp = dscp;
  }

  // ---- STATUS (§3.10.6)

  /** A snapshot of the variables. */
  status(): ConnectionStatus {
    const { snd, rcv } = this;
    return {
      state: this.state,
      iss: snd.iss >>> 0,
      irs: rcv.irs >>> 0,
      sndUna: (snd.una - snd.iss) >>> 0,
      sndNxt: (snd.nxt - snd.iss) >>> 0,
      sndWnd: snd.wnd,
      rcvNxt: (rcv.nxt - rcv.irs) >>> 0,
      rcvWnd: this.receiveWindow,
      sendQueueBytes: this.sendBuffer?.length ?? 0,
      receiveQueueBytes: this.receiveQueueBytes,
      reassemblyBytes: this.reassembly?.byteCount ?? 0,
      sendMss: snd.mss,
      srttMs: this.rtt.srtt,
      rttvarMs: this.rtt.rttvar,
      rtoMs: this.rtt.rto,
      cwnd: this.congestion.cwnd,
      ssthresh: this.congestion.ssthresh,
      inFlight: this.inFlight,
      retransmissions: this.retransmissions,
    };
  }

  /** The way through the states so far: at most as long as the diagram, which has no circle. */
  get history(): HistoryStep[] {
    const steps: HistoryStep[] = [];
    for (let step = this.lastStep; step !== null; step = step.before) steps.unshift(step);
    return steps;
  }

  /** Why the connection ended, and what makes it slow. */
  explain(now: number): Explanation {
    return explain(this, now);
  }

  /** How the connection performs, and what limits it at this moment. */
  tcpInfo(now: number): TcpInfo {
    return tcpInfo(this, now);
  }

  /** The missing ranges [from, to) before data that arrived out of order, relative to IRS. */
  receiveHoles(): [number, number][] {
    const holes: [number, number][] = [];
    let from = this.rcv.nxt;
    for (const [start, end] of this.reassembly?.stretches() ?? []) {
      holes.push([(from - this.rcv.irs) >>> 0, (start - this.rcv.irs) >>> 0]);
      from = end;
    }
    return holes;
  }

  // ---- driven by the owner

  /** A segment with a good checksum for this tuple arrived (§3.10.7). */
  onSegment(segment: SegmentView, now: number): void {
    const stateAtArrival = this.state;
    this.segmentsIn += segment.segmentCount;
    this.lastReceivedAt = now;
    if (segment.payloadLength > 0) this.noteDataIn(segment, now);
    this.keepAliveProbesSent = 0;
    let verdict: Verdict;
    if (stateAtArrival === State.SYN_SENT) verdict = segmentArrivesSynSent(this, segment, now);
    else if (stateAtArrival > State.SYN_SENT) verdict = segmentArrives(this, segment, now);
    else verdict = this.answerAsClosed(segment, now);
    if (verdict === 'ooo') this.outOfOrderIn++;
    this.trace?.segmentReceived(this, segment, verdict, stateAtArrival, now);
  }

  /** An ICMP error quotes a segment of ours with sequence number `quotedSeq` (§3.9.2.2, RFC 5927). */
  onIcmpError(kind: IcmpErrorKind, quotedSeq: Seq, now: number): void {
    onIcmpError(this, kind, quotedSeq, now);
  }

  /**
   * An ICMP error says that the path takes at most `mss` payload bytes (fragmentation needed, packet too big).
   * @returns whether it was believed: it quotes a segment that is in flight
   */
  onPathMss(mss: number, quotedSeq: Seq): boolean {
    return onPathMss(this, mss, quotedSeq);
  }

  /** Segments may have `mss` payload bytes from now on, more or less than before: the owner knows of the path by other means. */
  onPathMtuChanged(mss: number): void {
    onPathMtuChanged(this, mss);
  }

  /** Acts on every timer whose deadline is at or before `now`. */
  onTimer(now: number): void {
    onTimers(this, now);
  }

  /** Sends all that may be sent now. Returns false when the sink filled up before the end. */
  pollTransmit(now: number, sink: SegmentSink): boolean {
    return pollTransmit(this, now, sink);
  }

  /** Instead of `pollTransmit` while the way out is full: what waits to be sent is given a deadline. */
  heldBack(now: number): void {
    heldBack(this, now);
  }

  /** Whether `pollTransmit` would send something. */
  get wantsTransmit(): boolean {
    return wantsTransmit(this);
  }

  /** Earliest deadline in clock ms, or Infinity. */
  nextTimeout(): number {
    return this.timers.next();
  }

  /** What happened since the last call, as bits of `Event`. */
  takeEvents(): number {
    const events = this.events;
    this.events = 0;
    return events;
  }

  // ---- shared by the rules

  get rtx(): RetransmissionVariables {
    return (this.sender ?? this.makeSender()).rtx;
  }

  get flight(): Flight {
    return (this.sender ?? this.makeSender()).flight;
  }

  get rate(): DeliveryRate {
    return (this.sender ?? this.makeSender()).rate;
  }

  get rack(): Rack {
    return (this.sender ?? this.makeSender()).rack;
  }

  get rtt(): RttEstimator {
    return (this.sender ?? this.makeSender()).rtt;
  }

  get limited(): LimitClock {
    return (this.sender ?? this.makeSender()).limited;
  }

  get congestion(): Controller {
    return (this.sender ?? this.makeSender()).congestion;
  }

  get validation(): CwndValidation | null {
    return (this.sender ?? this.makeSender()).validation;
  }

  get pacer(): Pacer | null {
    return (this.sender ?? this.makeSender()).pacer;
  }

  /** As it is before anything but the SYN was sent. */
  private makeSender(): SenderState {
    const sender = new SenderState(this.config, this.snd.mss);
    sender.flight.start = this.snd.una;
    sender.rtx.recover = this.snd.iss;
    if (this.restedAt >= 0) {
      sender.rtt.sample(this.handshakeMs, this.restedAt);
      sender.limited = LimitClock.after(this.handshakeMs, this.restedAt);
      // Nothing was there to be sent until now.
      sender.rate.appLimited(0);
    }
    this.sender = sender;
    return sender;
  }

  /**
   * After a handshake without a hitch, and with nothing sent or to be sent, the sender has learnt nothing but the round
   * trip of the handshake: many connections stay like that for long.
   */
  rest(): void {
    const { sender } = this;
    if (sender === null) return;
    const { onlySampleMs } = sender.rtt;
    if (onlySampleMs < 0) return;
    // With anything queued or in flight, or after the end, the clock says something else.
    if (sender.limited.handshakeOnlyMs !== onlySampleMs) return;
    // A SYN that was lost has made the window smaller.
    if (sender.congestion.isUntouched !== true) return;
    this.handshakeMs = onlySampleMs;
    this.restedAt = sender.limited.since;
    this.sender = null;
  }

  get delayedAck(): DelayedAck {
    this.delayedAckState ??= new DelayedAck();
    return this.delayedAckState;
  }

  /** Bytes (SYN and FIN counted) sent and not acknowledged. */
  get inFlight(): number {
    return (this.snd.nxt - this.snd.una) | 0;
  }

  /** RCV.WND: from RCV.NXT to the right edge granted. */
  get receiveWindow(): number {
    return Math.max(0, (this.rcv.edge - this.rcv.nxt) | 0);
  }

  /** The application has the connection although its handshake may not be over: FastOpened of RFC 7413 §4.2. */
  get isFastOpened(): boolean {
    return this.fastOpen?.isAccepted === true;
  }

  /** The congestion window stopped the last transmission: it may grow. */
  get windowLimited(): boolean {
    return this.limited.by === Limit.CONGESTION_WINDOW;
  }

  /** True once RCV.NXT has passed the peer's FIN. */
  get peerFinReached(): boolean {
    return this.rcv.finKnown && seqGt(this.rcv.nxt, this.rcv.finSeq);
  }

  /** Sequence number of our FIN; meaningful when `finQueued`. */
  get finSeq(): Seq {
    return this.sendBuffer === null ? (this.snd.iss + 1) | 0 : this.sendBuffer.end;
  }

  /** True once our FIN was sent at least once. */
  get finSent(): boolean {
    return this.finQueued && seqGt(this.snd.nxt, this.finSeq);
  }

  /** The allowance for challenge ACKs and their like. */
  get throttle(): ReplyThrottle {
    this.replyThrottle ??= new ReplyThrottle(this.config.challengeAckLimit, this.config.challengeAckWindowMs);
    return this.replyThrottle;
  }

  /** Changes state along a legal transition, and tells of it. */
  enter(to: State, trigger: Trigger, segment: SegmentView | null, now: number): void {
    const transition: Transition = transitionFor(this.state, to, trigger);
    this.state = to;
    this.lastStep = new HistoryStep(transition, now, this.lastStep);
    this.trace?.stateChanged(this, transition, segment, now);
  }

  /**
   * Ends the connection: state, timers, buffers, event. Data that was received in order stays readable.
   * @param to LISTEN when a passive half-open connection goes back to its listener
   */
  terminate(
    trigger: Trigger,
    end: ConnectionEnd,
    error: ConnectionErrorCode | null,
    segment: SegmentView | null,
    now: number,
    to: typeof State.CLOSED | typeof State.LISTEN = State.CLOSED,
  ): void {
    this.enter(to, trigger, segment, now);
    this.error = error;
    this.timers.clearAll();
    this.sendBuffer?.discard();
    this.sendBuffer = null;
    this.writeBlocked = false;
    this.reassembly = null;
    this.ackDue = AckDue.NONE;
    this.duplicateAcksDue = 0;
    this.rtx.resendHead = false;
    this.rtx.probeNow = false;
    this.rtx.lossProbeDue = false;
    this.rtx.tally.onEnd(now);
    this.limited.note(Limit.FINISHED, false, now);
    this.events |= Event.CLOSED;
    this.trace?.connectionClosed(this, end, now);
  }

  /** A segment with payload arrived. */
  noteDataIn(segment: SegmentView, now: number): void {
    if (this.dataSegmentsIn > 0) notePause(this, now);
    this.dataSegmentsIn += segment.segmentCount;
    this.lastDataReceivedAt = now;
  }

  /** Owes the peer an acknowledgment that cannot wait. */
  acknowledgeNow(): void {
    this.ackDue = AckDue.NOW;
  }

  /** Owes a challenge ACK, if the allowance permits (RFC 5961 §7). */
  challenge(now: number): DropReply {
    if (!this.throttle.allowChallenge(now)) return 'none';
    this.ackDue = AckDue.NOW;
    return 'challenge';
  }

  /** Answers with an RST as if no connection existed (§3.10.7.1): SEG.ACK as sequence number. */
  replyReset(segment: SegmentView): DropReply {
    if (this.pendingReset !== null || !fillReset(segment, scratchReset)) return 'none';
    this.pendingReset = { flags: scratchReset.flags, seq: scratchReset.seq, ack: scratchReset.ack };
    return 'rst';
  }

  /** The RST of ABORT (§3.10.5): it goes out at SND.NXT, where the peer expects it. */
  queueAbortReset(): void {
    this.pendingReset = { flags: RST | ACK, seq: this.snd.nxt, ack: this.rcv.nxt };
  }

  /** Starts or moves a timer, and tells of it. */
  startTimer(timer: Timer, delayMs: number, n: number, now: number): void {
    if (this.trace !== null) {
      this.trace.timerChanged(this, timer, this.timers.isSet(timer) ? 'restart' : 'start', delayMs, n, now);
    }
    this.timers.set(timer, now + delayMs);
  }

  /** Stops a timer that runs, and tells of it. */
  stopTimer(timer: Timer, now: number): void {
    if (!this.timers.isSet(timer)) return;
    if (this.trace !== null) {
      this.trace.timerChanged(this, timer, 'stop', this.timers.deadline(timer) - now, 0, now);
    }
    this.timers.clear(timer);
  }

  /** Tells of a dropped segment. */
  dropped(segment: SegmentView, reason: DropReason, reply: DropReply, rule: string, now: number): Verdict {
    this.trace?.segmentDropped(this, segment, reason, reply, rule, now);
    return 'drop';
  }

  /** Bytes that the receive buffer may hold now. */
  get receiveCapacity(): number {
    return this.receiveTuning === null ? this.config.receiveBufferBytes : this.receiveTuning.capacity;
  }

  requireScoreboard(): Scoreboard {
    this.scoreboard ??= new Scoreboard();
    return this.scoreboard;
  }

  /** The send buffer, made at first use; its first byte follows our SYN. */
  requireSendBuffer(): SendBuffer {
    this.sendBuffer ??= new SendBuffer((this.snd.iss + 1) | 0, this.environment.blocks);
    return this.sendBuffer;
  }

  requireReceiveQueue(): ReceiveQueue {
    const { allocate, View } = this.environment;
    this.receiveQueue ??= new ReceiveQueue(allocate, undefined, View);
    return this.receiveQueue;
  }

  requireReassembly(): Reassembly {
    this.reassembly ??= new Reassembly(this.config.reassemblySegments, this.environment.allocate);
    return this.reassembly;
  }

  private answerAsClosed(segment: SegmentView, now: number): Verdict {
    const reply = this.replyReset(segment);
    return this.dropped(segment, 'no_tcb', reply, 'RFC9293-3.10.7.1', now);
  }
}
