// What clients of a stack know of servers that speak Fast Open (RFC 7413 §4.1.3): a cookie and the MSS for each pair of
// addresses, and the ports there on which it has failed lately.
import type { FastOpenCache, FastOpenPath } from '../tcp/fast-open.js';
import type { FourTuple } from '../wire/address.js';
import { AgeQueue, KeyedEntry, KeyedTable } from './keyed-table.js';
import type { Limits } from './limits.js';
import type { RandomBytes } from './siphash.js';

/** How long Fast Open is left alone after a failure; twice that after each further one, up to 64 times as long. */
export const FAST_OPEN_AVOID_MS = 3_600_000;
const MOST_DOUBLINGS = 6;

/** Words of two addresses, and of two addresses and a port. */
const PAIR_WORDS = 8;
const PATH_WORDS = 9;

class Server extends KeyedEntry {
  cookie: Uint8Array | null = null;
  mss = 0;
}

class Failure extends KeyedEntry {
  count = 0;
  /** Clock ms. */
  until = 0;
}

const UNKNOWN: FastOpenPath = { cookie: null, mss: 0 };

/** Entries of one kind, the one longest unused first to go. */
class Memory<E extends KeyedEntry> {
  private readonly table: KeyedTable<E>;
  private readonly ages = new AgeQueue<E>();

  constructor(
    private readonly words: number,
    private readonly most: number,
    random: RandomBytes,
    private readonly make: (key: Int32Array, hash: number) => E,
  ) {
    this.table = new KeyedTable(most, random);
  }

  find(key: Int32Array): E | null {
    if (this.table.count === 0) return null;
    return this.table.find(key, this.words, this.table.hash(key, this.words));
  }

  /** Finds or makes it, and holds it to be in use. */
  use(key: Int32Array): E {
    const hash = this.table.hash(key, this.words);
    let entry = this.table.find(key, this.words, hash);
    if (entry === null) {
      if (this.table.count >= this.most) this.forget(this.ages.oldest!);
      entry = this.make(key.slice(0, this.words), hash);
      this.table.add(entry);
    } else {
      this.ages.remove(entry);
    }
    this.ages.append(entry);
    return entry;
  }

  forget(entry: E): void {
    this.table.remove(entry);
    this.ages.remove(entry);
  }
}

/** The cache of one stack. */
export class FastOpenMemory implements FastOpenCache {
  private readonly servers: Memory<Server>;
  private readonly failures: Memory<Failure>;
  private readonly key = new Int32Array(PATH_WORDS);

  constructor({ fastOpenPaths }: Pick<Limits, 'fastOpenPaths'>, random: RandomBytes) {
    this.servers = new Memory(PAIR_WORDS, fastOpenPaths, random, (key, hash) => new Server(key, hash));
    this.failures = new Memory(PATH_WORDS, fastOpenPaths, random, (key, hash) => new Failure(key, hash));
  }

  find(tuple: FourTuple, now: number): FastOpenPath | null {
    const key = this.keyOf(tuple);
    const failure = this.failures.find(key);
    if (failure !== null && now < failure.until) return null;
    return this.servers.find(key) ?? UNKNOWN;
  }

  learn(tuple: FourTuple, cookie: Uint8Array | null, mss: number): void {
    const key = this.keyOf(tuple);
    const failure = this.failures.find(key);
    if (failure !== null) this.failures.forget(failure);
    const server = this.servers.use(key);
    if (cookie !== null) server.cookie = cookie.slice();
    server.mss = mss;
  }

  avoid(tuple: FourTuple, now: number): void {
    const failure = this.failures.use(this.keyOf(tuple));
    failure.until = now + FAST_OPEN_AVOID_MS * 2 ** Math.min(failure.count, MOST_DOUBLINGS);
    failure.count++;
  }

  /** Leaves the words in `key`. */
  private keyOf({ local, remote, remotePort }: FourTuple): Int32Array {
    const { key } = this;
    key[0] = local.w0;
    key[1] = local.w1;
    key[2] = local.w2;
    key[3] = local.w3;
    key[4] = remote.w0;
    key[5] = remote.w1;
    key[6] = remote.w2;
    key[7] = remote.w3;
    key[8] = remotePort;
    return key;
  }
}
