// A path with one bottleneck, and senders that drive a controller over it by its contract, packet by packet in virtual
// time. Packets have numbers and are never sent twice: what is lost is made up for by new ones, as a bulk transfer does.
import type { AckSample, Controller, LostSegment } from '../../../src/tcp/congestion/controller.js';
import { DeliveryRate } from '../../../src/tcp/delivery-rate.js';
import { Pacer } from '../../../src/tcp/pacing.js';
import { Random } from '../random.js';

/** Payload of a full segment; the path counts nothing else. */
export const MSS = 1448;
/** Bytes per ms of one Mbit/s. */
export const MBIT = 125;

export interface PathOptions {
  /** Bytes per ms. */
  rate: number;
  /** Round trip without queues, in ms. */
  rttMs: number;
  /** What the queue holds. Default: everything. */
  queueBytes?: number;
  /** Share of packets that get lost at random. */
  loss?: number;
  seed?: number;
  /** Acknowledgments come at multiples of this time only. */
  ackEveryMs?: number;
}

/** A queue in front of a link, and the way there and back. */
export class Path {
  rate: number;
  rttMs: number;
  queueBytes: number;
  loss: number;
  ackEveryMs: number;
  /** A policer instead of a queue: drops what exceeds these tokens, which refill at `rate`. */
  tokens: { bytes: number; readonly burst: number; at: number } | null = null;
  dropped = 0;
  private busyUntil = 0;
  private readonly random: Random;

  constructor(options: PathOptions) {
    this.rate = options.rate;
    this.rttMs = options.rttMs;
    this.queueBytes = options.queueBytes ?? Number.POSITIVE_INFINITY;
    this.loss = options.loss ?? 0;
    this.ackEveryMs = options.ackEveryMs ?? 0;
    this.random = new Random(options.seed ?? 1);
  }

  setRate(rate: number, now: number): void {
    this.busyUntil = now + (this.queueMs(now) * this.rate) / rate;
    this.rate = rate;
  }

  queueMs(now: number): number {
    return Math.max(0, this.busyUntil - now);
  }

  /** When the acknowledgment comes back, or -1 when the packet is lost. */
  carry(bytes: number, now: number): number {
    if (this.tokens !== null) return this.police(this.tokens, bytes, now);
    const isFull = this.queueMs(now) * this.rate + bytes > this.queueBytes + MSS;
    if (isFull) {
      this.dropped++;
      return -1;
    }
    this.busyUntil = Math.max(now, this.busyUntil) + bytes / this.rate;
    return this.returned(this.busyUntil + this.rttMs);
  }

  private police(
    tokens: { bytes: number; readonly burst: number; at: number },
    bytes: number,
    now: number,
  ): number {
    tokens.bytes = Math.min(tokens.burst, tokens.bytes + (now - tokens.at) * this.rate);
    tokens.at = now;
    if (tokens.bytes < bytes) {
      this.dropped++;
      return -1;
    }
    tokens.bytes -= bytes;
    return this.returned(now + this.rttMs);
  }

  private returned(at: number): number {
    if (this.loss > 0 && this.random.chance(this.loss)) {
      this.dropped++;
      return -1;
    }
    return this.ackEveryMs > 0 ? Math.ceil(at / this.ackEveryMs) * this.ackEveryMs : at;
  }
}

const IN_FLIGHT = 1;
const DELIVERED = 2;
const LOST = 3;
/** Packets that must overtake another before it is held lost. */
const REORDERING = 3;

interface Packet {
  state: number;
  sentAt: number;
  delivered: number;
  deliveredAt: number;
  firstSentAt: number;
  lost: number;
  inFlight: number;
  isAppLimited: boolean;
}

/** One sender with its receiver. */
export class Flow<C extends Controller = Controller> {
  readonly rate = new DeliveryRate();
  readonly pacer = new Pacer(MSS);
  inFlight = 0;
  maxInFlight = 0;
  timeouts = 0;
  srttMs = 0;
  minRttMs = 0;
  /** Bytes per ms that the application has to send; by default it always has more. */
  appRate = Number.POSITIVE_INFINITY;
  /** Seen after each acknowledgment. */
  onEvent: (now: number) => void = () => {};
  /** Samples pass here on their way to the controller. */
  onSample: (sample: AckSample) => void = () => {};
  private readonly packets: Packet[] = [];
  private readonly acks: { at: number; number: number }[] = [];
  private acksHead = 0;
  private oldest = 0;
  private highest = -1;
  private recover = -1;
  private timedOut = false;
  private wakeAt: number;
  private rtoAt = Number.POSITIVE_INFINITY;
  private appBytes = 0;
  private appAt: number;

  constructor(
    readonly controller: C,
    readonly path: Path,
    startAt = 0,
  ) {
    this.wakeAt = startAt;
    this.appAt = startAt;
    controller.onHandshake?.(path.rttMs, startAt);
  }

  setAppRate(rate: number, now: number): void {
    this.appAt = now;
    this.appBytes = 0;
    this.appRate = rate;
    this.wakeAt = now;
  }

  get nextAt(): number {
    const ack = this.acks[this.acksHead]?.at ?? Number.POSITIVE_INFINITY;
    return Math.min(ack, this.wakeAt, this.rtoAt);
  }

  step(now: number): void {
    this.earn(now);
    const head = this.acks[this.acksHead];
    if (head !== undefined && head.at <= now) this.acknowledge(now);
    else if (this.rtoAt <= now) this.timeout(now);
    this.send(now);
    this.onEvent(now);
  }

  private earn(now: number): void {
    if (this.appRate === Number.POSITIVE_INFINITY) return;
    this.appBytes += (now - this.appAt) * this.appRate;
    this.appAt = now;
  }

  private send(now: number): void {
    const { controller, pacer, rate } = this;
    this.wakeAt = Number.POSITIVE_INFINITY;
    pacer.setRate(controller.pacingRate ?? 0);
    while (this.inFlight + MSS <= controller.cwnd || this.inFlight === 0) {
      const hasData = this.appRate === Number.POSITIVE_INFINITY || this.appBytes >= MSS - 1e-6;
      if (!hasData) {
        rate.appLimited(this.inFlight);
        if (this.appRate > 0) this.wakeAt = now + (MSS - this.appBytes) / this.appRate;
        break;
      }
      if (!pacer.allows(now)) {
        // The wheel of the stack: ticks of 1 ms, rounded up.
        this.wakeAt = Math.ceil(pacer.nextAt(now));
        break;
      }
      this.transmit(now);
      pacer.setRate(controller.pacingRate ?? 0);
    }
    if (this.inFlight > 0 && this.rtoAt === Number.POSITIVE_INFINITY) this.rtoAt = now + this.rtoMs;
  }

  private transmit(now: number): void {
    const { controller, pacer, rate } = this;
    const isIdle = this.inFlight === 0;
    rate.onSend(now, isIdle);
    this.inFlight += MSS;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    if (this.appRate !== Number.POSITIVE_INFINITY) this.appBytes -= MSS;
    this.packets.push({
      state: IN_FLIGHT,
      sentAt: now,
      delivered: rate.delivered,
      deliveredAt: rate.deliveredAt,
      firstSentAt: rate.firstSentAt,
      lost: rate.lost,
      inFlight: this.inFlight,
      isAppLimited: rate.isAppLimited,
    });
    const at = this.path.carry(MSS, now);
    if (at >= 0) this.acks.push({ at, number: this.packets.length - 1 });
    pacer.onSent(MSS, now);
    controller.onSent?.(this.inFlight, isIdle, rate.isAppLimited, now);
  }

  private get rtoMs(): number {
    return 200 + 2 * this.srttMs;
  }

  private acknowledge(now: number): void {
    const { rate, controller } = this;
    const sample = emptySample(now);
    sample.priorInFlight = this.inFlight;
    let newest: Packet | null = null;
    for (let head = this.acks[this.acksHead]; head !== undefined && head.at <= now; ) {
      const packet = this.packets[head.number]!;
      if (packet.state === IN_FLIGHT) this.inFlight -= MSS;
      if (packet.state !== DELIVERED) {
        rate.onDelivered(MSS, now);
        sample.deliveredBytes += MSS;
        newest = packet;
        this.highest = Math.max(this.highest, head.number);
      }
      packet.state = DELIVERED;
      head = this.acks[++this.acksHead];
    }
    this.compact();
    if (newest !== null) this.measure(newest, sample, now);
    const lost = this.detectLosses(now);
    sample.lostBytes = lost;
    this.complete(sample);
    const inRecovery = this.recover >= 0;
    if (lost > 0 && !inRecovery) {
      this.recover = this.packets.length;
      controller.onCongestion(sample, 'loss');
    }
    this.onSample(sample);
    controller.onAck(sample);
    if (inRecovery && this.highest >= this.recover) {
      this.recover = -1;
      if (!this.timedOut) controller.onRecovered?.(sample);
      this.timedOut = false;
    }
    this.rtoAt = this.inFlight > 0 ? now + this.rtoMs : Number.POSITIVE_INFINITY;
  }

  private compact(): void {
    if (this.acksHead < 4096) return;
    this.acks.splice(0, this.acksHead);
    this.acksHead = 0;
  }

  private measure(newest: Packet, sample: AckSample, now: number): void {
    const rttMs = now - newest.sentAt;
    this.srttMs = this.srttMs === 0 ? rttMs : this.srttMs + (rttMs - this.srttMs) / 8;
    this.minRttMs = this.minRttMs === 0 ? rttMs : Math.min(this.minRttMs, rttMs);
    sample.rttMs = rttMs;
    sample.deliveryRate = this.rate.sample(
      now,
      newest.sentAt,
      newest.delivered,
      newest.deliveredAt,
      newest.firstSentAt,
      newest.isAppLimited,
      this.minRttMs,
    );
    sample.sentDelivered = newest.delivered;
    sample.sentLost = newest.lost;
    sample.sentInFlight = newest.inFlight;
    sample.isAppLimited = newest.isAppLimited;
  }

  private detectLosses(now: number): number {
    let bytes = 0;
    for (; this.oldest <= this.highest - REORDERING; this.oldest++) {
      if (this.packets[this.oldest]!.state === IN_FLIGHT) bytes += this.lose(this.oldest, now);
    }
    return bytes;
  }

  private lose(number: number, now: number): number {
    const packet = this.packets[number]!;
    packet.state = LOST;
    this.inFlight -= MSS;
    this.rate.onLost(MSS);
    const segment: LostSegment = {
      seq: (number * MSS) | 0,
      bytes: MSS,
      sentLost: packet.lost,
      sentInFlight: packet.inFlight,
      isAppLimited: packet.isAppLimited,
    };
    this.controller.onSegmentLost?.(segment, now);
    return MSS;
  }

  private timeout(now: number): void {
    this.timeouts++;
    const sample = emptySample(now);
    sample.priorInFlight = this.inFlight;
    for (; this.oldest < this.packets.length; this.oldest++) {
      if (this.packets[this.oldest]!.state === IN_FLIGHT) sample.lostBytes += this.lose(this.oldest, now);
    }
    this.complete(sample);
    this.controller.onTimeout(sample, !this.timedOut);
    this.timedOut = true;
    this.recover = this.packets.length;
    this.rtoAt = Number.POSITIVE_INFINITY;
  }

  private complete(sample: AckSample): void {
    sample.inFlight = this.inFlight;
    sample.srttMs = this.srttMs;
    sample.minRttMs = this.minRttMs;
    sample.totalDelivered = this.rate.delivered;
    sample.totalLost = this.rate.lost;
    sample.ackedBytes = sample.deliveredBytes;
  }
}

/** A sample in which nothing happened yet. */
export function emptySample(now: number): AckSample {
  return {
    now,
    ackedBytes: 0,
    deliveredBytes: 0,
    lostBytes: 0,
    priorInFlight: 0,
    inFlight: 0,
    flightBytes: 0,
    windowLimited: true,
    rttMs: -1,
    srttMs: 0,
    minRttMs: 0,
    totalDelivered: 0,
    totalLost: 0,
    sentDelivered: -1,
    sentLost: 0,
    sentInFlight: 0,
    deliveryRate: 0,
    isAppLimited: false,
    ecnEcho: false,
    hasSack: true,
  };
}

/** Lets flows run until the clock stands at `untilMs` or `isDone` says so. Returns the time. */
export function run(flows: readonly Flow[], untilMs: number, isDone: () => boolean = () => false): number {
  for (;;) {
    let first = flows[0]!;
    for (const flow of flows) if (flow.nextAt < first.nextAt) first = flow;
    const now = first.nextAt;
    if (now > untilMs) return untilMs;
    first.step(now);
    if (isDone()) return now;
  }
}
