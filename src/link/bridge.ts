// Two links joined through one impairment: what comes in on one goes out on the other, unless a fault befalls it. The
// packets belong to others (two kernels, as a rule); nothing here looks into them but the rules of the impairment.
import type { Link, LinkReceiver, PacketBatch } from '../stack/link.js';
import { declineOffload, type ImpairedLink, impair } from './impair.js';
import type { ActEvent, ActName, Direction, ImpairOptions } from './impair-options.js';

/** What became of the packets of one direction. */
export interface BridgeWayStats {
  /** Packets and bytes that came in from one link. */
  readonly packetsIn: number;
  readonly bytesIn: number;
  /** Packets and bytes that the other link took. */
  readonly packetsOut: number;
  readonly bytesOut: number;
  /**
   * Packets lost, by cause: `loss`, `burst-loss`, `queue` (the bottleneck's), `limit` (of packets kept), `full` (the far
   * link took no more), `device` (the far link failed to pass it on), or the text of a rule.
   */
  readonly drops: Readonly<Record<string, number>>;
  /** Other faults: `dup` (one per copy), `reorder`, `corrupt`, `delay`, `hold`, `release`, `rewrite`, `inject`. */
  readonly acts: Readonly<Partial<Record<ActName, number>>>;
}

/** Settings of `bridgeLinks`: those of `impair`, where `out` is left to right and `in` is right to left. */
export interface BridgeOptions extends ImpairOptions {
  /** Told once when one of the links is gone: the bridge carries nothing any more, and waits for `close`. */
  onFailure?: (error: Error) => void;
}

/**
 * Starts to carry packets between two fresh links of the same medium. A link that is full loses what comes for it, as a
 * router does: nothing waits here but what the impairment keeps. Each direction has its own random numbers, drawn per
 * packet in the order of arrival, so that the same seed gives the n-th packet of a direction the same fate whoever sends
 * it. Links that share their `packetIds` give every packet a number of its own.
 * @throws Error (`ERR_SYNWAVE_LINK_MEDIUM`) for links of different media; as `impair` does for a link that offloads and cannot decline, or
 * for settings that make no sense
 */
export function bridgeLinks(left: Link, right: Link, options: BridgeOptions): Bridge {
  if (left.medium !== right.medium) {
    const message = `bridge: ${left.name} carries ${left.medium}, ${right.name} ${right.medium}; join two of a kind.`;
    throw Object.assign(new Error(message), { code: 'ERR_SYNWAVE_LINK_MEDIUM' });
  }
  declineOffload(left);
  return new Bridge(left, right, options);
}

interface Tally {
  readonly drops: Record<string, number>;
  readonly acts: Partial<Record<ActName, number>>;
}

/** The bridge made by `bridgeLinks`. */
export class Bridge {
  /** The right link behind its impairment: for rules that come and go, holds, and injected packets. */
  readonly impaired: ImpairedLink;
  private readonly tallies: Record<Direction, Tally> = {
    out: { drops: {}, acts: {} },
    in: { drops: {}, acts: {} },
  };
  private failed = false;

  /** Use `bridgeLinks`. */
  constructor(
    private readonly left: Link,
    private readonly right: Link,
    private readonly options: BridgeOptions,
  ) {
    this.impaired = impair(right, { ...options, onAct: (event) => this.count(event) });
    this.impaired.start(this.receiver(left, 'in'));
    left.start(this.receiver(this.impaired, 'out'));
  }

  /** What became of the packets from left to right, until now. */
  get leftToRight(): BridgeWayStats {
    return this.statsOf('out', this.left, this.right);
  }

  /** What became of the packets from right to left, until now. */
  get rightToLeft(): BridgeWayStats {
    return this.statsOf('in', this.right, this.left);
  }

  /** Packets on their way, kept by the impairment; both directions together. */
  get underway(): number {
    return this.impaired.stored;
  }

  /** Stops, and closes both links. What is under way is lost. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.impaired.close(), this.left.close()]);
  }

  private receiver(far: Link, dir: Direction): LinkReceiver {
    return {
      receive: (batch) => this.carry(batch, far, dir),
      // Nothing waits here for a link that was full.
      writable: () => {},
      failed: (error) => this.fail(error),
    };
  }

  private carry({ bytes, count, offsets, lengths, ids }: PacketBatch, far: Link, dir: Direction): void {
    for (let i = 0; i < count; i++) {
      if (!far.send(ids[i]!, bytes, offsets[i]!, lengths[i]!, null)) this.drop(dir, 'full');
    }
    far.flush();
  }

  private count(event: ActEvent): void {
    if (event.act === 'drop') this.drop(event.dir, event.rule);
    else if (event.error === undefined) {
      const { acts } = this.tallies[event.dir];
      acts[event.act] = (acts[event.act] ?? 0) + 1;
    }
    this.options.onAct?.(event);
  }

  private drop(dir: Direction, cause: string): void {
    const { drops } = this.tallies[dir];
    drops[cause] = (drops[cause] ?? 0) + 1;
  }

  private statsOf(dir: Direction, from: Link, to: Link): BridgeWayStats {
    const { drops, acts } = this.tallies[dir];
    return {
      packetsIn: from.stats.packetsIn,
      bytesIn: from.stats.bytesIn,
      packetsOut: to.stats.packetsOut,
      bytesOut: to.stats.bytesOut,
      drops: to.stats.dropped > 0 ? { ...drops, device: to.stats.dropped } : { ...drops },
      acts: { ...acts },
    };
  }

  private fail(error: Error): void {
    if (this.failed) return;
    this.failed = true;
    this.options.onFailure?.(error);
  }
}
