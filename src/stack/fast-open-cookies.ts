// The keys of a server's Fast Open cookies (RFC 7413 §4.1.2). A cookie is SipHash-2-4 of the client's and the server's
// address, as in Linux: stacks and kernels that share a key take each other's cookies.
import type { CookieVerdict, FastOpenCookies } from '../tcp/fast-open.js';
import type { IpAddress } from '../wire/address.js';
import { type RandomBytes, SecretHash } from './siphash.js';

/** Octets of a key. */
export const FAST_OPEN_KEY_BYTES = 16;
/** A key that the stack has drawn itself makes cookies for so long, and then for as long its cookies are still taken. */
export const FAST_OPEN_KEY_LIFE_MS = 86_400_000;

const COOKIE_BYTES = 8;

/** Makes cookies, and tells good ones. */
export class FastOpenKeys implements FastOpenCookies {
  private current: SecretHash | null = null;
  private former: SecretHash | null = null;
  /** Clock ms at which the present key is replaced; Infinity for keys that were given. */
  private until = Number.NEGATIVE_INFINITY;
  private readonly words = new Int32Array(8);
  private readonly cookie = new Uint8Array(COOKIE_BYTES);
  private readonly view = new DataView(this.cookie.buffer);

  constructor(private readonly random: RandomBytes) {}

  /**
   * Takes keys from outside, which stay until others come: the first makes cookies, those of the second are still taken.
   * @throws RangeError with code ERR_OUT_OF_RANGE for other than one or two keys of 16 octets
   */
  set(keys: readonly Uint8Array[]): void {
    const isRight =
      (keys.length === 1 || keys.length === 2) && keys.every(({ length }) => length === FAST_OPEN_KEY_BYTES);
    if (!isRight) {
      const error = new RangeError(`give one or two Fast Open keys of ${FAST_OPEN_KEY_BYTES} bytes`);
      throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
    }
    this.current = SecretHash.keyed(keys[0]!);
    this.former = keys[1] === undefined ? null : SecretHash.keyed(keys[1]);
    this.until = Number.POSITIVE_INFINITY;
  }

  make(client: IpAddress, server: IpAddress, now: number): Uint8Array {
    this.renew(now);
    this.fill(this.current!, client, server);
    return this.cookie;
  }

  judge(
    client: IpAddress,
    server: IpAddress,
    bytes: Uint8Array,
    offset: number,
    length: number,
    now: number,
  ): CookieVerdict {
    if (length !== COOKIE_BYTES) return 'wrong';
    this.renew(now);
    if (this.isBy(this.current!, client, server, bytes, offset)) return 'current';
    return this.former !== null && this.isBy(this.former, client, server, bytes, offset) ? 'former' : 'wrong';
  }

  private renew(now: number): void {
    if (now < this.until) return;
    // After a long pause cookies by the last key are too old as well.
    this.former = now < this.until + FAST_OPEN_KEY_LIFE_MS ? this.current : null;
    this.current = new SecretHash(this.random);
    this.until = now + FAST_OPEN_KEY_LIFE_MS;
  }

  private isBy(
    key: SecretHash,
    client: IpAddress,
    server: IpAddress,
    bytes: Uint8Array,
    offset: number,
  ): boolean {
    this.fill(key, client, server);
    let difference = 0;
    for (let i = 0; i < COOKIE_BYTES; i++) difference |= this.cookie[i]! ^ bytes[offset + i]!;
    return difference === 0;
  }

  private fill(key: SecretHash, client: IpAddress, server: IpAddress): void {
    const low = key.hash(this.words, fillAddresses(this.words, client, server));
    this.view.setInt32(0, low, true);
    this.view.setInt32(4, key.highWord, true);
  }
}

/** The octets of the addresses as little-endian words; returns how many. */
function fillAddresses(words: Int32Array, client: IpAddress, server: IpAddress): number {
  if (client.family === 4) {
    words[0] = swapped(client.w3);
    words[1] = swapped(server.w3);
    return 2;
  }
  words.set(
    [client.w0, client.w1, client.w2, client.w3, server.w0, server.w1, server.w2, server.w3].map(swapped),
  );
  return 8;
}

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
