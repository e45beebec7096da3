// From a four-tuple to the connection that owns it: a chained hash table whose chains run through the entries. Listeners
// are found in listener-table.ts.
import type { FourTuple } from '../wire/address.js';
import type { TableHash } from './siphash.js';

/** What the table holds; the `demux` fields belong to it. */
export interface DemuxEntry {
  readonly tuple: FourTuple;
  /** @internal */ demuxNext: DemuxEntry | null;
  /** @internal Keyed hash of the tuple. */ demuxHash: number;
}

const LEAST_BUCKETS = 64;

/**
 * Connections by four-tuple. The hash is keyed with a secret of this stack, so that nobody outside can choose tuples
 * that collide (ATTACKS: hash flooding). Lookups allocate nothing.
 */
export class Demux<E extends DemuxEntry> {
  private buckets: (DemuxEntry | null)[] = new Array(LEAST_BUCKETS).fill(null);
  private mask = LEAST_BUCKETS - 1;
  private count = 0;
  private readonly words = new Int32Array(9);

  /** @param tableHash the keyed hash; anything with its shape */
  constructor(private readonly tableHash: Pick<TableHash, 'hash'>) {}

  /** Number of entries. */
  get size(): number {
    return this.count;
  }

  /**
   * The entry with this tuple, or null. Addresses as the four int32 words of `IpAddress`, local end first.
   */
  lookup(
    local0: number,
    local1: number,
    local2: number,
    local3: number,
    localPort: number,
    remote0: number,
    remote1: number,
    remote2: number,
    remote3: number,
    remotePort: number,
  ): E | null {
    const hash = this.hashOf(
      local0,
      local1,
      local2,
      local3,
      localPort,
      remote0,
      remote1,
      remote2,
      remote3,
      remotePort,
    );
    for (let entry = this.buckets[hash & this.mask]!; entry !== null; entry = entry.demuxNext!) {
      if (entry.demuxHash !== hash) continue;
      const { local, remote, localPort: lp, remotePort: rp } = entry.tuple;
      if (
        remote.w3 === remote3 &&
        rp === remotePort &&
        lp === localPort &&
        local.w3 === local3 &&
        remote.w2 === remote2 &&
        remote.w1 === remote1 &&
        remote.w0 === remote0 &&
        local.w2 === local2 &&
        local.w1 === local1 &&
        local.w0 === local0
      ) {
        return entry as E;
      }
    }
    return null;
  }

  /** As `lookup`, by a tuple. */
  get(tuple: FourTuple): E | null {
    const { local: l, remote: r } = tuple;
    return this.lookup(l.w0, l.w1, l.w2, l.w3, tuple.localPort, r.w0, r.w1, r.w2, r.w3, tuple.remotePort);
  }

  /** Adds an entry. The caller has seen to it that its tuple is free. */
  add(entry: E): void {
    if (this.count > this.mask) this.resize(2 * (this.mask + 1));
    const { local: l, remote: r } = entry.tuple;
    entry.demuxHash = this.hashOf(
      l.w0,
      l.w1,
      l.w2,
      l.w3,
      entry.tuple.localPort,
      r.w0,
      r.w1,
      r.w2,
      r.w3,
      entry.tuple.remotePort,
    );
    this.link(entry);
    this.count++;
  }

  /** Takes an entry out. Returns false when it was not in. */
  remove(entry: E): boolean {
    const index = entry.demuxHash & this.mask;
    let previous: DemuxEntry | null = null;
    for (let at = this.buckets[index]!; at !== null; previous = at, at = at.demuxNext!) {
      if (at !== entry) continue;
      if (previous === null) this.buckets[index] = at.demuxNext;
      else previous.demuxNext = at.demuxNext;
      entry.demuxNext = null;
      this.count--;
      if (this.mask >= 2 * LEAST_BUCKETS && this.count < (this.mask + 1) >>> 3) {
        this.resize((this.mask + 1) >>> 1);
      }
      return true;
    }
    return false;
  }

  /** All entries, in no order. The table must not change meanwhile; copy first when it might. */
  *[Symbol.iterator](): IterableIterator<E> {
    for (const head of this.buckets) {
      for (let entry = head; entry !== null; entry = entry.demuxNext) yield entry as E;
    }
  }

  private link(entry: DemuxEntry): void {
    const index = entry.demuxHash & this.mask;
    entry.demuxNext = this.buckets[index]!;
    this.buckets[index] = entry;
  }

  private resize(size: number): void {
    const old = this.buckets;
    this.buckets = new Array(size).fill(null);
    this.mask = size - 1;
    for (const head of old) {
      for (let entry = head; entry !== null; ) {
        const next: DemuxEntry | null = entry.demuxNext;
        this.link(entry);
        entry = next;
      }
    }
  }

  /** Three words for IPv4, nine for IPv6; the hash takes in how many, so that the two cannot be confused. */
  private hashOf(
    local0: number,
    local1: number,
    local2: number,
    local3: number,
    localPort: number,
    remote0: number,
    remote1: number,
    remote2: number,
    remote3: number,
    remotePort: number,
  ): number {
    const words = this.words;
    words[0] = remote3;
    words[1] = local3;
    words[2] = (localPort << 16) | remotePort;
    if ((local0 | local1 | remote0 | remote1) === 0 && local2 === 0xffff && remote2 === 0xffff) {
      return this.tableHash.hash(words, 3);
    }
    words[3] = local2;
    words[4] = local1;
    words[5] = local0;
    words[6] = remote2;
    words[7] = remote1;
    words[8] = remote0;
    return this.tableHash.hash(words, 9);
  }
}
