// Plays one variant of a scenario in one world, and holds what happened against what should have.
import type { LadderRow } from '../observe/ladder-rows.js';
import { STATE_NAMES, type State } from '../tcp/state.js';
import { type ExpectedSegment, parseExpectation, rowFlags, rowLine, WireMatcher } from './notation.js';
import { type Assertion, type Outcome, same } from './outcome.js';
import type { PlaySettings, Rig } from './rig.js';
import {
  acknowledgments,
  assertion,
  legalTransitions,
  nothingLeft,
  sequenceNumbers,
  wholeStreams,
} from './rules.js';
import { type Text, text } from './scenario.js';
import type { Actor, Stage } from './stage.js';
import { type Wait, WaitedInVain } from './waits.js';
import type { PlayedWorld } from './world.js';

/** Longest time that connections get to end when the script is through, beyond 2 MSL, ms. */
const END_MS = 3000;

/** Plays it to its end; the world is closed afterwards. Never throws for what the protocol did. */
export async function play(settings: PlaySettings, world: PlayedWorld): Promise<Outcome> {
  const production = new Production(settings, world);
  try {
    await production.run();
  } finally {
    await world.close();
  }
  return production.outcome();
}

class Production {
  private readonly rig: Rig;
  private readonly expected: ExpectedSegment[];
  private readonly matcher: WireMatcher;
  private readonly checks: Assertion[] = [];
  private readonly startMs: number;
  private isOver = false;
  private reading: Promise<void> = Promise.resolve();
  /** The log as it was when the record ended. */
  private records: readonly Record<string, unknown>[];
  private leftOurs: string[] = [];
  private leftPeer: string[] = [];
  private trouble: Text | null = null;

  constructor(
    private readonly settings: PlaySettings,
    private readonly world: PlayedWorld,
  ) {
    this.rig = world.rig;
    this.records = this.rig.records;
    this.startMs = this.rig.clock.now();
    this.expected = parseExpectation(settings.variant.wire, settings.world);
    this.matcher = new WireMatcher(this.expected);
    this.rig.ladder.onSegmentRow = (row) => this.takeRow(row);
  }

  async run(): Promise<void> {
    const { variant } = this.settings;
    this.rig.log.lab('begin', {}, this.rig.clock.now(), `${variant.id} begins`);
    try {
      await variant.play(this.stage());
      await this.reading;
    } catch (error) {
      this.trouble = error instanceof WaitedInVain ? error.sentence : same((error as Error).message);
    }
    if (this.trouble === null && !this.isOver) await this.untilGone();
    await this.reading;
    this.endRecord();
    await this.clearAway();
    this.matcher.finish();
  }

  outcome(): Outcome {
    const { scenario, variant, world, seed, mslMs, clientPort, capture } = this.settings;
    const assertions = [
      ...this.wireAssertions(),
      ...(this.trouble === null
        ? []
        : [assertion(text('the play came to its end', '实验按脚本演完'), [this.trouble])]),
      ...this.checks,
      ...this.globalAssertions(),
    ];
    return {
      scenario,
      variant,
      world,
      seed,
      mslMs,
      clientPort,
      peerName: this.world.peerName,
      unsafe: variant.unsafe ?? [],
      ladders: this.rig.ladder.documents(),
      assertions,
      inspected: this.rig.inspected,
      capture,
      log: this.rig.lines,
      states: this.statesSeen(),
      verdict: null,
    };
  }

  private takeRow(row: LadderRow): void {
    const line = this.matcher.take(row);
    const { readState } = this.world;
    if (line === null || !line.read || readState === null) return;
    const name = this.settings.variant.ours === 'A' ? line.b : line.a;
    const packetId = row.segment!.packetId;
    this.rig.script.freeze();
    this.reading = readState(STATE_NAMES.indexOf(name!) as State).then((state) => {
      this.rig.ladder.markRead(packetId, state);
      this.rig.script.thaw();
    });
  }

  private stage(): Stage {
    const { settings, world, rig } = this;
    const { variant, mslMs } = settings;
    const [a, b]: [Actor, Actor] = variant.ours === 'A' ? [rig.actor, world.peer] : [world.peer, rig.actor];
    const until = async (what: Wait, holds: () => boolean) => {
      if (await world.until(holds, world.patienceMs)) return;
      throw new WaitedInVain(what, a.state(), b.state());
    };
    return {
      world: settings.world,
      ours: variant.ours,
      a,
      b,
      link: rig.script,
      mslMs,
      now: () => rig.clock.now() - (rig.ladder.beganAt ?? this.startMs),
      wait: (ms) => world.wait(ms),
      until,
      established: () =>
        until('both ends are ESTABLISHED', () => a.session.established && b.session.established),
      note: (en, zh) => rig.ladder.note(settings.clientPort, { en, zh }, rig.clock.now()),
      check: (en, zh, holds, got) => {
        const detail = got === undefined ? [] : [text(`got ${got}`, `实际 ${got}`)];
        this.checks.push({ what: { en, zh }, ok: holds, detail: holds ? [] : detail });
        rig.log.lab('assert', { ok: holds, expect: en, ...(holds ? {} : { got }) }, rig.clock.now(), en);
      },
      transitions: () => this.transitions(),
      records: () => rig.records,
      counters: () => rig.stack.stats.tcp,
      count: (match) => this.rowsLike(match).length,
      times: (match) => this.rowsLike(match).map((row) => row.t),
      curtain: () => this.endRecord(),
      reboot: () => rig.reboot(),
    };
  }

  private rowsLike(match: Parameters<Stage['count']>[0]): LadderRow[] {
    const flags = match.flags === undefined ? undefined : [...match.flags].sort().join('');
    return this.rig.ladder.order.filter(
      (row) =>
        (match.from === undefined || row.segment!.from === match.from) &&
        (flags === undefined || rowFlags(row) === flags) &&
        (match.len === undefined || row.segment!.len === match.len) &&
        (match.lost === undefined || (row.segment!.fate === 'lost') === match.lost),
    );
  }

  private transitions(): string[] {
    return this.records.filter(({ ev }) => ev === 'state').map(({ from, to }) => `${from}>${to}`);
  }

  private statesSeen(): string[] {
    const states = this.records.filter(({ ev }) => ev === 'state').map(({ to }) => String(to));
    return [...new Set(states)];
  }

  private endRecord(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.records = [...this.rig.records];
    this.rig.endRecord();
  }

  /** All of our connections have ended in order, TIME-WAIT included. */
  private async untilGone(): Promise<void> {
    const limit = this.settings.world === 'sim' ? this.world.patienceMs : 2 * this.settings.mslMs + END_MS;
    await this.world.until(() => this.ourStates().length === 0, limit);
    this.leftOurs = this.ourStates();
    await this.world.until(() => this.world.leftovers().length === 0, limit);
    this.leftPeer = this.world.leftovers();
  }

  /** What is left, after the curtain or after trouble, is taken away unseen. */
  private async clearAway(): Promise<void> {
    this.rig.script.clear();
    this.world.peer.abort();
    this.rig.actor.abort();
    for (const { connection } of this.rig.stack.connections()) connection.abort(this.rig.clock.now());
    await this.world.wait(1);
  }

  private ourStates(): string[] {
    return [...this.rig.stack.connections()].map(({ connection }) => STATE_NAMES[connection.state]);
  }

  private wireAssertions(): Assertion[] {
    const { mismatch, matched } = this.matcher;
    const wire = assertion(
      text('every segment is the one that the rule asks for', '每个报文段都符合规则'),
      mismatch === null
        ? []
        : [
            text(`segment ${mismatch.index}`, `第 ${mismatch.index} 个报文段`),
            text(
              `expected  ${mismatch.expected?.line ?? 'nothing more'}`,
              `应为      ${mismatch.expected?.line ?? '到此为止'}`,
            ),
            text(
              `got       ${mismatch.got === null ? 'nothing more' : rowLine(mismatch.got)}`,
              `实际      ${mismatch.got === null ? '没有更多报文段' : rowLine(mismatch.got)}`,
            ),
          ],
    );
    const wrong: Text[] = [];
    for (const { row, expected } of matched) {
      for (const side of ['a', 'b'] as const) {
        const got = row[side]?.name ?? null;
        if (expected[side] === null || got === null || got === expected[side]) continue;
        wrong.push(
          text(
            `after ${rowLine(row)}: ${side.toUpperCase()} should be ${expected[side]}, is ${got}`,
            `在 ${rowLine(row)} 之后：${side.toUpperCase()} 应为 ${expected[side]}，实际 ${got}`,
          ),
        );
      }
    }
    const states = assertion(text('both ends are in the right states', '两端状态正确'), wrong);
    return [wire, states, ...this.pathAssertion()];
  }

  private pathAssertion(): Assertion[] {
    const { path } = this.settings.variant;
    if (path === undefined) return [];
    const steps = path.trim().split(/\s+/);
    const expected = steps.slice(1).map((to, i) => `${steps[i]}>${to}`);
    const got = this.transitions().filter((step) => step !== 'CLOSED>LISTEN' && step !== 'LISTEN>CLOSED');
    const isSame = expected.join(' ') === got.join(' ');
    return [
      assertion(
        text(`our stack went ${steps.join(' ')}`, `我方状态依次为 ${steps.join(' ')}`),
        isSame ? [] : [text(`got ${got.join(' ')}`, `实际 ${got.join(' ')}`)],
      ),
    ];
  }

  private inspectionAssertion(): Assertion[] {
    const wanted = this.settings.variant.inspect;
    if (wanted === undefined) return [];
    const seen = this.rig.inspected.filter(({ checksumOk }) => checksumOk).map(({ segment }) => segment);
    const missing = wanted.filter((segment) => !seen.includes(segment)).map(same);
    return [
      assertion(
        text(
          'each field could be read, and each checksum comes out the same',
          '每个字段都可读，校验和重新计算一致',
        ),
        missing,
      ),
    ];
  }

  private globalAssertions(): Assertion[] {
    const { variant } = this.settings;
    const { records } = this;
    const { a, b } = { a: this.rig.actor, b: this.world.peer };
    const resets = this.rig.ladder.order.filter(
      (row) =>
        row.segment!.from === variant.ours && row.segment!.fate === 'arrived' && rowFlags(row).includes('R'),
    );
    const listed = this.matcher.matched.map(({ row }) => row);
    const unlisted = resets.filter((row) => !listed.includes(row)).map((row) => same(rowLine(row)));
    return [
      sequenceNumbers(records),
      acknowledgments(records),
      legalTransitions(records),
      assertion(text('we sent RST only where it belongs', '我方只在应当发 RST 之处发了 RST'), unlisted),
      ...(variant.intact === false ? [] : [wholeStreams(a, b)]),
      nothingLeft(this.leftOurs, this.leftPeer),
      ...this.inspectionAssertion(),
    ];
  }
}
