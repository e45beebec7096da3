// A seeded world: two applications that write, read, half-close and sometimes abort over a path that loses, doubles,
// delays and reorders; afterwards the stream must be exact and nothing may be left running.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ConnectionConfig } from '../../src/tcp/config.js';
import { Event } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import { Pair, type Path, patternByte, Random, type Side } from '../tcp/harness.js';

/** What the path does; probabilities per segment, times in ms. */
export interface PathOptions {
  loss: number;
  duplicate: number;
  delayMs: number;
  jitterMs: number;
}

export interface TransferOptions {
  seed: number;
  a: Partial<ConnectionConfig>;
  b: Partial<ConnectionConfig>;
  path: PathOptions;
  bytesAB: number;
  bytesBA: number;
  issA: number;
  issB: number;
  simultaneousOpen: boolean;
  /** Virtual ms after which one side aborts, or 0. */
  abortAfterMs: number;
  /** Payload that the path carries at most; larger segments are lost and their sender is told. Default: any. */
  pathCarries?: number;
}

/** One application: writes `toWrite` pattern bytes, reads everything, then closes its direction. */
class Application {
  written = 0;
  read = 0;
  ended = false;
  peerEnds = 0;
  closedEvents = 0;
  readonly hash = createHash('sha256');

  constructor(
    readonly side: Side,
    readonly toWrite: number,
    readonly salt: number,
    readonly peerSalt: number,
    private readonly random: Random,
  ) {}

  turn(now: number): void {
    const { connection } = this.side;
    if (connection === null) return;
    const events = this.side.events;
    this.side.events = 0;
    if (events & Event.PEER_FIN) this.peerEnds++;
    if (events & Event.CLOSED) this.closedEvents++;
    // What came in order stays readable after an orderly end.
    if (connection.state !== State.LISTEN && connection.error === null) this.readSome(now);
    if (connection.state === State.CLOSED || connection.state === State.LISTEN) return;
    if (connection.state < State.ESTABLISHED && this.side.options.opens !== true) return;
    this.writeSome(now);
  }

  private readSome(now: number): void {
    const connection = this.side.connection!;
    // A lazy reader: now and then it does not look.
    while (this.random.chance(0.8)) {
      const bytes = connection.receive(this.random.int(1, 20_000), now);
      if (bytes === null) return;
      for (let i = 0; i < bytes.length; i++) {
        if (bytes[i] !== patternByte(this.read + i, this.peerSalt)) {
          assert.fail(`${this.side.name}: byte ${this.read + i} is wrong`);
        }
      }
      this.hash.update(bytes);
      this.read += bytes.length;
    }
  }

  private writeSome(now: number): void {
    const connection = this.side.connection!;
    while (this.written < this.toWrite) {
      const length = Math.min(this.random.int(1, 9000), this.toWrite - this.written);
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i++) bytes[i] = patternByte(this.written + i, this.salt);
      const taken = connection.send(bytes, this.random.chance(0.7), now);
      this.written += taken;
      if (taken < length || this.random.chance(0.3)) break;
    }
    // CLOSE in SYN-SENT gives the connection up (RFC 9293 §3.10.4): the application waits for ESTABLISHED.
    if (this.written === this.toWrite && !this.ended && connection.state >= State.SYN_RECEIVED) {
      this.ended = true;
      connection.shutdownWrite(now);
    }
  }
}

function randomPath(options: PathOptions, random: Random): Path {
  return () => {
    if (random.chance(options.loss)) return [];
    const delay = () => options.delayMs + random.int(0, options.jitterMs);
    return random.chance(options.duplicate) ? [delay(), delay()] : [delay()];
  };
}

/** A router that cannot forward large packets answers with "fragmentation needed", which may get lost too. */
function narrow(sender: () => Side, path: Path, carries = Number.POSITIVE_INFINITY): Path {
  return (segment, index) => {
    if (segment.payload.length <= carries) return path(segment, index);
    if (index % 3 !== 0) sender().connection?.onPathMss(carries, segment.rawSeq);
    return [];
  };
}

function expectedHash(length: number, salt: number): string {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = patternByte(i, salt);
  return createHash('sha256').update(bytes).digest('hex');
}

/** What a run came to, for tests that compare runs. */
export interface TransferResult {
  log: readonly string[];
  now: number;
  segments: number;
  retransmissions: number;
}

const SALT_A = 1;
const SALT_B = 90;

/** Runs one world to its end and checks it. */
export function runTransfer(o: TransferOptions): TransferResult {
  const random = new Random(o.seed);
  const path = randomPath(o.path, random);
  const pair: Pair = new Pair(
    { config: o.a, iss: o.issA, path: narrow(() => pair.a, path, o.pathCarries), opens: true },
    { config: o.b, iss: o.issB, path: narrow(() => pair.b, path, o.pathCarries), opens: o.simultaneousOpen },
  );
  const apps = [
    new Application(pair.a, o.bytesAB, SALT_A, SALT_B, random),
    new Application(pair.b, o.bytesBA, SALT_B, SALT_A, random),
  ];
  // The application comes around every few ms, as a program does, until the end of the connection.
  let nextTurn = 0;
  pair.application = () => {
    for (const app of apps) app.turn(pair.now);
  };
  const abort = () => {
    if (o.abortAfterMs > 0 && pair.now >= 1000 + o.abortAfterMs) {
      const side = o.seed % 2 === 0 ? pair.a : pair.b;
      side.connection?.abort(pair.now);
      side.poll();
      return true;
    }
    return false;
  };
  try {
    pair.start();
    let aborted = false;
    let steps = 0;
    const limit = 3_600_000;
    for (;;) {
      checkInvariants(pair);
      if (!aborted) aborted = abort();
      const busy = apps.some((app) => stillReading(app));
      if (busy && nextTurn <= pair.now) nextTurn = pair.now + random.int(1, 30);
      if (pair.next() === Number.POSITIVE_INFINITY && !busy) break;
      if (busy && nextTurn < pair.next()) {
        pair.now = nextTurn;
        pair.turn();
      } else if (!pair.step()) {
        pair.turn();
        if (!busy) break;
      }
      assert.ok(++steps < 300_000, 'too many steps');
      assert.ok(pair.now < limit, `still busy at ${pair.now} ms`);
    }
    checkEnd(pair, apps, o, aborted);
  } catch (error) {
    const message = `seed ${o.seed}: ${(error as Error).message}\n${JSON.stringify(o)}\n${pair.tail(25)}`;
    throw new Error(message, { cause: error });
  }
  const resent = [pair.a, pair.b].map((side) => side.connection?.retransmissions ?? 0);
  return {
    log: pair.log,
    now: pair.now,
    segments: pair.log.length,
    retransmissions: resent[0]! + resent[1]!,
  };
}

/** The application is needed: there is something to read, or it has not written all yet. */
function stillReading(app: Application): boolean {
  const { connection } = app.side;
  if (connection === null) return false;
  if (connection.state === State.CLOSED && connection.error === null) return connection.receiveQueueBytes > 0;
  if (connection.state < State.ESTABLISHED) return false;
  return connection.receiveQueueBytes > 0 || !app.ended;
}

function checkInvariants(pair: Pair): void {
  for (const { connection } of [pair.a, pair.b]) {
    if (connection === null || connection.state < State.ESTABLISHED) continue;
    const s = connection.status();
    assert.ok(s.sndUna <= s.sndNxt, `UNA ${s.sndUna} > NXT ${s.sndNxt}`);
    assert.ok(
      s.sendQueueBytes <= Math.max(connection.config.sendBufferBytes, connection.config.sendBufferMaxBytes),
      `send queue ${s.sendQueueBytes}`,
    );
    const kept = s.receiveQueueBytes + s.reassemblyBytes;
    assert.ok(kept <= connection.receiveCapacity, `${kept} bytes kept`);
  }
}

/** When the RST of an abort was lost, an end that has nothing to send cannot know; its application gives up at last. */
function endForgotten(pair: Pair): void {
  for (const side of [pair.a, pair.b]) {
    if (!['ESTABLISHED', 'FIN-WAIT-2'].includes(side.state)) continue;
    const { sendQueueBytes } = side.connection!.status();
    assert.equal(sendQueueBytes, 0, `${side.name} has data outstanding and no timer`);
    side.connection!.abort(pair.now);
    side.poll();
  }
}

function checkEnd(pair: Pair, apps: Application[], o: TransferOptions, aborted: boolean): void {
  const [a, b] = apps as [Application, Application];
  if (aborted) endForgotten(pair);
  assert.equal(`${pair.a.state} ${pair.b.state}`.replaceAll('LISTEN', 'CLOSED'), 'CLOSED CLOSED');
  for (const side of [pair.a, pair.b]) {
    for (const connection of side.past) {
      assert.equal(connection.nextTimeout(), Number.POSITIVE_INFINITY, `${side.name} keeps a timer`);
      assert.equal(connection.wantsTransmit, false, `${side.name} still wants to send`);
    }
  }
  for (const app of apps) assert.ok(app.peerEnds <= 1, 'the end was told once at most');
  if (
    aborted &&
    (pair.a.error !== null || pair.b.error !== null || a.read < o.bytesBA || b.read < o.bytesAB)
  ) {
    // What was read before the abort was checked byte by byte; more cannot be asked.
    assert.ok(a.read <= o.bytesBA && b.read <= o.bytesAB);
    return;
  }
  assert.equal(`${pair.a.error} ${pair.b.error}`, 'null null');
  assert.equal(b.read, o.bytesAB, 'bytes from a to b');
  assert.equal(a.read, o.bytesBA, 'bytes from b to a');
  assert.equal(b.hash.digest('hex'), expectedHash(o.bytesAB, SALT_A));
  assert.equal(a.hash.digest('hex'), expectedHash(o.bytesBA, SALT_B));
  for (const app of apps) assert.equal(app.peerEnds, 1, 'the end was told');
}
