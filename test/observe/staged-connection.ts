// A connection on a stage: tests tell what arrives, leaves, is called and expires, and the observers hear it in the
// order in which the core tells it.
import type { StackTrace } from '../../src/stack/trace.js';
import type { Connection, ConnectionStatus } from '../../src/tcp/connection.js';
import { SegmentOut } from '../../src/tcp/segment-out.js';
import { State, type Transition, Trigger, transitionFor } from '../../src/tcp/state.js';
import { TIMER_NAMES, type Timer } from '../../src/tcp/timers.js';
import type { CallName, ConnectionEnd, TimerOp, Verdict } from '../../src/tcp/trace.js';
import { IpAddress } from '../../src/wire/address.js';
import { ACK, FIN, PSH, RST, SegmentView, SYN } from '../../src/wire/segment.js';

/** Control bits from letters such as `SA`. */
export function bits(letters: string): number {
  const table: Record<string, number> = { S: SYN, F: FIN, R: RST, P: PSH, A: ACK };
  return [...letters].reduce((sum, letter) => sum | table[letter]!, 0);
}

/** A segment as a test writes it; numbers relative to the initial ones. */
export interface Staged {
  flags: string;
  seq: number;
  ack?: number;
  text?: string;
  len?: number;
  mss?: number;
  ws?: number;
  retransmission?: number;
  packetId?: number;
  /** State of our end afterwards, and what made it change. */
  to?: State;
  trigger?: Trigger;
  verdict?: Verdict;
}

const ISS = 268_435_456;
const IRS = -1_291_754_290;

export class StagedConnection {
  now = 1000;
  packetId = 0;
  /** The connection that the observers see. */
  readonly connection: Connection;
  private readonly fields: Record<string, unknown>;
  private irsKnown = false;

  constructor(
    private readonly trace: StackTrace,
    readonly role: 'active' | 'passive',
    id = 7,
  ) {
    const ours = { local: IpAddress.parse('10.9.0.2')!, localPort: role === 'active' ? 40_000 : 80 };
    const theirs = { remote: IpAddress.parse('10.9.0.1')!, remotePort: role === 'active' ? 80 : 50_000 };
    this.fields = {
      id,
      role,
      tuple: { ...ours, ...theirs },
      state: role === 'active' ? State.CLOSED : State.LISTEN,
      congestion: { name: 'newreno', cwnd: 14_600, ssthresh: Number.POSITIVE_INFINITY },
      pendingReset: null,
      bytesReceived: 3,
      bytesAcknowledged: 1500,
      segmentsIn: 6,
      segmentsOut: 7,
      retransmissions: 0,
      status: () => this.status(),
      receiveHoles: () => [[21, 31]],
    };
    this.connection = this.fields as unknown as Connection;
    trace.connectionOpened(this.connection, this.now);
  }

  /** Changes a field of the connection. */
  set(name: string, value: unknown): this {
    this.fields[name] = value;
    return this;
  }

  after(ms: number): this {
    this.now += ms;
    return this;
  }

  call(name: CallName, to?: State, trigger: Trigger = Trigger.CALL_CLOSE): this {
    this.trace.called(this.connection, name, 0, null, this.now);
    if (to !== undefined) this.enter(to, trigger, null);
    return this;
  }

  leave(staged: Staged): this {
    const segment = new SegmentOut();
    segment.packetId = staged.packetId ?? ++this.packetId;
    segment.flags = bits(staged.flags);
    segment.seq = (ISS + staged.seq) | 0;
    segment.ack = staged.ack === undefined ? 0 : ((this.irsKnown ? IRS : 0) + staged.ack) | 0;
    segment.wnd = 64_240;
    segment.retransmission = staged.retransmission ?? 0;
    const options: number[] = [];
    if (staged.mss !== undefined) options.push(2, 4, staged.mss >> 8, staged.mss & 255);
    if (staged.ws !== undefined) options.push(1, 3, 3, staged.ws);
    segment.options.set(options);
    segment.optionsLength = options.length;
    const payload = payloadOf(staged);
    if (payload.length > 0) segment.payload.add(payload, 0, payload.length);
    this.trace.segmentSent(this.connection, segment, this.now);
    return this;
  }

  arrive(staged: Staged): this {
    const stateAtArrival = this.connection.state;
    const segment = this.view(staged);
    if (segment.flags & SYN) this.irsKnown = true;
    if (staged.to !== undefined) this.enter(staged.to, staged.trigger!, segment);
    const verdict = staged.verdict ?? 'accept';
    this.trace.segmentReceived(this.connection, segment, verdict, stateAtArrival, this.now);
    return this;
  }

  view(staged: Staged): SegmentView {
    const segment = new SegmentView();
    segment.packetId = staged.packetId ?? ++this.packetId;
    segment.flags = bits(staged.flags);
    const refusal = !this.irsKnown && (segment.flags & SYN) === 0;
    segment.seq = refusal ? staged.seq : (IRS + staged.seq) | 0;
    segment.ack = (ISS + (staged.ack ?? 0)) | 0;
    segment.wnd = 64_240;
    segment.mss = staged.mss ?? -1;
    segment.windowScale = staged.ws ?? -1;
    segment.bytes = payloadOf(staged);
    segment.payloadLength = segment.bytes.length;
    const controls = (segment.flags & SYN ? 1 : 0) + (segment.flags & FIN ? 1 : 0);
    segment.len = segment.payloadLength + controls;
    return segment;
  }

  timer(timer: Timer, op: TimerOp, delayMs: number, n = 0): this {
    this.trace.timerChanged(this.connection, timer, op, delayMs, n, this.now);
    return this;
  }

  enter(to: State, trigger: Trigger, segment: SegmentView | null): Transition {
    const transition = transitionFor(this.connection.state, to, trigger);
    this.fields.state = to;
    this.trace.stateChanged(this.connection, transition, segment, this.now);
    return transition;
  }

  close(end: ConnectionEnd): this {
    this.trace.connectionClosed(this.connection, end, this.now);
    return this;
  }

  private status(): ConnectionStatus {
    return {
      state: this.connection.state,
      iss: ISS >>> 0,
      irs: this.irsKnown ? IRS >>> 0 : 0,
      sndUna: 1,
      sndNxt: 1,
      sndWnd: 64_240,
      rcvNxt: this.irsKnown ? 1 : 0,
      rcvWnd: 65_535,
      sendQueueBytes: 10,
      receiveQueueBytes: 20,
      reassemblyBytes: 30,
      sendMss: 1460,
      srttMs: 0.25,
      rttvarMs: 0.125,
      rtoMs: 200,
      cwnd: 14_600,
      ssthresh: Number.POSITIVE_INFINITY,
      inFlight: 5,
      retransmissions: 0,
    };
  }
}

function payloadOf(staged: Staged): Uint8Array {
  return staged.text === undefined ? new Uint8Array(staged.len ?? 0) : new TextEncoder().encode(staged.text);
}

/** Timer names by number, so that tests may name them. */
export const TIMERS: readonly string[] = TIMER_NAMES;
