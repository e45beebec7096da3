// Ephemeral ports (RFC 6056). Which ports are taken is asked, not kept here: connections and listeners know it.
import type { FourTuple, IpAddress } from '../wire/address.js';
import { type RandomBytes, randomWord, SecretHash } from './siphash.js';

/** First and last ephemeral port, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** What Linux uses. */
export const DEFAULT_PORT_RANGE: PortRange = { first: 32_768, last: 60_999 };

/** Counters that destinations share by keyed hash (RFC 6056 §3.3.4). A power of two. */
const COUNTERS = 256;
/** Largest step of a counter: how far the next port may lie (RFC 6056 §3.3.5). */
const MAX_STEP = 8;

/**
 * Chooses ephemeral ports by the double-hash algorithm with random steps (RFC 6056 §3.3.4, §3.3.5): for one destination
 * ports move on slowly, so that none returns early, while an observer of one destination learns nothing about another.
 */
export class EphemeralPorts {
  private readonly secret: SecretHash;
  private readonly counters = new Int32Array(COUNTERS);
  private readonly words = new Int32Array(9);

  /** @throws RangeError with code ERR_OUT_OF_RANGE for a range outside 1…65535 or without ports */
  constructor(
    private readonly random: RandomBytes,
    private readonly range: PortRange = DEFAULT_PORT_RANGE,
  ) {
    const { first, last } = range;
    if (!Number.isInteger(first) || !Number.isInteger(last) || first < 1 || last > 65_535 || first > last) {
      const error = new RangeError(`port range ${first}-${last} must lie within 1-65535`);
      throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
    }
    this.secret = new SecretHash(random);
    for (let i = 0; i < COUNTERS; i++) this.counters[i] = randomWord(random);
  }

  /**
   * A free port for a connection to `remote`.
   * @param isFree whether a port may be used; asked at most once for each port of the range
   * @returns the port, or 0 when all are taken
   */
  forConnection(
    local: IpAddress,
    remote: IpAddress,
    remotePort: number,
    isFree: (port: number) => boolean,
  ): number {
    const offset = this.secret.hash(fillWords(this.words, local, remote, remotePort), 9);
    const index = this.secret.highWord & (COUNTERS - 1);
    const port = this.search((offset + this.counters[index]!) >>> 0, isFree);
    if (port !== 0) this.counters[index]! += 1 + (randomWord(this.random) & (MAX_STEP - 1));
    return port;
  }

  /** A free port for a listener, anywhere in the range; 0 when all are taken. */
  forListener(isFree: (port: number) => boolean): number {
    return this.search(randomWord(this.random) >>> 0, isFree);
  }

  private search(start: number, isFree: (port: number) => boolean): number {
    const size = this.range.last - this.range.first + 1;
    for (let i = 0; i < size; i++) {
      const port = this.range.first + ((start + i) % size);
      if (isFree(port)) return port;
    }
    return 0;
  }
}

/** A pseudorandom function of the four-tuple with a secret of its own, for `makeIsnGenerator` (RFC 6528). */
export function tuplePrf(random: RandomBytes): (tuple: FourTuple) => number {
  const secret = new SecretHash(random);
  const words = new Int32Array(9);
  return (tuple) => {
    fillWords(words, tuple.local, tuple.remote, (tuple.localPort << 16) | tuple.remotePort);
    return secret.hash(words, 9);
  };
}

/** A pseudorandom function of the four-tuple and two words. Its secret is drawn when it is first asked. */
export function tupleMac(random: RandomBytes): (tuple: FourTuple, a: number, b: number) => number {
  let secret: SecretHash | null = null;
  const words = new Int32Array(11);
  return (tuple, a, b) => {
    secret ??= new SecretHash(random);
    fillWords(words, tuple.local, tuple.remote, (tuple.localPort << 16) | tuple.remotePort);
    words[9] = a;
    words[10] = b;
    return secret.hash(words, 11);
  };
}

function fillWords(words: Int32Array, local: IpAddress, remote: IpAddress, ports: number): Int32Array {
  words[0] = local.w0;
  words[1] = local.w1;
  words[2] = local.w2;
  words[3] = local.w3;
  words[4] = remote.w0;
  words[5] = remote.w1;
  words[6] = remote.w2;
  words[7] = remote.w3;
  words[8] = ports;
  return words;
}
