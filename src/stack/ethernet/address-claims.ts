// That our addresses are ours alone: asked before and told after they are used, and defended (RFC 5227 for IPv4, RFC 4862
// §5.4 for IPv6). Frames are written by arp.ts and ndp.ts.
import type { IpAddress } from '../../wire/address.js';
import { MacAddress } from '../../wire/mac.js';
import { isLoopback, type LocalAddresses, type Prefix } from '../addresses.js';
import { type RandomBytes, randomWord } from '../siphash.js';
import { WheelTask } from '../wheel-task.js';
import type { EthernetStats } from './stats.js';

/**
 * How a stack comes by its addresses. `optimistic` uses them at once and asks meanwhile (in the spirit of RFC 4429);
 * `strict` asks first, as the RFCs have it, which takes one second for IPv6 and up to seven for IPv4; `off` only tells.
 */
export type DuplicateDetection = 'optimistic' | 'strict' | 'off';

/** Another station uses an address of ours. */
export interface AddressConflict {
  readonly address: IpAddress;
  /** Its MAC address; null when it did not say. */
  readonly mac: MacAddress | null;
  /** True when the address was given up; false when it was defended. */
  readonly isLost: boolean;
}

/** RFC 5227 §1.1, in milliseconds. */
const PROBE_WAIT = [0, 1000] as const;
const PROBE_INTERVAL = [1000, 2000] as const;
const ANNOUNCE_WAIT = [2000, 2000] as const;
const ANNOUNCE_INTERVAL = [2000, 2000] as const;
const DEFEND_INTERVAL_MS = 10_000;
/** RFC 4862 §5.4, with the defaults of RFC 4861 §10. */
const SOLICITATION_DELAY = [0, 1000] as const;
const DAD_WAIT = [1000, 1000] as const;
/** An honest owner answers the first question within that; then neighbours that knew us under another MAC hear of the new one. */
const OPTIMISTIC_WAIT = [100, 100] as const;
const AT_ONCE = [0, 0] as const;

/** What to do after a wait of so many milliseconds, drawn from a range. `own` begins to use the address. */
interface Step {
  readonly wait: readonly [number, number];
  readonly act: 'probe' | 'own' | 'announce';
}

const PLANS: Record<4 | 6, Record<DuplicateDetection, readonly Step[]>> = {
  4: {
    optimistic: [
      { wait: AT_ONCE, act: 'probe' },
      { wait: OPTIMISTIC_WAIT, act: 'announce' },
      { wait: PROBE_INTERVAL, act: 'probe' },
      { wait: PROBE_INTERVAL, act: 'probe' },
      { wait: ANNOUNCE_WAIT, act: 'announce' },
    ],
    strict: [
      { wait: PROBE_WAIT, act: 'probe' },
      { wait: PROBE_INTERVAL, act: 'probe' },
      { wait: PROBE_INTERVAL, act: 'probe' },
      { wait: ANNOUNCE_WAIT, act: 'own' },
      { wait: AT_ONCE, act: 'announce' },
      { wait: ANNOUNCE_INTERVAL, act: 'announce' },
    ],
    off: [
      { wait: AT_ONCE, act: 'announce' },
      { wait: ANNOUNCE_INTERVAL, act: 'announce' },
    ],
  },
  6: {
    optimistic: [
      { wait: AT_ONCE, act: 'probe' },
      { wait: DAD_WAIT, act: 'announce' },
    ],
    strict: [
      { wait: SOLICITATION_DELAY, act: 'probe' },
      { wait: DAD_WAIT, act: 'own' },
      { wait: AT_ONCE, act: 'announce' },
    ],
    off: [{ wait: AT_ONCE, act: 'announce' }],
  },
};

/** One address. */
class Claim {
  /** Next step of its plan. */
  step = 0;
  isLost = false;
  /** Clock ms of the last defence. */
  defendedAt = Number.NEGATIVE_INFINITY;
  readonly task: WheelTask;

  constructor(
    readonly own: Prefix,
    readonly plan: readonly Step[],
    /** Not used yet. */
    public isTentative: boolean,
    run: (claim: Claim, now: number) => void,
  ) {
    this.task = new WheelTask((now) => run(this, now));
  }

  /** Still being asked for: whoever else has it, or wants it as well, may keep it. */
  get isInQuestion(): boolean {
    return this.plan.some(({ act }) => act === 'probe') && this.step < this.lastQuestion;
  }

  /** The step that ends the wait for objections. */
  private get lastQuestion(): number {
    const lastProbe = this.plan.findLastIndex(({ act }) => act === 'probe');
    return lastProbe + 2;
  }
}

/** Writes the frames of one family. */
export interface ClaimVoice {
  probe(address: IpAddress): void;
  announce(address: IpAddress): void;
}

/** What claims work on. */
export interface ClaimParts {
  readonly addresses: LocalAddresses;
  readonly mode: DuplicateDetection;
  readonly random: RandomBytes;
  readonly stats: EthernetStats;
  readonly wheel: { arm(task: WheelTask, deadline: number): void; remove(task: WheelTask): void };
  voice(family: 4 | 6): ClaimVoice;
  /** Our addresses are others than before. */
  changed(): void;
  conflict(conflict: AddressConflict, now: number): void;
}

/** The addresses of a stack on a link of Ethernet frames. */
export class AddressClaims {
  /** Resolves when every address is either used or lost. */
  readonly ready: Promise<void>;
  private readonly claims: Claim[] = [];
  private settle: () => void = () => {};

  constructor(private readonly parts: ClaimParts) {
    this.ready = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  /** Addresses that are ours or are to be. */
  claimed(): IpAddress[] {
    return this.claims.filter((claim) => !claim.isLost).map((claim) => claim.own.address);
  }

  /** Begins to ask and to tell. With `strict` the addresses are taken away until they are known to be free. */
  begin(now: number): void {
    const { addresses, mode } = this.parts;
    const isStrict = mode === 'strict';
    for (const address of addresses.list()) {
      if (isLoopback(address.w0, address.w1, address.w2, address.w3)) continue;
      const own = isStrict ? addresses.withdraw(address)! : { address, prefixBits: 0 };
      this.claims.push(
        new Claim(own, PLANS[address.family][mode], isStrict, (claim, at) => this.advance(claim, at)),
      );
    }
    for (const claim of this.claims) this.wait(claim, now);
    this.checkReady();
  }

  /**
   * A station with that MAC address speaks as the owner of an address.
   * @param macHigh -1 when it did not tell its MAC address
   * @returns whether the address is ours, or was to be
   */
  spokenFor(
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    macHigh: number,
    macLow: number,
    now: number,
  ): boolean {
    const claim = this.find(w0, w1, w2, w3);
    if (claim === null) return false;
    const mac = macHigh < 0 ? null : new MacAddress(macHigh, macLow);
    if (claim.isInQuestion) this.lose(claim, mac, now);
    else this.defend(claim, mac, now);
    return true;
  }

  /**
   * Somebody asks whether an address is free. While we ask the same neither gets it (RFC 5227 §2.1.1, RFC 4862 §5.4.3).
   * @returns whether that was so, and nothing is to be answered
   */
  probedBy(
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    macHigh: number,
    macLow: number,
    now: number,
  ): boolean {
    const claim = this.find(w0, w1, w2, w3);
    if (claim === null || !claim.isTentative) return false;
    this.lose(claim, macHigh < 0 ? null : new MacAddress(macHigh, macLow), now);
    return true;
  }

  private find(w0: number, w1: number, w2: number, w3: number): Claim | null {
    for (const claim of this.claims) {
      const a = claim.own.address;
      if (a.w3 === w3 && a.w2 === w2 && a.w1 === w1 && a.w0 === w0 && !claim.isLost) return claim;
    }
    return null;
  }

  private wait(claim: Claim, now: number): void {
    const step = claim.plan[claim.step];
    if (step === undefined) return;
    const [least, most] = step.wait;
    const part = (randomWord(this.parts.random) >>> 0) / 2 ** 32;
    this.parts.wheel.arm(claim.task, now + least + (most - least) * part);
  }

  private advance(claim: Claim, now: number): void {
    const { addresses } = this.parts;
    const { address } = claim.own;
    const { act } = claim.plan[claim.step++]!;
    const voice = this.parts.voice(address.family);
    if (act === 'probe') voice.probe(address);
    else if (act === 'announce') voice.announce(address);
    else {
      claim.isTentative = false;
      addresses.restore(claim.own);
      this.parts.changed();
      this.checkReady();
    }
    this.wait(claim, now);
  }

  /** Once in ten seconds; a second objection in that time means that the other does not give way, so we do (RFC 5227 §2.4 b). */
  private defend(claim: Claim, mac: MacAddress | null, now: number): void {
    const { address } = claim.own;
    if (now - claim.defendedAt < DEFEND_INTERVAL_MS) {
      this.lose(claim, mac, now);
      return;
    }
    claim.defendedAt = now;
    this.parts.stats.addressConflicts++;
    this.parts.voice(address.family).announce(address);
    this.parts.conflict({ address, mac, isLost: false }, now);
  }

  private lose(claim: Claim, mac: MacAddress | null, now: number): void {
    const { address } = claim.own;
    claim.isLost = true;
    claim.isTentative = false;
    this.parts.wheel.remove(claim.task);
    this.parts.stats.addressConflicts++;
    this.parts.addresses.withdraw(address);
    this.parts.changed();
    this.parts.conflict({ address, mac, isLost: true }, now);
    this.checkReady();
  }

  private checkReady(): void {
    if (!this.claims.some((claim) => claim.isTentative)) this.settle();
  }
}
