// Decides what becomes of each packet of an impaired link: rules first, then chance, then the shape of the path. When
// the packets that are kept go on is impair.ts's affair.
import type { Clock } from '../stack/clock.js';
import type { PacketIds } from '../stack/link.js';
import { RuleError } from './impair-numbers.js';
import type { ActName, Direction, ImpairOptions } from './impair-options.js';
import { ImpairedPacket, IsnMemory } from './impair-packet.js';
import { ImpairedPath } from './impair-path.js';
import type { StoredPacket } from './impair-queue.js';
import type { ActLog } from './impair-report.js';
import { parseRule } from './impair-rule-text.js';
import { Matcher, type Rule, type RuleAct } from './impair-rules.js';
import {
  buildInjected,
  checkInjected,
  EditableSegment,
  encodeEdited,
  type InjectedSegment,
} from './impair-segment.js';
import { QUEUE_FULL } from './impair-shaper.js';
import type { PacketStore } from './impair-store.js';

const ETHERNET_HEADER_BYTES = 14;
const MAC_BYTES = 6;

interface ActiveRule {
  readonly matcher: Matcher;
  readonly act: RuleAct;
  readonly text: string;
}

/** Rules, chance and the two paths of one link. */
export class Judge {
  readonly paths: Record<Direction, ImpairedPath>;
  private readonly clock: Clock;
  private readonly packet: ImpairedPacket;
  private readonly isns = new IsnMemory();
  private rules: ActiveRule[] = [];
  private readonly releasedNames = new Set<string>();

  /** @throws RangeError (`ERR_OUT_OF_RANGE`), RuleError (`ERR_SYNWAVE_RULE`) */
  constructor(
    private readonly medium: 'ip' | 'ethernet',
    private readonly packetIds: PacketIds,
    private readonly store: PacketStore,
    private readonly log: ActLog,
    options: ImpairOptions,
  ) {
    this.clock = options.clock;
    this.paths = { in: new ImpairedPath('in', options), out: new ImpairedPath('out', options) };
    this.packet = new ImpairedPacket(medium, this.isns);
    for (const rule of options.rules ?? []) this.addRule(rule);
  }

  /** See `ImpairedLink.addRule`. */
  addRule(rule: Rule | string): () => void {
    const { match, act, text } = typeof rule === 'string' ? parseRule(rule) : rule;
    // Compiled once for its complaints: each packet set aside counts for itself.
    if (act.kind === 'reorder' && act.after !== null) new Matcher(act.after);
    if (act.kind === 'inject') checkInjected(act.segment);
    if (act.kind === 'hold') this.releasedNames.delete(act.until);
    const active = { matcher: new Matcher(match), act, text: text ?? act.kind };
    this.rules.push(active);
    return () => {
      this.rules = this.rules.filter((other) => other !== active);
    };
  }

  /** See `ImpairedLink.release`. */
  release(name: string, count = Number.POSITIVE_INFINITY): number {
    const going = this.store.takeHeld(name, count);
    if (count === Number.POSITIVE_INFINITY) {
      this.releasedNames.add(name);
      for (const path of Object.values(this.paths)) if (path.blockedBy === name) path.blockedBy = null;
    }
    const now = this.clock.now();
    for (const packet of going) {
      this.log.report('release', packet.dir, packet.packetId, 0, name, packet.bytes);
      this.store.timed.add(now, packet);
    }
    return going.length;
  }

  /** See `ImpairedLink.inject`. */
  inject(segment: InjectedSegment): number {
    const linkHeader = this.linkHeaderFor(segment.dir);
    const bytes = buildInjected(segment, { isns: this.isns, matched: null, linkHeader });
    return this.addInjected(segment, bytes, 0, 'inject');
  }

  /** Lets packets that were set aside go on when they have waited long enough. */
  resumeExpired(now: number): void {
    for (const path of Object.values(this.paths)) {
      for (const packet of path.expired(now)) this.resume(path, packet, now);
    }
  }

  /** When `resumeExpired` has something to do, or Infinity. */
  nextDeadline(): number {
    return Math.min(this.paths.in.nextDeadline(), this.paths.out.nextDeadline());
  }

  /** Decides about one packet. True: it goes on at once and unchanged; false: nothing is left to do. */
  judge(
    dir: Direction,
    packetId: number,
    bytes: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
  ): boolean {
    const { packet } = this;
    const path = this.paths[dir];
    packet.read(dir, packetId, bytes, view, offset, length, true);
    if (this.medium === 'ethernet' && length >= ETHERNET_HEADER_BYTES) {
      path.linkHeader = bytes.slice(offset, offset + ETHERNET_HEADER_BYTES);
    }
    // Every rule sees every packet, so that `nth` counts what crosses the link and not what others left over.
    const matched = this.rules.length === 0 ? NO_RULES : this.rules.filter((r) => r.matcher.matches(packet));
    let changed: Uint8Array | null = null;
    for (const rule of matched) {
      if (rule.act.kind === 'inject') this.injectByRule(rule, rule.act.segment);
      else if (rule.act.kind === 'rewrite') changed = this.rewrite(rule, rule.act.edit) ?? changed;
      else if (rule.act.kind !== 'hold' || !this.releasedNames.has(rule.act.until)) {
        return this.decide(path, rule, changed);
      }
    }
    return this.chance(path, changed);
  }

  /** Carries out the rule that decides. */
  private decide(path: ImpairedPath, rule: ActiveRule, changed: Uint8Array | null): boolean {
    const { packet } = this;
    const { act, text } = rule;
    const nth = rule.matcher.count;
    const now = this.clock.now();
    switch (act.kind) {
      case 'drop':
        this.drop(packet.dir, packet.packetId, nth, text, this.current(changed));
        return false;
      case 'delay': {
        this.reportCurrent('delay', nth, text, changed);
        if (path.blockedBy !== null) {
          this.hold(path.blockedBy, changed);
          return false;
        }
        const at = this.transit(path, packet.length, now);
        if (at !== QUEUE_FULL) this.addTimed(at + act.ms, changed);
        return false;
      }
      case 'dup': {
        const passes = this.goOn(path, changed);
        for (let i = 1; i <= act.copies; i++) {
          this.reportCurrent('dup', nth, text, changed);
          this.addTimed(now + i * act.gapMs, changed);
        }
        return passes;
      }
      case 'reorder':
        this.setAside(
          path,
          nth,
          text,
          act.maxMs,
          1,
          act.after === null ? null : new Matcher(act.after),
          changed,
        );
        return false;
      case 'hold':
        this.reportCurrent('hold', nth, text, changed);
        if (act.line) path.blockedBy = act.until;
        this.hold(act.until, changed);
        return false;
      default:
        return this.goOn(path, changed);
    }
  }

  private chance(path: ImpairedPath, changed: Uint8Array | null): boolean {
    const { packet } = this;
    const fate = path.decide();
    if (fate.lost !== null) {
      this.drop(packet.dir, packet.packetId, 0, fate.lost, this.current(changed));
      return false;
    }
    if (fate.corrupt) {
      changed = path.corrupted(packet.bytes, packet.offset, packet.length);
      this.reportCurrent('corrupt', 0, 'corrupt', changed);
    }
    if (fate.reorder) {
      const { maxMs, distance } = path.reordering;
      if (fate.duplicate) this.duplicate(path, changed);
      this.setAside(path, 0, 'reorder', maxMs, distance, null, changed);
      return false;
    }
    const passes = this.goOn(path, changed);
    if (fate.duplicate) this.duplicate(path, changed);
    return passes;
  }

  private duplicate(path: ImpairedPath, changed: Uint8Array | null): void {
    this.reportCurrent('dup', 0, 'duplicate', changed);
    const at = this.transit(path, this.packet.length, this.clock.now());
    if (at !== QUEUE_FULL) this.addTimed(at, changed);
  }

  /** The packet enters the path. True when it may leave it at once. */
  private goOn(path: ImpairedPath, changed: Uint8Array | null): boolean {
    if (path.blockedBy !== null) {
      this.reportCurrent('hold', 0, path.blockedBy, changed);
      this.hold(path.blockedBy, changed);
      return false;
    }
    const now = this.clock.now();
    const at = this.transit(path, this.packet.length, now);
    if (at === QUEUE_FULL) return false;
    const passes = changed === null && at <= now && this.store.timed.nextAt() > now;
    if (!passes) this.addTimed(at, changed);
    for (const other of path.overtakenBy(this.packet)) this.resume(path, other, now);
    return passes;
  }

  /** A packet that was set aside enters the path behind the one that overtook it. */
  private resume(path: ImpairedPath, packet: StoredPacket, now: number): void {
    const at = path.shaper.active ? path.shaper.pass(packet.bytes.length, now) : now;
    if (at === QUEUE_FULL) {
      this.store.forget(packet);
      this.drop(packet.dir, packet.packetId, 0, 'queue', packet.bytes);
      return;
    }
    this.store.timed.add(at, packet);
  }

  private transit(path: ImpairedPath, length: number, now: number): number {
    if (!path.shaper.active) return now;
    const at = path.shaper.pass(length, now);
    if (at === QUEUE_FULL) this.drop(path.dir, this.packet.packetId, 0, 'queue', this.current(null));
    return at;
  }

  private setAside(
    path: ImpairedPath,
    nth: number,
    rule: string,
    maxMs: number,
    remaining: number,
    after: Matcher | null,
    changed: Uint8Array | null,
  ): void {
    this.reportCurrent('reorder', nth, rule, changed);
    const packet = this.storeCurrent(changed);
    if (packet === null) return;
    path.setApart({ packet, after, remaining, deadline: this.clock.now() + maxMs });
  }

  private hold(name: string, changed: Uint8Array | null): void {
    const packet = this.storeCurrent(changed);
    if (packet !== null) this.store.hold(name, packet);
  }

  /** Applies an edit; the packet being judged is then the changed one. */
  private rewrite(rule: ActiveRule, edit: (segment: EditableSegment) => void): Uint8Array | null {
    const { packet } = this;
    if (!packet.isTcp) return null;
    try {
      const segment = new EditableSegment(packet);
      edit(segment);
      const bytes = encodeEdited(packet, segment);
      const view = new DataView(bytes.buffer);
      packet.read(packet.dir, packet.packetId, bytes, view, 0, bytes.length, false);
      this.reportCurrent('rewrite', rule.matcher.count, rule.text, bytes);
      return bytes;
    } catch (error) {
      this.reportCurrent('rewrite', rule.matcher.count, rule.text, null, error);
      return null;
    }
  }

  private injectByRule(rule: ActiveRule, segment: InjectedSegment): void {
    const matched = this.packet.isTcp ? this.packet : null;
    try {
      const linkHeader = this.linkHeaderFor(segment.dir);
      const bytes = buildInjected(segment, { isns: this.isns, matched, linkHeader });
      this.addInjected(segment, bytes, rule.matcher.count, rule.text);
    } catch (error) {
      this.reportCurrent('inject', rule.matcher.count, rule.text, null, error);
    }
  }

  private addInjected(segment: InjectedSegment, bytes: Uint8Array, nth: number, rule: string): number {
    const packetId = this.packetIds.next();
    this.log.report('inject', segment.dir, packetId, nth, rule, bytes);
    const packet = this.keep(segment.dir, packetId, bytes);
    if (packet !== null) {
      this.store.timed.add(this.clock.now() + (segment.delayMs ?? 0), packet);
    }
    return packetId;
  }

  /** The Ethernet header that a packet of that direction needs, from one seen in it or turned round. */
  private linkHeaderFor(dir: Direction): Uint8Array | null {
    if (this.medium === 'ip') return null;
    const seen = this.paths[dir].linkHeader;
    if (seen !== null) return seen;
    const other = this.paths[dir === 'in' ? 'out' : 'in'].linkHeader;
    if (other === null)
      throw new RuleError('no frame has crossed this link yet; inject after the first one.');
    const turned = other.slice();
    turned.set(other.subarray(MAC_BYTES, 2 * MAC_BYTES));
    turned.set(other.subarray(0, MAC_BYTES), MAC_BYTES);
    return turned;
  }

  private addTimed(at: number, changed: Uint8Array | null): void {
    const packet = this.storeCurrent(changed);
    if (packet === null) return;
    this.store.timed.add(at, packet);
  }

  private storeCurrent(changed: Uint8Array | null): StoredPacket | null {
    return this.keep(this.packet.dir, this.packet.packetId, changed ?? this.current(null).slice());
  }

  private current(changed: Uint8Array | null): Uint8Array {
    const { bytes, offset, length } = this.packet;
    return changed ?? bytes.subarray(offset, offset + length);
  }

  private reportCurrent(
    act: ActName,
    nth: number,
    rule: string,
    changed: Uint8Array | null,
    error?: unknown,
  ): void {
    this.log.report(act, this.packet.dir, this.packet.packetId, nth, rule, this.current(changed), error);
  }

  private keep(dir: Direction, packetId: number, bytes: Uint8Array): StoredPacket | null {
    const packet = this.store.keep(dir, packetId, bytes);
    if (packet === null) this.drop(dir, packetId, 0, 'limit', bytes);
    return packet;
  }

  private drop(dir: Direction, packetId: number, nth: number, rule: string, bytes: Uint8Array): void {
    this.log.report('drop', dir, packetId, nth, rule, bytes);
  }
}

const NO_RULES: ActiveRule[] = [];
