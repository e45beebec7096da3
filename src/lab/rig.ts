// Our half of a run: the stack on its link, with everything that watches it. What it is joined to is the world's affair.
import type { PacketRecorder, RecordedPacket } from '../link/capture.js';
import { captureLink } from '../link/capture.js';
import { type ImpairedLink, impair } from '../link/impair.js';
import { Xoshiro128 } from '../link/impair-random.js';
import type { Side } from '../observe/ladder-steps.js';
import type { Lang } from '../observe/lexicon.js';
import { createLogger } from '../observe/logger.js';
import { PcapngWriter } from '../observe/pcapng.js';
import { type PinoTrace, pinoTrace } from '../observe/pino.js';
import { RecorderGroup } from '../observe/recorder-group.js';
import { SilentTrace } from '../observe/silent-trace.js';
import { commentTrace } from '../observe/state-comments.js';
import { StoryRecorder } from '../observe/story.js';
import { TraceHub } from '../observe/trace-hub.js';
import type { Clock } from '../stack/clock.js';
import type { Limits } from '../stack/limits.js';
import type { Link } from '../stack/link.js';
import type { RandomBytes } from '../stack/siphash.js';
import { Stack, type StackOptions } from '../stack/stack.js';
import type { ConnectionConfig } from '../tcp/config.js';
import type { Connection } from '../tcp/connection.js';
import type { SegmentOut } from '../tcp/segment-out.js';
import { IpAddress } from '../wire/address.js';
import { ImpatientServer } from './impatient-server.js';
import { type Inspected, inspect } from './inspect.js';
import { LabLadder } from './lab-ladder.js';
import { type Scenario, text, type Variant, type World } from './scenario.js';
import { ScriptedLink } from './scripted-link.js';
import { StackActor } from './stack-actor.js';
import { StackTap } from './stack-tap.js';

/** Our ISN wherever it is fixed. */
export const FIXED_ISS = 0x1000_0000;
/** That of the other end in the simulation. */
export const FIXED_PEER_ISS = 0x3000_0000;
/** Least retransmission timeout with the kernel where nothing is to be repeated, ms. */
export const PATIENT_RTO_MS = 1000;
/** Largest payload shown as text beside a segment. */
const PREVIEW_BYTES = 24;

const IMPATIENT = text('no third segment is waited for: ESTABLISHED', '不等第三个报文段：直接建立');

/** How a run is to be played. */
export interface PlaySettings {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly world: World;
  readonly seed: number;
  readonly mslMs: number;
  readonly clientPort: number;
  readonly lang: Lang;
  /** Path of the capture of what crosses the link, for tools to judge. */
  readonly capture: string;
  /** Path of the capture for people: also what was lost or injected, and timers. */
  readonly story: string;
  /** A network namespace of its own, for the kernel's world. */
  readonly netns?: string;
}

/** Addresses of the two ends. */
export const OUR_ADDRESS = '10.9.0.2';
export const PEER_ADDRESS = '10.9.0.1';
/** The port on which B listens. */
export const SERVER_PORT = 80;

/** Randomness that depends on nothing but the seed. */
export function seededRandom(seed: number, stream: number): RandomBytes {
  const source = Xoshiro128.seeded(seed, stream);
  return (n) => Uint8Array.from({ length: n }, () => source.next() & 0xff);
}

/** Settings of connections as the textbook has them, with those of the variant. */
export function configOf({ variant, mslMs, world }: PlaySettings): Partial<ConnectionConfig> {
  const unsafe = variant.unsafe ?? [];
  return {
    sack: false,
    timestamps: false,
    ...(world === 'kernel' && variant.repeats !== true ? { rtoMinMs: PATIENT_RTO_MS } : {}),
    mslMs: unsafe.includes('msl=0') ? 0 : mslMs,
    ...variant.config,
  };
}

/** The limits of the variant. */
export function limitsOf({ variant }: PlaySettings): Partial<Limits> {
  return (variant.unsafe ?? []).includes('backlog=unbounded')
    ? { ...variant.limits, halfOpen: 1_000_000 }
    : (variant.limits ?? {});
}

/** How ISNs are chosen at an end. */
export function isnOf(kind: 'fixed' | 'rfc6528', fixed: number): NonNullable<StackOptions['isn']> {
  return kind === 'fixed' ? { fixed } : 'rfc6528';
}

/** Keeps packets while the play lasts; marks those of a counterfactual. */
class Recorder implements PacketRecorder {
  readonly snapLength: number;
  isOpen = true;
  packets = 0;

  constructor(
    private readonly writer: PcapngWriter,
    private readonly mark: string | null,
    private readonly onPacket: ((packet: RecordedPacket) => void) | null = null,
  ) {
    this.snapLength = writer.snapLength;
  }

  packet(packet: RecordedPacket): void {
    if (!this.isOpen) return;
    this.packets++;
    this.onPacket?.(packet);
    const comments = this.mark === null ? packet.comments : [...packet.comments, this.mark];
    this.writer.packet({ ...packet, comments });
  }

  event(timeNs: bigint, fields: Readonly<Record<string, string>>): void {
    if (!this.isOpen) return;
    this.writer.event(timeNs, this.mark === null ? fields : { ...fields, UNSAFE: this.mark });
  }

  close(): Promise<void> {
    return this.writer.close();
  }
}

/** Passes on to the tap which packets have an owner. */
class Announcer extends SilentTrace {
  tap: StackTap | null = null;

  override segmentSent(_connection: Connection, segment: SegmentOut): void {
    this.tap?.announced(segment.packetId);
  }
}

/** Our half of a run. */
export class Rig {
  readonly stack: Stack;
  readonly actor: StackActor;
  readonly ladder: LabLadder;
  readonly log: PinoTrace;
  readonly link: ImpairedLink;
  readonly script: ScriptedLink;
  /** The log, line by line. */
  readonly lines: string[] = [];
  readonly records: Record<string, unknown>[] = [];
  /** Segments taken apart, in the order in which they crossed. */
  readonly inspected: Inspected[] = [];
  private readonly recorder: Recorder;
  private readonly storyRecorder: Recorder;

  /** @param inner the way to the other end */
  constructor(
    readonly settings: PlaySettings,
    readonly clock: Clock,
    inner: Link,
  ) {
    const { variant, world, seed, clientPort, lang } = settings;
    const ourAddress = IpAddress.parse(OUR_ADDRESS)!;
    const peerAddress = IpAddress.parse(PEER_ADDRESS)!;
    const isFixed = (variant.isn ?? 'fixed') === 'fixed';
    this.ladder = new LabLadder(
      { previewBytes: PREVIEW_BYTES },
      {
        ours: variant.ours,
        ourAddress,
        peerAddress,
        serverPort: SERVER_PORT,
        fixedIss: isFixed ? FIXED_ISS : null,
        portState: () => this.actor.portState,
      },
    );
    this.log = this.openLog(clock, lang);
    this.recorder = new Recorder(this.openCapture(world, settings.capture), this.unsafeMark, (packet) =>
      this.look(packet),
    );
    this.storyRecorder = new Recorder(this.openCapture(world, settings.story), this.unsafeMark);
    const story = new StoryRecorder({
      target: this.storyRecorder,
      clock,
      lang,
      annotate: (packetId, comment) => captured.annotate(packetId, comment),
    });
    const captured = captureLink(inner, new RecorderGroup([this.recorder, story]), { clock });
    this.link = impair(captured, {
      clock,
      seed,
      onAct: (act) => {
        this.ladder.onAct(act);
        if (act.rule === 'freeze') return;
        this.log.onAct(act);
        story.onAct(act);
      },
    });
    const announcer = new Announcer();
    const tap = new StackTap(this.withoutProtection(clock), (segment) =>
      this.ladder.unownedSent(segment, clock.now()),
    );
    announcer.tap = tap;
    const comments = commentTrace({
      annotate: (packetId, comment) => captured.annotate(packetId, comment),
      event: (fields) => captured.event(fields),
      lang,
    });
    this.stack = new Stack({
      link: tap,
      addresses: [`${OUR_ADDRESS}/24`],
      clock,
      trace: new TraceHub([announcer, this.ladder, this.log, comments, story]).current,
      config: configOf(settings),
      limits: limitsOf(settings),
      random: seededRandom(seed, 1),
      isn: isnOf(variant.isn ?? 'fixed', FIXED_ISS),
      defer: (callback) => void clock.schedule(clock.now(), callback),
    });
    this.actor = new StackActor(this.stack, {
      address: ourAddress,
      peer: peerAddress,
      clientPort,
      serverPort: SERVER_PORT,
      isClient: variant.ours === 'A',
    });
    this.script = new ScriptedLink(this.link, {
      ours: variant.ours,
      ourAddress: OUR_ADDRESS,
      peerAddress: PEER_ADDRESS,
      clientPort,
      serverPort: SERVER_PORT,
      isnOf: (side) => this.ladder.isnOf(clientPort, side),
      expect: () => this.ladder.expect(clientPort, clock.now()),
    });
  }

  /** The link, behind what makes our stack a worse one where the scenario asks for that. */
  private withoutProtection(clock: Clock): Link {
    if (!(this.settings.variant.unsafe ?? []).includes('handshake=2')) return this.link;
    return new ImpatientServer(this.link, clock, (packetId) => this.ladder.slipped.set(packetId, IMPATIENT));
  }

  /** What marks packets and records when a protection is off, or null. */
  get unsafeMark(): string | null {
    const unsafe = this.settings.variant.unsafe ?? [];
    return unsafe.length === 0 ? null : `UNSAFE: ${unsafe.join(', ')}`;
  }

  /** Packets recorded so far. */
  get packets(): number {
    return this.recorder.packets;
  }

  /** Takes the first packet of each kind that the variant wants to see apart. */
  private look({ bytes, offset, length, direction }: RecordedPacket): void {
    const { inspect: wanted, ours } = this.settings.variant;
    if (wanted === undefined) return;
    const from = (direction === 'out') === (ours === 'A') ? 'A' : 'B';
    const seen = inspect(bytes.slice(offset, offset + length), from);
    if (seen === null || !wanted.includes(seen.segment)) return;
    if (!this.inspected.some(({ segment }) => segment === seen.segment)) this.inspected.push(seen);
  }

  /** The play is over: nothing is recorded any more. */
  endRecord(): void {
    this.ladder.end();
    this.recorder.isOpen = false;
    this.storyRecorder.isOpen = false;
  }

  /** All connections are forgotten at once, and nobody is told: as when a host is switched off. */
  reboot(): void {
    this.ladder.isMute = true;
    for (const endpoint of this.stack.connections()) {
      endpoint.abort();
      endpoint.connection.pendingReset = null;
    }
    this.ladder.isMute = false;
  }

  private openLog(clock: Clock, lang: Lang): PinoTrace {
    const destination = {
      write: (line: string) => {
        this.lines.push(line);
        this.records.push(JSON.parse(line) as Record<string, unknown>);
      },
    };
    return pinoTrace({
      logger: createLogger({ destination, level: 'debug', clock }),
      lang,
      run: this.settings.variant.id,
      unsafe: this.unsafeMark !== null,
      runStartMs: clock.now(),
    });
  }

  private openCapture(world: World, target: string): PcapngWriter {
    const { scenario, variant, seed } = this.settings;
    const mark = this.unsafeMark === null ? '' : ` ${this.unsafeMark}`;
    const isSim = world === 'sim';
    const peer = isSim ? 'stack' : 'kernel';
    const [ourSide, peerSide] = variant.ours === 'A' ? ['A-client', 'B-server'] : ['B-server', 'A-client'];
    return new PcapngWriter({
      target,
      sync: true,
      interfaceName: 'lab0',
      addresses: [`${OUR_ADDRESS}/24`],
      names: [
        { address: OUR_ADDRESS, name: `${ourSide}(stack)` },
        { address: PEER_ADDRESS, name: `${peerSide}(${peer})` },
      ],
      comment: `${variant.id} ${scenario.title.en}; seed ${seed}; claims ${scenario.claims.join(' ')};${mark}`,
      // A simulation is the same on every machine, and so is its capture.
      ...(isSim ? { hardware: 'simulated', os: 'virtual time' } : {}),
    });
  }
}

/** The side across from ours. */
export function peerSide(variant: Variant): Side {
  return variant.ours === 'A' ? 'B' : 'A';
}
