// The numbers of IP headers that mean nothing but must not be guessed: identifications and flow labels. None of them tells
// how much goes to another destination (ATTACKS: IP ID side channel).
import type { IpAddress } from '../wire/address.js';
import { type RandomBytes, SecretHash, TableHash } from './siphash.js';

/** Four rounds over a pseudorandom function make a pseudorandom permutation, whoever tries to invert it (Luby, Rackoff). */
const FEISTEL_ROUNDS = 4;

/** Makes them, with secrets of its own and without memory of any destination. */
export class HeaderNumbers {
  private readonly identifications: TableHash;
  private readonly flowLabels: TableHash;
  private secret: SecretHash | null = null;
  private readonly words = new Int32Array(6);
  private packets = 0;
  private fragmentable = 0;

  constructor(private readonly random: RandomBytes) {
    this.identifications = new TableHash(random);
    this.flowLabels = new TableHash(random);
  }

  /** For a packet with DF, whose identification means nothing (RFC 6864 §4.1): 16 bits of a hash of a counter. */
  identification(remote: IpAddress): number {
    const { words } = this;
    words[0] = remote.w3;
    words[1] = this.packets = (this.packets + 1) | 0;
    return this.identifications.hash(words, 2) & 0xffff;
  }

  /**
   * For a packet that may be fragmented: the same number must not be under way twice between two hosts (RFC 6864 §4.2,
   * RFC 8200 §4.5). One counter, seen by each destination through a permutation of its own (a Feistel network under a
   * secret key): no number comes again before all others have (RFC 7739 §5.3).
   * @param bits width of the field: 16 for IPv4, 32 for IPv6
   * @returns 0…2^bits − 1
   */
  uniqueIdentification(remote: IpAddress, bits: 16 | 32): number {
    this.secret ??= new SecretHash(this.random);
    const { words, secret } = this;
    words[2] = remote.w0;
    words[3] = remote.w1;
    words[4] = remote.w2;
    words[5] = remote.w3;
    const half = bits / 2;
    const mask = 2 ** half - 1;
    const n = this.fragmentable++;
    let left = (n >>> half) & mask;
    let right = n & mask;
    for (let round = 0; round < FEISTEL_ROUNDS; round++) {
      words[0] = round;
      words[1] = right;
      const mixed = left ^ (secret.hash(words, 6) & mask);
      left = right;
      right = mixed;
    }
    return ((left << half) | right) >>> 0;
  }

  /** Constant for a pair of hosts, unguessable from outside (RFC 6437 §3): 20 bits. */
  flowLabel(local: IpAddress, remote: IpAddress): number {
    const { words } = this;
    words[0] = local.w3 ^ local.w2;
    words[1] = remote.w2 ^ remote.w0 ^ remote.w1;
    words[2] = remote.w3;
    return this.flowLabels.hash(words, 3) & 0xfffff;
  }
}
