// The order of things. A turn takes in everything that is there, then tells the users, then sends, then hands the packets
// to the wire and sets the clock: so all queued segments are processed before any acknowledgment leaves, and one
// acknowledgment covers them (RFC 9293 MUST-58, MUST-59), and no user is ever called from within a connection.
import { Event } from '../tcp/connection.js';
import { State } from '../tcp/state.js';
import type { Clock } from './clock.js';
import type { ConnectionTable } from './connection-table.js';
import type { Endpoint, EndpointDriver } from './endpoint.js';
import type { IpOutput } from './ip-output.js';
import type { Limits } from './limits.js';
import type { Listener } from './listener.js';
import type { PathMtu } from './path-mtu.js';
import { RestQueue } from './rest-queue.js';
import type { TimerWheel } from './timer-wheel.js';
import { WorkList } from './work-list.js';

/** What a turn works on. */
export interface TurnParts {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly table: ConnectionTable;
  readonly wheel: Pick<TimerWheel<Endpoint>, 'arm' | 'reschedule'>;
  readonly output: IpOutput;
  readonly paths: PathMtu;
  /** Takes in packets from us to us; false when there were none. */
  takeLooped(now: number): boolean;
  /** Whether there are packets from us to us. */
  hasLooped(): boolean;
  /** Runs a callback soon, at the end of the present task: for calls from outside of a turn. */
  defer(callback: () => void): void;
  /** Runs a callback after others had their turn: for work that one turn had to leave over. */
  resume(callback: () => void): void;
  /** Takes an error that a handler threw, once the turn is over. */
  report(error: unknown): void;
  /** Called at the end of every turn. */
  ended(now: number): void;
}

/** Longer nobody waits to hear that it is connected. */
const MOST_HELD_TURNS = 8;

/** Runs turns, and keeps what they still have to do. */
export class Turn implements EndpointDriver {
  private isActive = false;
  private isStopped = false;
  private isDeferred = false;
  private isResuming = false;
  private turnNow = 0;
  private readonly delivery = new WorkList<Endpoint>();
  private readonly transmission = new WorkList<Endpoint>();
  /** Endpoints whose events came of transmission: these are told in the next turn, before which other packets are taken in. */
  private readonly stirred: Endpoint[] = [];
  /** Endpoints whose users are about to send more; see `leaveToUser`. */
  private readonly left: Endpoint[] = [];
  private readonly resting = new RestQueue();
  private readonly listeners: Listener[] = [];
  private readonly errors: unknown[] = [];
  /** Connected to ourselves, and not told yet. */
  private readonly connected: Endpoint[] = [];
  /** Ends of turns at which somebody was among these. */
  private heldTurns = 0;
  private eventBudget = 0;
  /** Bytes that users have added to what is to be sent, since the last transmission. */
  private addedBytes = 0;
  /** They have added enough: others are told only when that has left. */
  private isCutShort = false;
  /** Whether packets from us to us are taken in now; see `rounds`. */
  private takesLooped = true;
  // Made once: who makes a function where it is needed pays for it also in calls that do not come that far.
  private readonly runDeferred = () => {
    this.isDeferred = false;
    this.takesLooped = false;
    // A promise that nobody waits for would make it an unhandled rejection.
    try {
      this.run(nothing);
    } catch (error) {
      this.parts.report(error);
    }
  };
  private readonly runResumed = () => {
    this.isResuming = false;
    this.run(nothing);
  };

  constructor(private readonly parts: TurnParts) {}

  /** Clock ms of the turn, or of this moment outside of one. */
  now(): number {
    return this.isActive ? this.turnNow : this.parts.clock.now();
  }

  /** Marks an endpoint: its place, events, segments and deadline are looked at before the turn ends. */
  changed(endpoint: Endpoint, now = this.now()): void {
    this.parts.table.settle(endpoint, now);
    this.mark(endpoint);
  }

  /** As `changed`, for an endpoint whose place is settled. */
  mark(endpoint: Endpoint): void {
    if (!endpoint.awaitsDelivery) {
      endpoint.awaitsDelivery = true;
      this.delivery.push(endpoint);
    }
    if (!endpoint.awaitsTransmit) {
      endpoint.awaitsTransmit = true;
      this.transmission.push(endpoint);
    }
    this.deferTurn();
  }

  leaveToUser(endpoint: Endpoint): void {
    if (!this.isActive || endpoint.isLeftToUser || !endpoint.awaitsTransmit) return;
    endpoint.isLeftToUser = true;
    this.left.push(endpoint);
  }

  /** Marks a listener whose handler is to be called. */
  acceptable(listener: Listener): void {
    if (listener.awaitsDelivery) return;
    listener.awaitsDelivery = true;
    this.listeners.push(listener);
    this.deferTurn();
  }

  /**
   * Runs a turn that begins with `work`. Within a turn (a link that delivers while it flushes) only the work is done, and
   * the turn under way sees to the rest.
   */
  run(work: (now: number) => void): void {
    if (this.isPartOfAnother(work)) return;
    this.isActive = true;
    this.turnNow = this.parts.clock.now();
    this.eventBudget = this.parts.limits.eventsPerTurn;
    this.parts.output.beginTurn(this.parts.limits.segmentsPerTurn);
    try {
      work(this.turnNow);
      this.rounds();
    } finally {
      this.isActive = false;
      if (this.left.length > 0) this.takeUpLeft();
      this.parts.wheel.reschedule();
    }
    if (this.errors.length > 0) for (const error of this.errors.splice(0)) this.parts.report(error);
  }

  /** Does the work with which a turn begins, where more is about to follow: `run` goes on with it. */
  begin(work: (now: number) => void): void {
    if (this.isPartOfAnother(work)) return;
    this.isActive = true;
    this.turnNow = this.parts.clock.now();
    try {
      work(this.turnNow);
    } finally {
      this.isActive = false;
    }
  }

  /** Does the work within the turn under way, if there is one, and nothing once there are none any more. */
  private isPartOfAnother(work: (now: number) => void): boolean {
    if (this.isStopped) return true;
    if (this.isActive) work(this.turnNow);
    return this.isActive;
  }

  /** No turn runs any more: the link is about to go. */
  stop(): void {
    this.isStopped = true;
  }

  /** Comes back for what is left over. */
  private resumeLater(): void {
    if (this.isResuming) return;
    this.isResuming = true;
    this.parts.resume(this.runResumed);
  }

  /** What they have to send by now, and what their users add to it until the end of the task, leaves then. */
  private takeUpLeft(): void {
    for (const endpoint of this.left) {
      endpoint.isLeftToUser = false;
      this.transmission.push(endpoint);
    }
    this.left.length = 0;
    this.deferTurn();
  }

  private deferTurn(): void {
    if (this.isActive || this.isDeferred) return;
    this.isDeferred = true;
    this.parts.defer(this.runDeferred);
  }

  /**
   * Packets from us to us are taken in without end, but not once somebody was told something, nor at the end of a task in
   * which somebody called: their promises run first, and add listeners, as they do while a kernel takes its time. Of a
   * connection to ourselves the listener hears first, as from a kernel, whose handshake is over before anybody looks.
   */
  private rounds(): void {
    const { parts, turnNow } = this;
    let isLooping = true;
    for (let round = 0; isLooping && round < parts.limits.roundsPerTurn; round++) {
      this.deliver();
      this.transmit();
      parts.output.flush();
      const looped = this.takesLooped && parts.takeLooped(turnNow);
      isLooping = looped || (this.hasEvents && this.eventBudget > 0) || this.canTransmit;
      // Before others add more the ACKs of this are taken in, and make room for it in memory that is warm.
      if (this.isCutShort) break;
    }
    this.takesLooped = true;
    if (this.connected.length > 0) this.releaseConnected();
    if (this.stirred.length > 0) this.markStirred();
    parts.ended(turnNow);
    // What a full link holds back goes on with `writable`; everything else needs another turn.
    const isSendable = this.transmission.length > 0 && parts.output.isLinkWritable;
    const isWaiting = this.connected.length > 0;
    if (isLooping || isWaiting || this.hasEvents || isSendable || parts.hasLooped()) this.resumeLater();
  }

  private markStirred(): void {
    for (const endpoint of this.stirred) this.mark(endpoint);
    this.stirred.length = 0;
  }

  /** Once the last step of their handshakes has come through, or after some turns in which something else did. */
  private releaseConnected(): void {
    this.heldTurns++;
    if (this.parts.hasLooped() && this.heldTurns < MOST_HELD_TURNS) return;
    this.heldTurns = 0;
    while (this.connected.length > 0) this.mark(this.connected.pop()!);
  }

  private get hasEvents(): boolean {
    return this.delivery.length > 0 || this.listeners.length > 0;
  }

  private get canTransmit(): boolean {
    return this.transmission.length > 0 && this.parts.output.writable;
  }

  /** Calls handlers until nothing is left to tell, new listeners' connections first: they need their handler. */
  private deliver(): void {
    let told = 0;
    this.addedBytes = 0;
    this.isCutShort = false;
    while (this.hasEvents && this.eventBudget > 0) {
      while (this.listeners.length > 0 && this.eventBudget-- > 0) this.announce(this.listeners.shift()!);
      if (told === this.delivery.length) break;
      this.isCutShort = this.addedBytes >= this.parts.limits.sendBytesPerTurn;
      if (this.isCutShort) break;
      if (this.eventBudget-- > 0) this.tell(this.delivery.at(told++));
    }
    this.delivery.dropFirst(told);
  }

  private announce(listener: Listener): void {
    listener.awaitsDelivery = false;
    if (!listener.isListening) return;
    this.takesLooped = false;
    try {
      listener.handler.onAcceptable(listener);
    } catch (error) {
      this.errors.push(error);
    }
  }

  private tell(endpoint: Endpoint): void {
    endpoint.awaitsDelivery = false;
    const events = endpoint.connection.takeEvents() | endpoint.undelivered;
    const { handler } = endpoint;
    endpoint.undelivered = handler === null ? events : 0;
    // For who cannot send now: timers run while the link is full. All others are looked at when they have sent.
    if (!this.parts.output.isLinkWritable) {
      endpoint.connection.heldBack(this.turnNow);
      this.arm(endpoint);
    }
    if (handler === null || events === 0) return;
    if (endpoint.heedsListener && (events & Event.ESTABLISHED) !== 0) {
      endpoint.heedsListener = false;
      endpoint.undelivered = events;
      this.connected.push(endpoint);
      return;
    }
    this.takesLooped = false;
    const before = endpoint.connection.sendBuffer?.length ?? 0;
    try {
      handler.onEvents(endpoint, events);
    } catch (error) {
      this.errors.push(error);
    }
    this.addedBytes += (endpoint.connection.sendBuffer?.length ?? 0) - before;
  }

  /** Polls every marked connection until the way out is full; who was stopped in the midst goes to the end. */
  private transmit(): void {
    const { parts, turnNow, transmission } = this;
    const { output } = parts;
    const marked = transmission.length;
    let polled = 0;
    while (polled < marked && output.writable) {
      const endpoint = transmission.at(polled++);
      if (endpoint.isLeftToUser) continue;
      if (this.isCutShort && endpoint.connection.events !== 0) {
        // Its user was not told yet, and has perhaps an answer that goes with the ACK.
        transmission.push(endpoint);
        continue;
      }
      endpoint.awaitsTransmit = false;
      parts.paths.follow(endpoint);
      const { connection } = endpoint;
      const isDone = connection.pollTransmit(turnNow, output);
      parts.table.settle(endpoint, turnNow);
      this.arm(endpoint);
      if (connection.events !== 0) this.stirred.push(endpoint);
      if (connection.mayRest) {
        connection.mayRest = false;
        this.resting.add(connection);
      }
      if (!isDone) {
        endpoint.awaitsTransmit = true;
        transmission.push(endpoint);
        break;
      }
    }
    transmission.dropFirst(polled);
  }

  private arm(endpoint: Endpoint): void {
    const { connection } = endpoint;
    if (!endpoint.isRegistered || connection.state === State.CLOSED) return;
    this.parts.wheel.arm(endpoint, connection.nextTimeout());
  }
}

function nothing(): void {}
