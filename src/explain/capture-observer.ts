// All connections of a capture: finds the one that a segment belongs to, in bounded memory however long the capture is.
import type { CaptureFile, CaptureSummary, Frame } from './capture-file.js';
import type { AnalysisFlag } from './direction.js';
import { ipOffset, isKnownLinkType } from './link-header.js';
import { type KeepLimits, ObservedConnection } from './observed-connection.js';
import { type Observation, type ObservedIcmp, type ObservedSegment, observe } from './observed-segment.js';

/** What is to be kept. */
export interface ObserverOptions extends KeepLimits {
  /** Only this connection, counted from 0 as Wireshark's `tcp.stream`; null for all. */
  readonly stream: number | null;
  /** Connections that are kept with their rows; of others only the counts. */
  readonly connections: number;
}

/** Everything that a capture told. */
export interface CaptureStory {
  readonly capture: CaptureSummary;
  readonly connections: readonly ObservedConnection[];
  /** All connections, those without rows included. */
  readonly connectionCount: number;
  /** Frames that are no TCP, TCP that could not be read, later fragments, and frames of link types that are not known. */
  readonly others: number;
  readonly damaged: number;
  readonly fragments: number;
  readonly unknownLinkTypes: readonly number[];
  /** Of all connections. */
  readonly counts: ReadonlyMap<AnalysisFlag, number>;
  readonly segments: number;
  /** Between the first and the last frame, in ms. */
  readonly durationMs: number;
}

/** Connections of which the numbers are followed at the same time; the one that has been silent longest is forgotten. */
const MAX_FOLLOWED = 65_536;

/** Of a connection that is not kept. */
const COUNTS_ONLY: KeepLimits = { firstRows: 0, lastRows: 1, remarksOfKind: 0 };

/** Reads the whole capture. @throws CaptureError, and what `node:fs` throws */
export async function observeCapture(file: CaptureFile, options: ObserverOptions): Promise<CaptureStory> {
  const observer = new CaptureObserver(options);
  for await (const frame of file.frames()) observer.frame(frame);
  return observer.story(file.summary);
}

class CaptureObserver {
  private readonly followed = new Map<string, ObservedConnection>();
  private readonly kept: ObservedConnection[] = [];
  private readonly counts = new Map<AnalysisFlag, number>();
  private readonly unknown = new Set<number>();
  private streams = 0;
  private others = 0;
  private damaged = 0;
  private fragments = 0;
  private segments = 0;
  private firstMs = Number.NaN;
  private lastMs = Number.NaN;

  constructor(private readonly options: ObserverOptions) {}

  frame(frame: Frame): void {
    if (!Number.isNaN(frame.timeMs)) {
      if (Number.isNaN(this.firstMs)) this.firstMs = frame.timeMs;
      this.lastMs = frame.timeMs;
    }
    const at = ipOffset(frame.linkType, frame.bytes);
    if (at < 0) {
      this.others++;
      if (!isKnownLinkType(frame.linkType)) this.unknown.add(frame.linkType);
      return;
    }
    this.observation(observe(frame.bytes.subarray(at), frame.wireBytes - at, frame.number, frame.timeMs));
  }

  private observation(found: Observation): void {
    switch (found.what) {
      case 'segment':
        this.segments++;
        this.connectionOf(found.segment).take(found.segment);
        break;
      case 'icmp':
        this.icmp(found.icmp);
        break;
      case 'fragment':
        this.fragments++;
        break;
      case 'damaged':
        this.damaged++;
        break;
      case 'other':
        this.others++;
    }
  }

  private icmp(icmp: ObservedIcmp): void {
    const connection = this.followed.get(keyOf(icmp));
    if (connection === undefined) this.others++;
    else connection.takeIcmp(icmp);
  }

  private connectionOf(s: ObservedSegment): ObservedConnection {
    const key = keyOf(s);
    const known = this.followed.get(key);
    if (known !== undefined && !known.isSuperseded(s)) {
      // The order of the map is that of the latest use.
      if (this.followed.size === MAX_FOLLOWED) {
        this.followed.delete(key);
        this.followed.set(key, known);
      }
      return known;
    }
    const isWanted = this.isWanted(this.streams);
    const made = new ObservedConnection(this.streams++, s, isWanted ? this.options : COUNTS_ONLY);
    if (known !== undefined) this.forget(key, known);
    else if (this.followed.size >= MAX_FOLLOWED) this.forgetOldest();
    this.followed.set(key, made);
    if (isWanted) this.kept.push(made);
    if (known !== undefined) made.noteReuse(s.frame);
    return made;
  }

  private isWanted(stream: number): boolean {
    const wanted = this.options.stream;
    return wanted === null ? this.kept.length < this.options.connections : stream === wanted;
  }

  private forgetOldest(): void {
    for (const [key, connection] of this.followed) {
      this.forget(key, connection);
      return;
    }
  }

  private forget(key: string, connection: ObservedConnection): void {
    this.followed.delete(key);
    connection.finish();
    this.addCounts(connection);
  }

  private addCounts(connection: ObservedConnection): void {
    for (const [flag, count] of connection.counts) {
      this.counts.set(flag, (this.counts.get(flag) ?? 0) + count);
    }
  }

  story(capture: CaptureSummary): CaptureStory {
    for (const [key, connection] of [...this.followed]) this.forget(key, connection);
    return {
      capture,
      connections: this.kept,
      connectionCount: this.streams,
      others: this.others,
      damaged: this.damaged,
      fragments: this.fragments,
      unknownLinkTypes: [...this.unknown],
      counts: this.counts,
      segments: this.segments,
      durationMs: Number.isNaN(this.firstMs) ? 0 : this.lastMs - this.firstMs,
    };
  }
}

/** The same for both directions. */
function keyOf(s: {
  readonly source: ObservedSegment['source'];
  readonly sourcePort: number;
  readonly destination: ObservedSegment['destination'];
  readonly destinationPort: number;
}): string {
  const from = `${s.source}|${s.sourcePort}`;
  const to = `${s.destination}|${s.destinationPort}`;
  return from < to ? `${from}|${to}` : `${to}|${from}`;
}
