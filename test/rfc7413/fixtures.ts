// What the tests of Fast Open need of its environment: a client's memory and a server's cookies, each so plain that a
// test can say what is in it.
import type { CookieVerdict, FastOpenCache, FastOpenCookies, FastOpenPath } from '../../src/tcp/fast-open.js';
import type { FourTuple, IpAddress } from '../../src/wire/address.js';
import { Bench, type BenchOptions } from '../tcp/harness.js';

export const COOKIE = '0102030405060708';
export const FORMER = '1111111111111111';
export const FRESH = 'a0a1a2a3a4a5a6a7';

/** Remembers one path, and what it was told. */
export class OnePath implements FastOpenCache {
  readonly told: string[] = [];

  /** @param path what is known; null while it is to be avoided */
  constructor(public path: FastOpenPath | null) {}

  find(): FastOpenPath | null {
    return this.path;
  }

  learn(_tuple: FourTuple, cookie: Uint8Array | null, mss: number): void {
    this.told.push(`learn ${cookie === null ? '-' : Buffer.from(cookie).toString('hex')} ${mss}`);
  }

  avoid(): void {
    this.told.push('avoid');
  }
}

/** Knows `COOKIE` as its present cookie and `FORMER` as the one before, and gives `FRESH`. */
export class FixedCookies implements FastOpenCookies {
  readonly asked: string[] = [];

  make(client: IpAddress, server: IpAddress): Uint8Array {
    this.asked.push(`${client} of ${server}`);
    return Buffer.from(FRESH, 'hex');
  }

  judge(
    client: IpAddress,
    server: IpAddress,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): CookieVerdict {
    this.asked.push(`${client} of ${server}`);
    const cookie = Buffer.from(bytes.subarray(offset, offset + length)).toString('hex');
    return cookie === COOKIE ? 'current' : cookie === FORMER ? 'former' : 'wrong';
  }
}

const config = { fastOpen: true };

/** A client with a cookie, or none, that sends `queued` bytes with its call; its SYN is in `sent`. */
export function client(
  queued: number,
  cookie: string | null = COOKIE,
  mss = 1000,
  options: BenchOptions = {},
): { bench: Bench; cache: OnePath } {
  const cache = new OnePath({ cookie: cookie === null ? null : Buffer.from(cookie, 'hex'), mss });
  const bench = Bench.synSent(
    { ...options, config: { ...config, ...options.config }, environment: { fastOpenCache: cache } },
    queued,
  );
  return { bench, cache };
}

/** A listener's child made of this SYN; its answer is in `sent`. */
export function server(syn: string, options: BenchOptions = {}): Bench {
  const environment = { fastOpenCookies: new FixedCookies() };
  return Bench.synReceived({ ...options, config: { ...config, ...options.config }, environment }, syn);
}
