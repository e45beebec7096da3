// A stack whose endpoints do what a test says: for moments that real traffic brings about only by luck.
import { after } from 'node:test';
import { Liveness } from '../../src/net/liveness.js';
import type { NetContext, NetStack } from '../../src/net/net-stack.js';
import { type BindOptions, type BoundPort, BoundPorts } from '../../src/stack/bound-ports.js';
import { VirtualClock } from '../../src/stack/clock.js';
import type {
  ConnectOptions,
  Endpoint,
  EndpointHandler,
  Listener,
  ListenerHandler,
  ListenOptions,
} from '../../src/stack/endpoint.js';
import { type ConnectionErrorCode, Event } from '../../src/tcp/connection.js';
import type { ViewClass } from '../../src/tcp/receive-queue.js';
import { State } from '../../src/tcp/state.js';
import { IpAddress } from '../../src/wire/address.js';

/** Every endpoint of the file: those that the tests left open end with it, so that they do not keep the process alive. */
const made: ScriptedEndpoint[] = [];

after(() => {
  for (const endpoint of made) {
    endpoint.state = State.CLOSED;
    endpoint.tell(Event.CLOSED);
  }
});

const OURS = IpAddress.parse('10.9.0.2')!;

/** What was sent, and how. */
export interface Sent {
  readonly bytes: Uint8Array;
  readonly push: boolean;
}

/** Connection and endpoint in one; the test writes the fields that a real connection would compute. */
export class ScriptedEndpoint {
  readonly speaksFastOpen = false;
  readonly connection = this;
  handler: EndpointHandler | null = null;

  state: State = State.SYN_SENT;
  error: ConnectionErrorCode | null = null;
  softError: ConnectionErrorCode | null = null;
  peerEnded = false;
  keepAliveProbes = 9;
  /** Room that `send` has. */
  sendSpace = Number.POSITIVE_INFINITY;

  readonly queue: Uint8Array[] = [];
  readonly sent: Sent[] = [];
  /** Names of the calls that end or tune something. */
  readonly calls: string[] = [];

  constructor(
    readonly tuple: { local: IpAddress; localPort: number; remote: IpAddress; remotePort: number },
  ) {
    made.push(this);
  }

  get atEnd(): boolean {
    return this.peerEnded && this.queue.length === 0;
  }

  receive(_max: number, View: ViewClass): Uint8Array | null {
    const bytes = this.queue.shift();
    return bytes === undefined ? null : new View(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  send(bytes: Uint8Array, push: boolean): number {
    const taken = Math.min(bytes.length, this.sendSpace);
    this.sendSpace -= taken;
    if (taken > 0) this.sent.push({ bytes: bytes.subarray(0, taken), push });
    return taken;
  }

  sendCopy(bytes: Uint8Array, push: boolean): number {
    return this.send(Uint8Array.from(bytes), push);
  }

  sendBorrowed(bytes: Uint8Array, push: boolean): number {
    return this.send(bytes, push);
  }

  returnBorrowed(): void {
    this.sent.splice(
      0,
      this.sent.length,
      ...this.sent.map((each) => ({ ...each, bytes: Uint8Array.from(each.bytes) })),
    );
  }

  shutdownWrite(): void {
    this.calls.push('shutdownWrite');
    this.state = State.FIN_WAIT_1;
  }

  close(): void {
    this.calls.push('close');
    if (this.state === State.ESTABLISHED) this.state = State.FIN_WAIT_1;
  }

  abort(): void {
    this.calls.push('abort');
    this.state = State.CLOSED;
  }

  setNagle(on: boolean): void {
    this.calls.push(`setNagle ${on}`);
  }

  setKeepAlive(on: boolean, idleMs: number): void {
    this.calls.push(`setKeepAlive ${on} ${idleMs}`);
  }

  setKeepAliveProbing(intervalMs: number, probes: number): void {
    this.calls.push(`setKeepAliveProbing ${intervalMs} ${probes}`);
    this.keepAliveProbes = probes;
  }

  setDscp(dscp: number): void {
    this.calls.push(`setDscp ${dscp}`);
  }

  /** Tells the handler. */
  tell(events: number): void {
    this.handler?.onEvents(this as unknown as Endpoint, events);
  }

  /** All that was sent, in text. */
  get sentText(): string {
    return Buffer.concat(this.sent.map(({ bytes }) => bytes)).toString();
  }
}

/** The stack, and the context that sockets and servers take. */
export class ScriptedStack implements NetStack {
  readonly clock = new VirtualClock();
  readonly addresses = [OURS];
  readonly opened: ScriptedEndpoint[] = [];
  readonly context: NetContext = {
    stack: this,
    liveness: new Liveness(),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeoutMs: 250,
  };
  private acceptQueue: ScriptedEndpoint[] = [];
  private listenerHandler: ListenerHandler | null = null;
  private readonly listener = {
    port: 80,
    accept: () => this.acceptQueue.shift() ?? null,
    close: () => {},
  } as unknown as Listener;

  isListenedOn(): boolean {
    return false;
  }

  isChosenPort(): boolean {
    return false;
  }

  bind({ port }: BindOptions): BoundPort {
    return new BoundPorts().hold(port);
  }

  owns(address: IpAddress): boolean {
    return address.equals(OURS);
  }

  connect(options: ConnectOptions, handler: EndpointHandler): Endpoint {
    const { remote, remotePort } = options;
    const endpoint = new ScriptedEndpoint({ local: OURS, localPort: 50_000, remote, remotePort });
    endpoint.handler = handler;
    this.opened.push(endpoint);
    return endpoint as unknown as Endpoint;
  }

  listen(_options: ListenOptions, handler: ListenerHandler): Listener {
    this.listenerHandler = handler;
    return this.listener;
  }

  /** Lets connections arrive at the listener, all at once. */
  arrive(...endpoints: ScriptedEndpoint[]): void {
    for (const endpoint of endpoints) endpoint.state = State.ESTABLISHED;
    this.acceptQueue.push(...endpoints);
    this.listenerHandler?.onAcceptable(this.listener);
  }

  /** A peer's end for `arrive`. */
  static incoming(port = 50_001): ScriptedEndpoint {
    const remote = IpAddress.parse('10.9.0.1')!;
    return new ScriptedEndpoint({ local: OURS, localPort: 80, remote, remotePort: port });
  }
}

/** The next turn of the event loop: all ticks, and all immediates that are due, have run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/**
 * Collects what reaches `uncaughtException` while `action` runs and in the turn after it, instead of ending the process.
 */
export async function collectUncaught(action: () => void): Promise<unknown[]> {
  const caught: unknown[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => caught.push(error));
  try {
    action();
    await turn();
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
  return caught;
}
