// The application on a stack of ours, at either end.
import type { Endpoint, EndpointHandler } from '../stack/endpoint.js';
import type { Listener } from '../stack/listener.js';
import type { Stack } from '../stack/stack.js';
import { Event } from '../tcp/connection.js';
import { STATE_NAMES, State } from '../tcp/state.js';
import type { IpAddress } from '../wire/address.js';
import { pattern, textOf } from './payload.js';
import {
  type Actor,
  type AtEnd,
  type ConnectSettings,
  type ListenSettings,
  newSession,
  type Session,
  type StateName,
} from './stage.js';

const READ_BYTES = 65_536;
const utf8 = new TextEncoder();

/** Where an end is. */
export interface Place {
  readonly address: IpAddress;
  readonly peer: IpAddress;
  readonly clientPort: number;
  readonly serverPort: number;
  /** Whether this is A. */
  readonly isClient: boolean;
}

/** Drives endpoints of a stack as a program would. */
export class StackActor implements Actor {
  readonly sessions: Session[] = [];
  accepted = 0;
  atEnd: AtEnd = 'nothing';
  private endpoint: Endpoint | null = null;
  private listener: Listener | null = null;
  private isPaused = false;

  constructor(
    private readonly stack: Stack,
    private readonly place: Place,
  ) {}

  get session(): Session {
    return this.sessions.at(-1) ?? newSession();
  }

  get receivedBytes(): number {
    return this.session.received.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  get receivedText(): string {
    return textOf(this.session.received);
  }

  /** What the port is without a connection. */
  get portState(): State {
    return this.listener?.isListening === true ? State.LISTEN : State.CLOSED;
  }

  async listen(settings: ListenSettings = {}): Promise<void> {
    this.atEnd = settings.atEnd ?? this.atEnd;
    const options = { address: null, port: this.place.serverPort, backlog: settings.backlog ?? 16 };
    this.listener = this.stack.listen(options, {
      onAcceptable: (listener) => {
        for (let each = listener.accept(); each !== null; each = listener.accept()) {
          this.accepted++;
          this.take(each, newSession());
        }
      },
    });
  }

  /** No more connections are taken. */
  stopListening(): void {
    this.listener?.close();
  }

  connect(settings: ConnectSettings = {}): void {
    const { peer, serverPort, isClient } = this.place;
    const clientPort = this.place.clientPort + (settings.portOffset ?? 0);
    const [localPort, remotePort] = isClient ? [clientPort, serverPort] : [serverPort, clientPort];
    const session = newSession();
    const config = settings.config;
    const options = { remote: peer, remotePort, localPort };
    const endpoint = this.stack.connect(config === undefined ? options : { ...options, config }, null);
    this.take(endpoint, session);
    if (settings.data !== undefined) this.send(settings.data);
  }

  send(data: string | number): void {
    const bytes = typeof data === 'number' ? pattern(data) : utf8.encode(data);
    const taken = this.endpoint?.send(bytes, true) ?? 0;
    if (taken > 0) this.session.sent.push(bytes.subarray(0, taken));
    else if (bytes.length > 0) this.session.error ??= 'EPIPE';
  }

  shutdown(): void {
    this.endpoint?.shutdownWrite();
  }

  close(): void {
    this.endpoint?.close();
  }

  abort(): void {
    this.endpoint?.abort();
  }

  pause(): void {
    this.isPaused = true;
  }

  state(): StateName {
    const open = [...this.stack.connections()].find(({ tuple }) => tuple.remote.equals(this.place.peer));
    if (this.endpoint === null && open !== undefined) return STATE_NAMES[open.connection.state];
    return STATE_NAMES[this.endpoint?.connection.state ?? this.portState];
  }

  private take(endpoint: Endpoint, session: Session): void {
    this.endpoint = endpoint;
    this.sessions.push(session);
    const handler: EndpointHandler = { onEvents: (_, events) => this.hear(endpoint, session, events) };
    endpoint.handler = handler;
  }

  private hear(endpoint: Endpoint, session: Session, events: number): void {
    const { connection } = endpoint;
    if (events & Event.ESTABLISHED) session.established = true;
    if (!this.isPaused && connection.error === null) this.read(endpoint, session);
    if (events & Event.PEER_FIN && connection.atEnd && !session.ended) {
      session.ended = true;
      if (this.atEnd === 'close') endpoint.close();
    }
    if (events & (Event.CLOSED | Event.TIME_WAIT)) {
      session.closed = true;
      session.error = connection.error ?? session.error;
    }
  }

  private read(endpoint: Endpoint, session: Session): void {
    for (let bytes = endpoint.receive(READ_BYTES); bytes !== null; bytes = endpoint.receive(READ_BYTES)) {
      session.received.push(bytes.slice());
    }
  }
}
