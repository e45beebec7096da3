// Counts and announces what an impaired link does to packets.
import type { Clock } from '../stack/clock.js';
import type { LinkStats } from '../stack/link.js';
import type { ActEvent, ActName, Direction } from './impair-options.js';

/** One entry for each fault. */
export class ActLog {
  /** How often each act was done. */
  readonly acts: Record<ActName, number> = {
    drop: 0,
    delay: 0,
    dup: 0,
    reorder: 0,
    corrupt: 0,
    hold: 0,
    release: 0,
    rewrite: 0,
    inject: 0,
  };

  constructor(
    private readonly clock: Clock,
    private readonly stats: LinkStats,
    private readonly onAct: ((event: ActEvent) => void) | undefined,
  ) {}

  /** Counts one act and tells the listener. An act that failed with `error` is told but not counted. */
  report(
    act: ActName,
    dir: Direction,
    packetId: number,
    nth: number,
    rule: string,
    packet: Uint8Array,
    error?: unknown,
  ): void {
    if (error === undefined) this.acts[act]++;
    if (act === 'drop') this.stats.dropped++;
    if (this.onAct === undefined) return;
    const event: ActEvent = { act, dir, packetId, nth, rule, time: this.clock.now(), packet };
    if (error !== undefined) event.error = error;
    this.onAct(event);
  }
}
