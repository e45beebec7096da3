// Where each connection stands in the stack's tables, and the bounds of these tables. After anything was done to a
// connection `settle` moves it to the place that its state asks for; nothing here calls a user or sends a packet.
import { State } from '../tcp/state.js';
import type { IpAddress } from '../wire/address.js';
import { Demux } from './demux.js';
import type { Endpoint } from './endpoint.js';
import { EndpointQueue } from './endpoint-queue.js';
import type { Limits } from './limits.js';
import type { TableHash } from './siphash.js';
import type { TcpStats } from './stats.js';
import type { TimerWheel } from './timer-wheel.js';

/** All connections of a stack, by tuple and by stage of life. */
export class ConnectionTable {
  readonly demux: Demux<Endpoint>;
  /** In TIME-WAIT, oldest first. */
  readonly timeWait = new EndpointQueue();
  /** Closed by their application and not in TIME-WAIT, oldest first. */
  readonly orphans = new EndpointQueue();
  /** Bytes of SYN data that half-open connections keep. */
  synDataBytes = 0;
  /** How many connections have a local port that was chosen for them. */
  private readonly chosenPorts = new Map<number, number>();
  private lastId = 0;

  /** @param onVictim told of a connection that was given up for a limit: it has events and perhaps an RST */
  constructor(
    private readonly limits: Limits,
    private readonly stats: TcpStats,
    private readonly wheel: Pick<TimerWheel<Endpoint>, 'remove'>,
    hash: Pick<TableHash, 'hash'>,
    private readonly onVictim: (endpoint: Endpoint) => void,
  ) {
    this.demux = new Demux(hash);
  }

  /** Connections, TIME-WAIT included. */
  get size(): number {
    return this.demux.size;
  }

  /** True when `limits.connections` is reached. */
  get isFull(): boolean {
    return this.demux.size >= this.limits.connections;
  }

  /** A number for the next connection. */
  nextId(): number {
    return ++this.lastId;
  }

  /** Enters a new connection whose tuple is free. */
  register(endpoint: Endpoint): void {
    endpoint.isRegistered = true;
    this.demux.add(endpoint);
    if (endpoint.hasChosenPort) this.countChosen(endpoint.tuple.localPort, 1);
  }

  /** Whether a connection has that local end, at any address for null, and was given its port by choice. */
  isChosen(local: IpAddress | null, port: number): boolean {
    if (!this.chosenPorts.has(port)) return false;
    for (const { hasChosenPort, tuple } of this.demux) {
      if (hasChosenPort && tuple.localPort === port && (local === null || tuple.local.equals(local)))
        return true;
    }
    return false;
  }

  private countChosen(port: number, step: 1 | -1): void {
    const count = (this.chosenPorts.get(port) ?? 0) + step;
    if (count === 0) this.chosenPorts.delete(port);
    else this.chosenPorts.set(port, count);
  }

  /** Brings the tables up to date with the state of a connection. Cheap when nothing changed. */
  settle(endpoint: Endpoint, now: number): void {
    const { state } = endpoint.connection;
    if (state !== endpoint.settledState) this.settleState(endpoint, state, now);
    if (endpoint.fastOpenOf !== null) this.settleFastOpen(endpoint, now);
    if (endpoint.isOrphan && endpoint.isRegistered && endpoint.queue === null) this.addOrphan(endpoint, now);
  }

  /** Ends a TIME-WAIT connection whose tuple a newer SYN takes over (RFC 9293 MAY-2). */
  replace(endpoint: Endpoint, now: number): void {
    const { connection } = endpoint;
    this.stats.timeWaitReused++;
    this.release(endpoint);
    connection.supersede(now);
    endpoint.settledState = State.CLOSED;
  }

  private settleState(endpoint: Endpoint, state: State, now: number): void {
    this.count(endpoint.settledState, state);
    endpoint.settledState = state;
    if (state !== State.SYN_RECEIVED) this.releaseSynData(endpoint);
    // LISTEN: a passive connection whose handshake failed goes back to its listener, and so ends (RFC 9293 MUST-11).
    if (state === State.CLOSED || state === State.LISTEN) {
      this.release(endpoint);
      return;
    }
    if (endpoint.listener !== null && endpoint.queue === endpoint.listener.halfOpen) {
      if (state !== State.SYN_RECEIVED) endpoint.listener.promote(endpoint);
    } else if (state === State.TIME_WAIT) {
      this.addTimeWait(endpoint, now);
    }
  }

  /** Whatever its state: an application that answers and closes at once has not made the handshake complete. */
  private settleFastOpen(endpoint: Endpoint, now: number): void {
    const { connection } = endpoint;
    const { snd, state, error } = connection;
    if (snd.una === snd.iss && state !== State.CLOSED) return;
    endpoint.fastOpenOf!.end(snd.una === snd.iss && error === 'ECONNRESET', now);
    endpoint.fastOpenOf = null;
  }

  private addTimeWait(endpoint: Endpoint, now: number): void {
    this.timeWait.push(endpoint);
    if (this.timeWait.size <= this.limits.timeWait) return;
    const victim = this.timeWait.first!;
    this.stats.timeWaitEvicted++;
    victim.connection.evict(now);
    this.settle(victim, now);
    this.onVictim(victim);
  }

  private addOrphan(endpoint: Endpoint, now: number): void {
    this.orphans.push(endpoint);
    if (this.orphans.size <= this.limits.orphans) return;
    const victim = this.orphans.first!;
    this.stats.orphansEvicted++;
    victim.connection.abort(now);
    this.settle(victim, now);
    this.onVictim(victim);
  }

  private release(endpoint: Endpoint): void {
    if (!endpoint.isRegistered) return;
    endpoint.isRegistered = false;
    endpoint.listener = null;
    endpoint.queue?.remove(endpoint);
    this.releaseSynData(endpoint);
    this.demux.remove(endpoint);
    if (endpoint.hasChosenPort) this.countChosen(endpoint.tuple.localPort, -1);
    this.wheel.remove(endpoint);
  }

  private releaseSynData(endpoint: Endpoint): void {
    this.synDataBytes -= endpoint.synDataBytes;
    endpoint.synDataBytes = 0;
  }

  private count(from: State, to: State): void {
    const { stats } = this;
    const wasUp = isUp(from);
    const up = isUp(to);
    if (up && !wasUp) stats.currEstab++;
    if (wasUp && !up) stats.currEstab--;
    if (from === State.CLOSED && to === State.SYN_SENT) stats.activeOpens++;
    if (from === State.CLOSED && to === State.SYN_RECEIVED) stats.passiveOpens++;
    const ended = to === State.CLOSED || to === State.LISTEN;
    if (ended && (from === State.SYN_SENT || from === State.SYN_RECEIVED)) stats.attemptFails++;
    if (ended && wasUp) stats.estabResets++;
  }
}

/** The states of `tcpCurrEstab` (RFC 4022). */
function isUp(state: State): boolean {
  return state === State.ESTABLISHED || state === State.CLOSE_WAIT;
}
