// The application on the kernel's side as scripts see it: commands go to a program in the namespace, and what it tells
// becomes what the script can ask for.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { STATE_NAMES, State } from '../tcp/state.js';
import type { CallName } from '../tcp/trace.js';
import type { AppCommand, AppEvent } from './kernel-app.js';
import { PYTHON_APP } from './kernel-app-python.js';
import { textOf } from './payload.js';
import { kernelSockets } from './proc-net.js';
import {
  type Actor,
  type AtEnd,
  type ConnectSettings,
  type ListenSettings,
  newSession,
  type Session,
  type StateName,
} from './stage.js';

/** Where the kernel's end is, and who hears of its calls. */
export interface KernelEnd {
  readonly netns: string;
  readonly address: string;
  readonly peer: string;
  readonly clientPort: number;
  readonly serverPort: number;
  readonly isClient: boolean;
  /** Use Python for what Node cannot ask of a socket. */
  readonly python: boolean;
  called(call: CallName): void;
}

/** Drives the program. */
export class KernelActor implements Actor {
  readonly sessions: Session[] = [];
  accepted = 0;
  /** Resolves when the program runs. */
  readonly ready: Promise<void>;
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private heard: (() => void) | null = null;
  private lastError = '';
  private atEndNow: AtEnd = 'nothing';

  constructor(private readonly end: KernelEnd) {
    const program = end.python
      ? ['python3', '-u', '-c', PYTHON_APP]
      : [process.execPath, fileURLToPath(new URL('./kernel-app.js', import.meta.url))];
    this.child = spawn('nsenter', [`--net=/run/netns/${end.netns}`, '--', ...program], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdin!.on('error', () => {});
    this.child.stderr!.on('data', (chunk: Buffer) => {
      this.lastError = (this.lastError + chunk.toString()).slice(-2000);
    });
    this.exited = new Promise((resolve) => void this.child.once('exit', () => resolve()));
    createInterface({ input: this.child.stdout! }).on('line', (line) =>
      this.hear(JSON.parse(line) as AppEvent),
    );
    this.ready = this.next('the program on the kernel’s side runs');
  }

  get session(): Session {
    return this.sessions.at(-1) ?? newSession();
  }
  get receivedBytes(): number {
    return this.session.received.reduce((sum, bytes) => sum + bytes.length, 0);
  }
  get receivedText(): string {
    return textOf(this.session.received);
  }
  get atEnd(): AtEnd {
    return this.atEndNow;
  }
  set atEnd(what: AtEnd) {
    this.atEndNow = what;
    this.tell({ do: 'at-end', what });
  }

  async listen(settings: ListenSettings = {}): Promise<void> {
    const { address: host, serverPort: port } = this.end;
    this.atEndNow = settings.atEnd ?? this.atEndNow;
    const listening = this.next('the kernel listens');
    this.tell({ do: 'listen', host, port, backlog: settings.backlog ?? 16, atEnd: this.atEndNow });
    await listening;
  }

  connect(settings: ConnectSettings = {}): void {
    const { peer: host, serverPort, address: localAddress, isClient } = this.end;
    const clientPort = this.end.clientPort + (settings.portOffset ?? 0);
    const [localPort, port] = isClient ? [clientPort, serverPort] : [serverPort, clientPort];
    this.sessions.push(newSession());
    this.end.called('connect');
    const { data, fastOpen } = settings;
    this.tell({
      do: 'connect',
      host,
      port,
      localAddress,
      localPort,
      ...(data === undefined ? {} : { data }),
      ...(fastOpen === undefined ? {} : { fastOpen }),
    });
  }

  send(data: string | number): void {
    this.tell({ do: 'send', data });
  }

  shutdown(): void {
    this.end.called('shutdown');
    this.tell({ do: 'shutdown' });
  }

  close(): void {
    this.end.called('close');
    this.tell({ do: 'close' });
  }

  abort(): void {
    this.end.called('abort');
    this.tell({ do: 'abort' });
  }

  pause(): void {
    this.tell({ do: 'pause' });
  }

  state(): StateName {
    return STATE_NAMES[this.kernelState(this.sessions.length > 0 ? State.CLOSED : State.LISTEN)];
  }

  /**
   * The state of the kernel's connection.
   * @param otherwise what is meant where there is none: LISTEN counts while the port is listened on
   */
  kernelState(otherwise: State): State {
    const { isClient, clientPort, serverPort } = this.end;
    const sockets = kernelSockets(this.child.pid ?? 0);
    const [local, remote] = isClient ? [clientPort, serverPort] : [serverPort, clientPort];
    const own = sockets.find((each) => each.localPort === local && each.remotePort === remote);
    if (own !== undefined) return own.state;
    const isListening = sockets.some((each) => each.localPort === local && each.state === State.LISTEN);
    return otherwise === State.LISTEN && isListening ? State.LISTEN : State.CLOSED;
  }

  /** States of the kernel's sockets other than listeners and TIME-WAIT. */
  leftovers(): string[] {
    return kernelSockets(this.child.pid ?? 0)
      .map(({ state }) => state)
      .filter((state) => state !== State.LISTEN && state !== State.TIME_WAIT)
      .map((state) => STATE_NAMES[state]);
  }

  /** Ends the program. */
  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  private tell(command: AppCommand): void {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`);
  }

  /** Resolves with the next answer that is one. */
  private next(what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.heard = resolve;
      this.exited.then(() => reject(new Error(`waited in vain until ${what}: ${this.lastError.trim()}`)));
    });
  }

  private hear(event: AppEvent): void {
    switch (event.ev) {
      case 'ready':
      case 'listening':
        this.heard?.();
        break;
      case 'accepted':
        this.accepted++;
        this.sessions.push({ ...newSession(), established: true });
        break;
      default:
        if (this.sessions.length > 0) this.note(this.session, event);
    }
  }

  private note(session: Session, event: AppEvent): void {
    if (event.ev === 'established') session.established = true;
    else if (event.ev === 'sent') session.sent.push(Buffer.from(event.hex, 'hex'));
    else if (event.ev === 'data') session.received.push(Buffer.from(event.hex, 'hex'));
    else if (event.ev === 'end') session.ended = true;
    else if (event.ev === 'closed') session.closed = true;
    else if (event.ev === 'error') session.error = event.code;
  }
}
