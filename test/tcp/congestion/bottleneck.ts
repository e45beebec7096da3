// A path with one bottleneck, packet by packet and without chance: a queue of limited length, served at a fixed rate, and
// ACKs that come back after a fixed time. A bulk sender drives a controller by its contract: losses are found by three
// later deliveries, recovery reduces in proportion (RFC 6937), nothing but a timeout repairs a flight that is lost whole.
import type { AckSample, Controller, ControllerFactory } from '../../../src/tcp/congestion/controller.js';
import { ack } from './samples.js';

export interface BottleneckOptions {
  rateBytesPerMs: number;
  rttMs: number;
  queueBytes: number;
  mss?: number;
  /** Segments that one ACK covers. Default 2. */
  ackEvery?: number;
  /** The queue length from which packets are marked. Default: never. */
  markFromBytes?: number;
}

interface Packet {
  order: number;
  sentAt: number;
  ackAt: number;
  isMarked: boolean;
  sentDelivered: number;
  sentInFlight: number;
}

const REORDERING = 3;

/** See the head of this file. */
export class Bottleneck {
  now = 0;
  delivered = 0;
  lost = 0;
  episodes = 0;
  timeouts = 0;
  /** Sum of queue length over the packets that passed, for its mean. */
  private queueSum = 0;
  readonly controller: Controller;
  private readonly mss: number;
  private readonly arriving: Packet[] = [];
  private head = 0;
  private dropped: number[] = [];
  private nextOrder = 0;
  private inFlight = 0;
  private freeAt = 0;
  private srttMs = 0;
  private minRttMs = Number.POSITIVE_INFINITY;
  private inRecovery = false;
  private recover = 0;
  private prrDelivered = 0;
  private prrOut = 0;
  private recoverFlight = 0;
  private pending: Packet[] = [];

  constructor(
    factory: ControllerFactory,
    readonly options: BottleneckOptions,
  ) {
    this.mss = options.mss ?? 1448;
    this.controller = factory(this.mss, 10);
    this.fill();
  }

  /** Mean queue in bytes that a packet found. */
  get meanQueueBytes(): number {
    return (this.queueSum * this.mss) / this.delivered;
  }

  /** Share of the bottleneck that was used between two moments. */
  usage(fromMs: number, untilMs: number): number {
    this.run(fromMs);
    const before = this.delivered;
    this.run(untilMs);
    return (this.delivered - before) / (this.options.rateBytesPerMs * (untilMs - fromMs));
  }

  run(untilMs: number): this {
    while (true) {
      const packet = this.arriving[this.head];
      if (packet === undefined) {
        const timeout = this.now + Math.max(200, 2 * this.srttMs);
        if (timeout > untilMs) return this;
        this.now = timeout;
        this.timeOut();
      } else {
        if (packet.ackAt > untilMs) return this;
        this.head++;
        if (this.head > 4096) this.forgetArrived();
        this.now = packet.ackAt;
        this.receive(packet);
      }
      this.fill();
    }
  }

  private forgetArrived(): void {
    this.arriving.splice(0, this.head);
    this.head = 0;
  }

  private receive(packet: Packet): void {
    const last = this.pending.at(-1);
    if (last !== undefined && last.isMarked !== packet.isMarked) this.acknowledge();
    this.pending.push(packet);
    const isLast = this.arriving[this.head] === undefined;
    const isOutOfOrder = this.dropped.length > 0;
    if (this.pending.length >= (this.options.ackEvery ?? 2) || isLast || isOutOfOrder) this.acknowledge();
  }

  private acknowledge(): void {
    const packets = this.pending;
    this.pending = [];
    const newest = packets.at(-1)!;
    const bytes = packets.length * this.mss;
    const priorInFlight = this.inFlight;
    this.delivered += bytes;
    this.inFlight -= bytes;
    const rttMs = this.now - newest.sentAt;
    this.srttMs = this.srttMs === 0 ? rttMs : this.srttMs + (rttMs - this.srttMs) / 8;
    this.minRttMs = Math.min(this.minRttMs, rttMs);
    const found = this.dropped.filter((order) => order <= newest.order - REORDERING);
    this.dropped = this.dropped.filter((order) => order > newest.order - REORDERING);
    const lostBytes = found.length * this.mss;
    this.inFlight -= lostBytes;
    this.lost += lostBytes;
    const sample = ack({
      now: this.now,
      ackedBytes: bytes,
      lostBytes,
      priorInFlight,
      inFlight: this.inFlight,
      rttMs,
      srttMs: this.srttMs,
      minRttMs: this.minRttMs,
      totalDelivered: this.delivered,
      totalLost: this.lost,
      sentDelivered: newest.sentDelivered,
      sentInFlight: newest.sentInFlight,
      ecnEcho: newest.isMarked,
    });
    this.control(sample, newest, found);
  }

  private control(sample: AckSample, newest: Packet, found: number[]): void {
    const { controller } = this;
    if (this.inRecovery && newest.order >= this.recover) {
      this.inRecovery = false;
      controller.cwnd = controller.ssthresh;
      controller.onRecovered?.(sample);
    } else if (!this.inRecovery && found.length === 0) {
      controller.onAck(sample);
    }
    // RFC 6582 §3.2: what was sent before recovery began belongs to the same episode, however late its loss is found.
    if (!this.inRecovery && found.some((order) => order >= this.recover)) {
      this.inRecovery = true;
      this.recover = this.nextOrder;
      this.episodes++;
      this.recoverFlight = sample.priorInFlight;
      this.prrDelivered = 0;
      this.prrOut = 0;
      controller.onCongestion(sample, 'loss');
    }
    if (this.inRecovery) this.reduceInProportion(sample);
  }

  private reduceInProportion(sample: AckSample): void {
    const { controller } = this;
    this.prrDelivered += sample.deliveredBytes;
    const due =
      this.inFlight > controller.ssthresh
        ? Math.ceil((this.prrDelivered * controller.ssthresh) / this.recoverFlight) - this.prrOut
        : Math.min(controller.ssthresh - this.inFlight, sample.deliveredBytes + this.mss);
    controller.cwnd = this.inFlight + Math.max(0, due);
  }

  private timeOut(): void {
    this.timeouts++;
    this.dropped = [];
    this.pending = [];
    this.inRecovery = false;
    this.recover = this.nextOrder;
    const sample = ack({
      now: this.now,
      ackedBytes: 0,
      priorInFlight: this.inFlight,
      inFlight: 0,
      sentDelivered: -1,
    });
    this.lost += this.inFlight;
    this.inFlight = 0;
    this.controller.onTimeout(sample, true);
  }

  private fill(): void {
    const { mss, controller } = this;
    while (this.inFlight === 0 || this.inFlight + mss <= controller.cwnd) {
      const isIdle = this.inFlight === 0;
      this.inFlight += mss;
      this.prrOut += mss;
      this.send();
      controller.onSent?.(this.inFlight, isIdle, false, this.now);
    }
  }

  private send(): void {
    const { rateBytesPerMs, rttMs, queueBytes, markFromBytes } = this.options;
    const order = this.nextOrder++;
    const queued = Math.max(0, this.freeAt - this.now) * rateBytesPerMs;
    if (queued + this.mss > queueBytes + 1e-6) {
      this.dropped.push(order);
      return;
    }
    this.queueSum += queued;
    this.freeAt = Math.max(this.now, this.freeAt) + this.mss / rateBytesPerMs;
    this.arriving.push({
      order,
      sentAt: this.now,
      ackAt: this.freeAt + rttMs,
      isMarked: markFromBytes !== undefined && queued >= markFromBytes,
      sentDelivered: this.delivered,
      sentInFlight: this.inFlight,
    });
  }
}
