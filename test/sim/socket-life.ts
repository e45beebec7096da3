// A day of sockets in virtual time: clients and servers on two stacks do at random whatever a program can do, over a wire
// that loses, doubles and reorders packets and is cut now and then. What every socket must keep to is watched all along.
import { setImmediate as turn } from 'node:timers/promises';
import { act } from '../../src/link/impair-rules.js';
import { Liveness } from '../../src/net/liveness.js';
import type { NetContext } from '../../src/net/net-stack.js';
import { Server } from '../../src/net/server.js';
import { Socket } from '../../src/net/socket.js';
import type { Stack } from '../../src/stack/stack.js';
import { Random } from '../tcp/random.js';
import { VirtualWire } from './virtual-wire.js';

/** Every event of a socket that is not the echo of a call of ours (`pause`, `resume`). */
const EVENTS = [
  'lookup',
  'connectionAttempt',
  'connectionAttemptFailed',
  'connectionAttemptTimeout',
  'connect',
  'ready',
  'data',
  'readable',
  'end',
  'finish',
  'drain',
  'timeout',
  'softError',
  'error',
  'close',
];
const PORTS = [7, 80, 443];
/** Of the right host, and one where nobody is. */
const ADDRESSES = ['10.9.0.2', 'fd00:9::2', '10.9.0.99'];
const MAX_SOCKETS = 40;

/** What one connection of a socket has told so far. */
class Life {
  errors = 0;
  closes = 0;
  trail: string[] = [];
  /** What it did against the rules, or null. */
  offence: string | null = null;

  note(event: string): void {
    this.trail.push(event);
    if (this.trail.length > 30) this.trail.shift();
    if (this.closes > 0) this.offence ??= `${event} after close`;
    if (event === 'error' && ++this.errors > 1) this.offence ??= 'a second error';
    if (event === 'close') this.closes++;
  }
}

/** How the day went. */
export interface DayResult {
  /** Broken rules, each with what its socket had told; empty when all is well. */
  offences: string[];
  /** Counts of what happened, so that a test can see that enough did. */
  counts: Record<string, number>;
}

/** The world of one seed. */
export class SocketDay {
  private readonly random: Random;
  private readonly wire: VirtualWire;
  private readonly contexts: NetContext[];
  private readonly servers: Server[] = [];
  private readonly lives = new Map<Socket, Life>();
  private readonly offences: string[] = [];
  private readonly counts: Record<string, number> = {};
  private isCut = false;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.wire = new VirtualWire({
      seed,
      delayMs: 8,
      jitterMs: 4,
      loss: 0.01,
      duplicate: 0.005,
      reorder: 0.01,
      corrupt: 0.002,
      rules: [{ match: { flags: () => this.isCut }, act: act.drop() }],
    });
    this.contexts = [this.wire.left, this.wire.right].map(contextOf);
  }

  /** Lives through `hours`, then lets everything end. */
  async live(hours: number): Promise<DayResult> {
    const { clock } = this.wire;
    const begin = clock.now();
    const end = begin + hours * 3_600_000;
    for (const port of PORTS) this.serve(port);
    await turn();
    while (clock.now() < end) {
      await this.runUntil(clock.now() + 100 + this.random.int(0, 8000));
      this.act();
      await turn();
    }
    await this.finish();
    return { offences: this.offences, counts: this.counts };
  }

  /** Streams work in ticks of Node: each step of the clock waits for those that it set off. */
  private async runUntil(at: number): Promise<void> {
    while (this.wire.clock.step(at)) await turn();
    this.wire.clock.advanceTo(at);
  }

  private count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  // ---- what happens

  private act(): void {
    const { random } = this;
    const sockets = [...this.lives.keys()];
    const roll = random.next();
    if (roll < 0.3 && sockets.length < MAX_SOCKETS) this.connect();
    else if (roll < 0.32) this.isCut = true;
    else if (roll < 0.34) this.restart(random.pick(this.servers));
    else if (sockets.length > 0) this.disturb(random.pick(sockets));
    if (this.isCut && random.chance(0.2)) this.isCut = false;
  }

  private connect(): void {
    const { random } = this;
    const socket = new Socket(this.contexts[0]!, {
      allowHalfOpen: random.chance(0.3),
      noDelay: random.chance(0.5),
      keepAlive: random.chance(0.3),
      keepAliveInitialDelay: 30_000,
    });
    this.watch(socket);
    this.open(socket);
  }

  private open(socket: Socket): void {
    const { random } = this;
    this.lives.set(socket, new Life());
    const found = ADDRESSES.filter(() => random.chance(0.6)).map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }));
    this.count('connects');
    socket.connect({
      port: random.pick([...PORTS, 9]),
      host: random.pick([...ADDRESSES, 'a.name']),
      lookup: (_host, _options, callback) => {
        if (found.length === 0)
          process.nextTick(callback, Object.assign(new Error('no name'), { code: 'ENOTFOUND' }));
        else process.nextTick(callback, null, found);
      },
    });
    if (random.chance(0.3)) socket.setTimeout(random.int(500, 120_000));
    if (random.chance(0.5)) socket.write(Buffer.alloc(random.int(1, 50_000)));
    if (random.chance(0.2)) this.disturb(socket);
  }

  private watch(socket: Socket): void {
    const { random } = this;
    for (const event of EVENTS) {
      // Listening for `data` lets it flow; not all sockets shall.
      if (event === 'data' && random.chance(0.3)) continue;
      if (event === 'readable') continue;
      socket.on(event, () => {
        this.count(event);
        const life = this.lives.get(socket);
        if (life === undefined) this.offences.push(`${event} of a socket that is gone`);
        life?.note(event);
        if (event === 'close') this.closed(socket);
        else if (random.chance(0.03)) this.disturb(socket);
      });
    }
  }

  private closed(socket: Socket): void {
    const life = this.lives.get(socket)!;
    this.judge(life);
    // A second life now and then; else it is watched a while longer for what must not come.
    if (this.random.chance(0.1) && socket.server === null) setImmediate(() => this.open(socket));
    else this.wire.clock.schedule(this.wire.clock.now() + 600_000, () => this.forget(socket, life));
  }

  private forget(socket: Socket, life: Life): void {
    this.judge(life);
    if (this.lives.get(socket) === life) this.lives.delete(socket);
  }

  private judge(life: Life): void {
    if (life.offence !== null) this.offences.push(`${life.offence}: ${life.trail.join(' ')}`);
  }

  private disturb(socket: Socket): void {
    const { random } = this;
    const calls: Record<string, () => void> = {
      write: () => void socket.write(Buffer.alloc(random.int(1, 200_000))),
      'write text': () => void socket.write('text'.repeat(random.int(1, 1000)), 'latin1'),
      cork: () => {
        socket.cork();
        socket.write('a');
        socket.write('b');
        process.nextTick(() => socket.uncork());
      },
      end: () => void socket.end(),
      'end with data': () => void socket.end(Buffer.alloc(random.int(1, 5000))),
      destroy: () => void socket.destroy(),
      'destroy with an error': () => void socket.destroy(new Error('enough')),
      reset: () => void socket.resetAndDestroy(),
      destroySoon: () => socket.destroySoon(),
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      read: () => void socket.read(),
      setTimeout: () => void socket.setTimeout(random.int(0, 60_000)),
      setKeepAlive: () => void socket.setKeepAlive(random.chance(0.5), random.int(1000, 60_000)),
      setNoDelay: () => void socket.setNoDelay(random.chance(0.5)),
      unref: () => void socket.unref(),
      ref: () => void socket.ref(),
    };
    const name = random.pick(Object.keys(calls));
    this.count(name);
    calls[name]!();
  }

  // ---- servers

  private serve(port: number): void {
    const { random } = this;
    const server = new Server(this.contexts[1]!, {
      allowHalfOpen: random.chance(0.3),
      pauseOnConnect: random.chance(0.2),
    });
    if (random.chance(0.5)) server.maxConnections = 2;
    server.on('connection', (socket: Socket) => {
      this.count('accepts');
      this.watch(socket);
      this.lives.set(socket, new Life());
      if (random.chance(0.5)) socket.resume();
      if (random.chance(0.5)) socket.write(Buffer.alloc(random.int(1, 50_000)));
      if (random.chance(0.2)) this.disturb(socket);
    });
    server.on('drop', () => this.count('drops'));
    server.on('error', (error) => this.offences.push(`server: ${error.message}`));
    server.listen(port);
    this.servers.push(server);
  }

  private restart(server: Server): void {
    const { port } = server.address()!;
    this.count('restarts');
    this.servers.splice(this.servers.indexOf(server), 1);
    server.close();
    this.serve(port);
  }

  // ---- the end

  /** Everything is ended and given the time to be over; what is left then has leaked. */
  private async finish(): Promise<void> {
    const { wire } = this;
    this.isCut = false;
    for (const server of this.servers) server.close();
    for (const socket of this.lives.keys()) socket.destroy();
    // An orphan that nobody answers goes on trying; the longest that it may is bounded by the retransmissions of R2.
    await this.runUntil(wire.clock.now() + 2 * 3_600_000);
    this.expect(this.lives.size === 0, `${this.lives.size} sockets never closed`);
    for (const server of this.servers) {
      this.expect(server._connections === 0, `a server counts ${server._connections} connections`);
    }
    for (const [name, stack] of [
      ['left', wire.left],
      ['right', wire.right],
    ] as const) {
      const states = [...stack.connections()].map(({ connection }) => connection.state);
      this.expect(states.length === 0, `${name} keeps connections in states ${states}`);
      this.expect([...stack.listeners()].length === 0, `${name} keeps listeners`);
    }
    for (const { liveness } of this.contexts) this.expect(!liveness.isHeld, 'the process is held');
    const closing = Promise.all([wire.left.close(), wire.right.close()]);
    await turn();
    await this.runUntil(wire.clock.now() + 1000);
    await closing;
    this.expect(wire.clock.nextCallAt() === Number.POSITIVE_INFINITY, 'a timer is left');
  }

  private expect(holds: boolean, otherwise: string): void {
    if (!holds) this.offences.push(otherwise);
  }
}

function contextOf(stack: Stack): NetContext {
  return {
    stack,
    liveness: new Liveness(),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeoutMs: 250,
  };
}
