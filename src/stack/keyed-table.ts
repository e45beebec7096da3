// Tables of things that strangers make us remember: found by a few words, hashed with a secret key so that nobody can
// choose words that collide (ATTACKS: hash flooding), and lined up by age. What they are, and how long they stay, their
// owners know.
import { type RandomBytes, TableHash } from './siphash.js';

/** What stands in such a table, and in one queue. */
export abstract class KeyedEntry {
  /** @internal */ chainNext: KeyedEntry | null = null;
  /** @internal */ older: KeyedEntry | null = null;
  /** @internal */ newer: KeyedEntry | null = null;

  /**
   * @param key its words, its own copy of them
   * @param hash from `KeyedTable.hash`
   */
  constructor(
    readonly key: Int32Array,
    readonly hash: number,
  ) {}
}

const MOST_BUCKETS = 65_536;

/** Entries by key. Takes neither memory nor randomness before it is first asked: most stacks never need it. */
export class KeyedTable<E extends KeyedEntry> {
  private buckets: (KeyedEntry | null)[] | null = null;
  private mask = 0;
  private tableHash: TableHash | null = null;
  private entries = 0;

  /** @param expected entries that there will be at most; more only take longer to find */
  constructor(
    private readonly expected: number,
    private readonly random: RandomBytes,
  ) {}

  /** Number of entries. */
  get count(): number {
    return this.entries;
  }

  /** Keyed hash of the first `words` words of `key`. */
  hash(key: Int32Array, words: number): number {
    this.tableHash ??= new TableHash(this.random);
    return this.tableHash.hash(key, words);
  }

  /** The entry of the first `words` words of `key`, or null. */
  find(key: Int32Array, words: number, hash: number): E | null {
    if (this.buckets === null) return null;
    for (let entry = this.buckets[hash & this.mask]!; entry !== null; entry = entry.chainNext!) {
      if (entry.hash === hash && isKey(entry.key, key, words)) return entry as E;
    }
    return null;
  }

  /** Adds an entry, whose key is not in yet. */
  add(entry: E): void {
    this.buckets ??= this.allocate();
    const index = entry.hash & this.mask;
    entry.chainNext = this.buckets[index]!;
    this.buckets[index] = entry;
    this.entries++;
  }

  /** Takes out an entry, which is in. */
  remove(entry: E): void {
    const buckets = this.buckets!;
    const index = entry.hash & this.mask;
    let previous: KeyedEntry | null = null;
    for (let at = buckets[index]!; at !== entry; at = at.chainNext!) previous = at;
    if (previous === null) buckets[index] = entry.chainNext;
    else previous.chainNext = entry.chainNext;
    entry.chainNext = null;
    this.entries--;
  }

  /** About as many buckets as entries, in a power of two. */
  private allocate(): (KeyedEntry | null)[] {
    const size = Math.min(MOST_BUCKETS, 2 ** Math.ceil(Math.log2(this.expected)));
    this.mask = size - 1;
    return new Array(size).fill(null);
  }
}

/** Entries in the order in which they were appended. An entry stands in one queue at most. */
export class AgeQueue<E extends KeyedEntry> {
  private head: KeyedEntry | null = null;
  private tail: KeyedEntry | null = null;

  /** The entry that has waited longest, or null. */
  get oldest(): E | null {
    return this.head as E | null;
  }

  /** Appends an entry that stands in no queue. */
  append(entry: E): void {
    entry.older = this.tail;
    if (this.tail === null) this.head = entry;
    else this.tail.newer = entry;
    this.tail = entry;
  }

  /** Takes out an entry, which stands in this queue. */
  remove(entry: E): void {
    const { older, newer } = entry;
    if (older === null) this.head = newer;
    else older.newer = newer;
    if (newer === null) this.tail = older;
    else newer.older = older;
    entry.older = null;
    entry.newer = null;
  }
}

function isKey(held: Int32Array, key: Int32Array, words: number): boolean {
  if (held.length !== words) return false;
  for (let i = 0; i < words; i++) if (held[i] !== key[i]) return false;
  return true;
}
