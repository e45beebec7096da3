// Which connection a packet belongs to: scripts name ports only when they play with several.
import { SYN } from '../wire/segment.js';
import { Flow } from './flow.js';
import type { Observed } from './observed.js';
import type { Ends } from './packet-builder.js';
import type { TcpPacket } from './script.js';

/** First port of the script's end, for connections that it opens without naming one. */
const FIRST_REMOTE_PORT = 40_000;

/** The connections of a script; the last one that was begun is current. */
export class FlowTable {
  private readonly flows: Flow[] = [];
  private lastRemotePort = FIRST_REMOTE_PORT;
  private present: Flow | null = null;
  /** Fast Open cookie that the subject gave last, whichever connection asked for it. */
  cookie: Uint8Array | null = null;

  /** @param bindPort the subject's port when the script names none */
  constructor(
    readonly ends: Ends,
    public bindPort: number,
  ) {}

  /** The connection that packets without ports belong to; one is made for a script that begins with none. */
  current(): Flow {
    this.present ??= this.add(new Flow(this.bindPort, this.lastRemotePort++, null));
    return this.present;
  }

  /** The connection of a packet that the script sends. */
  forInbound(spec: TcpPacket): Flow {
    if (spec.ports === null) return this.current();
    const { source: remote, destination: local } = spec.ports;
    const known = this.flows.find((flow) => flow.ports?.remote === remote && flow.ports.local === local);
    return known ?? this.add(new Flow(local, remote, { local, remote }));
  }

  /** The connection of a packet that the subject sent, or null for a new one. */
  ofObserved(got: Observed): Flow | null {
    return (
      this.flows.find((flow) => flow.localPort === got.localPort && flow.remotePort === got.remotePort) ??
      null
    );
  }

  /** The connection of a packet of the subject that stands where the script expects `spec`; null when it is another's. */
  forOutbound(spec: TcpPacket, got: Observed): Flow | null {
    const known = this.ofObserved(got);
    if (spec.ports !== null) return this.namedFlow(spec.ports, got, known);
    if (known !== null) return known === this.present ? known : null;
    // The subject opens a connection from a port of its own choice.
    if (!(got.flags & SYN) && this.present !== null) return null;
    return this.add(new Flow(got.localPort, got.remotePort, null));
  }

  private namedFlow(ports: NonNullable<TcpPacket['ports']>, got: Observed, known: Flow | null): Flow | null {
    const { source: local, destination: remote } = ports;
    if (known !== null) {
      const { local: ours, remote: theirs } = known.ports ?? {
        local: known.localPort,
        remote: known.remotePort,
      };
      return ours === local && theirs === remote ? known : null;
    }
    const isTaken = this.flows.some((flow) => flow.ports?.local === local && flow.ports.remote === remote);
    if (isTaken || !(got.flags & SYN)) return null;
    return this.add(new Flow(got.localPort, got.remotePort, { local, remote }));
  }

  /** Notes a SYN of the script's end: the first numbers the stream, another one begins an incarnation. */
  noteInboundSyn(flow: Flow, spec: TcpPacket): void {
    const seq = spec.seq.kind === 'any' ? 0 : spec.seq.value;
    if (flow.irs !== null && flow.irs !== seq) flow.mayRestart = true;
    flow.irs = seq;
  }

  private add(flow: Flow): Flow {
    this.flows.push(flow);
    this.present = flow;
    return flow;
  }
}
