// The capture for people: beside what crossed the link also what the link lost or injected, and the timers that fired,
// each with a comment. What crossed alone is another capture's affair: that one is for tools to judge.
import type { PacketRecorder, RecordedPacket } from '../link/capture.js';
import { type Clock, epochNanoseconds } from '../stack/clock.js';
import type { Connection } from '../tcp/connection.js';
import { TIMER_NAMES, Timer } from '../tcp/timers.js';
import type { TimerOp } from '../tcp/trace.js';
import type { Lang } from './lexicon.js';
import type { LinkAct } from './link-act.js';
import { SilentTrace } from './silent-trace.js';

const ACTS: Readonly<Record<Lang, Readonly<Record<LinkAct['act'], string>>>> = {
  en: {
    drop: 'LOST in the link',
    delay: 'delayed by the link',
    dup: 'duplicated by the link',
    reorder: 'reordered by the link',
    hold: 'held by the link',
    release: 'released by the link',
    inject: 'INJECTED by the link',
    rewrite: 'rewritten by the link',
    corrupt: 'damaged by the link',
  },
  zh: {
    drop: '在链路中丢失',
    delay: '被链路延迟',
    dup: '被链路复制',
    reorder: '被链路打乱顺序',
    hold: '被链路扣留',
    release: '被链路放行',
    inject: '由链路注入',
    rewrite: '被链路改写',
    corrupt: '被链路损坏',
  },
};

/** Timers whose firing is a part of the story; the others show themselves by the segment that they send. */
const TOLD: readonly Timer[] = [
  Timer.RETRANSMISSION,
  Timer.PERSIST,
  Timer.KEEPALIVE,
  Timer.TIME_WAIT,
  Timer.FIN_WAIT_2,
  Timer.USER,
  Timer.LOSS_PROBE,
];

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

const WORDS: Readonly<
  Record<Lang, Readonly<Record<'fired' | 'restarted', (name: string, ms: number) => string>>>
> = {
  en: {
    fired: (name, ms) => `timer ${name} fired after ${seconds(ms)} s`,
    restarted: (name, ms) => `timer ${name} started anew: ${seconds(ms)} s`,
  },
  zh: {
    fired: (name, ms) => `定时器 ${name} 在 ${seconds(ms)} 秒后到期`,
    restarted: (name, ms) => `定时器 ${name} 重新计时：${seconds(ms)} 秒`,
  },
};

/** What it is made of. */
export interface StoryOptions {
  /** Where the story goes. */
  readonly target: PacketRecorder;
  readonly clock: Clock;
  readonly lang: Lang;
  /** Attaches a comment to a packet that crosses. */
  annotate(packetId: number, text: string): void;
}

/** Records a story: a member of the link's recorders, a listener of its acts, and of the core's events. */
export class StoryRecorder extends SilentTrace implements PacketRecorder {
  /** What did not cross, until what crossed before it has been recorded. */
  private waiting: RecordedPacket[] = [];
  private readonly delays = new WeakMap<Connection, number[]>();

  constructor(private readonly options: StoryOptions) {
    super();
  }

  get snapLength(): number {
    return this.options.target.snapLength;
  }

  packet(packet: RecordedPacket): void {
    this.release(packet.timeNs);
    this.options.target.packet(packet);
  }

  event(timeNs: bigint, fields: Readonly<Record<string, string>>): void {
    this.release(timeNs);
    this.options.target.event(timeNs, fields);
  }

  close(): Promise<void> {
    this.release(null);
    return this.options.target.close();
  }

  /** Records what waits and is older; all of it for null. */
  private release(before: bigint | null): void {
    if (this.waiting.length === 0) return;
    const due = this.waiting.filter(({ timeNs }) => before === null || timeNs < before);
    this.waiting = this.waiting.filter((packet) => !due.includes(packet));
    for (const packet of due) this.options.target.packet(packet);
  }

  /** Takes what an impaired link did. The capture lies beyond it: what goes out and is lost never gets there. */
  onAct(act: LinkAct): void {
    const { annotate, lang } = this.options;
    const rule = act.rule === undefined ? '' : ` (${act.rule})`;
    const comment = `${ACTS[lang][act.act]}${rule}`;
    const crosses = act.dir === 'out' ? act.act !== 'drop' : act.act !== 'inject';
    if (crosses || act.packet === undefined) {
      annotate(act.packetId, comment);
      return;
    }
    const bytes = Uint8Array.from(act.packet.subarray(0, this.snapLength));
    this.waiting.push({
      timeNs: this.timeNs(act.time),
      direction: act.dir,
      packetId: act.packetId,
      bytes,
      offset: 0,
      length: bytes.length,
      originalLength: act.packet.length,
      comments: [comment],
    });
  }

  override timerChanged(
    connection: Connection,
    timer: Timer,
    op: TimerOp,
    delayMs: number,
    _n: number,
    now: number,
  ): void {
    if (!TOLD.includes(timer) || op === 'stop') return;
    const delays = this.delaysOf(connection);
    const words = WORDS[this.options.lang];
    const name = TIMER_NAMES[timer];
    if (op === 'fire') this.tell(connection, words.fired(name, delays[timer]!), now);
    else if (op === 'restart' && timer === Timer.TIME_WAIT)
      this.tell(connection, words.restarted(name, delayMs), now);
    delays[timer] = delayMs;
  }

  private delaysOf(connection: Connection): number[] {
    let delays = this.delays.get(connection);
    if (delays === undefined) {
      delays = TIMER_NAMES.map(() => 0);
      this.delays.set(connection, delays);
    }
    return delays;
  }

  private tell(connection: Connection, text: string, now: number): void {
    this.event(this.timeNs(now), {
      MESSAGE: `c${connection.id} ${text}`,
      TCP_CONNECTION: `c${connection.id}`,
    });
  }

  private timeNs(now: number): bigint {
    return epochNanoseconds(this.options.clock.epochMs, now);
  }
}
