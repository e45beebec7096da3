// What a segment costs in an established connection: data that arrives, an ACK for data sent, a byte there and back.
import { Connection } from '../../../src/tcp/connection.js';
import { configWith } from '../../../src/tcp/defaults.js';
import type { SegmentOut, SegmentSink } from '../../../src/tcp/segment-out.js';
import { IpAddress } from '../../../src/wire/address.js';
import { ACK, SegmentView, SYN } from '../../../src/wire/segment.js';
import type { Work } from './suite.js';

const SEGMENT_BYTES = 1448;
const PEER_ISS = 1000;
const PEER_WINDOW = 65_535;

/** All of it. */
export function connectionWork(): Work[] {
  return [receiving(), sending(), echoing()];
}

function receiving(): Work {
  const end = new Established();
  return {
    group: 'segment arrives',
    name: `${SEGMENT_BYTES} B in order, read, ACK`,
    run: () => end.receive(SEGMENT_BYTES),
  };
}

function sending(): Work {
  const end = new Established();
  const bytes = new Uint8Array(SEGMENT_BYTES);
  const run = () => {
    end.connection.send(bytes, true, end.tick());
    end.poll();
    return end.acknowledge();
  };
  return { group: 'segment arrives', name: `ACK of ${SEGMENT_BYTES} B sent`, run };
}

function echoing(): Work {
  const end = new Established();
  const byte = new Uint8Array(1);
  const run = () => {
    end.receive(1);
    end.connection.send(byte, true, end.tick());
    end.poll();
    return end.acknowledge();
  };
  return { group: 'segment arrives', name: 'a byte, its echo, and the ACK of that', run };
}

/** A connection with a peer that is made up. */
class Established implements SegmentSink {
  readonly connection: Connection;
  readonly writable = true;
  private readonly view = new SegmentView();
  private peerNxt = PEER_ISS;
  private ourNxt = 0;
  private now = 0;

  constructor() {
    const local = IpAddress.parse('10.9.0.2')!;
    const remote = IpAddress.parse('10.9.0.1')!;
    const tuple = { local, localPort: 40_000, remote, remotePort: 7 };
    const environment = { trace: null, initialSequence: () => 0 };
    this.connection = new Connection(1, tuple, configWith(), environment, 'active');
    this.connection.openActive(this.tick());
    this.poll();
    this.view.bytes = new Uint8Array(SEGMENT_BYTES);
    Object.assign(this.view, { mss: 1460, windowScale: 8, sackPermitted: true, hasTimestamps: true });
    this.arrive(SYN | ACK, 0);
    this.peerNxt++;
    this.poll();
    Object.assign(this.view, { mss: -1, windowScale: -1, sackPermitted: false });
  }

  segment(_connection: Connection, { seq, len }: SegmentOut): void {
    this.ourNxt = (seq + len) | 0;
  }

  /** Time goes on by a tenth of a millisecond with each step. */
  tick(): number {
    this.now += 0.1;
    return this.now;
  }

  poll(): void {
    this.connection.pollTransmit(this.now, this);
    this.connection.takeEvents();
  }

  receive(length: number): Uint8Array | null {
    this.arrive(ACK, length);
    this.peerNxt = (this.peerNxt + length) | 0;
    const bytes = this.connection.receive(SEGMENT_BYTES, this.now);
    this.poll();
    return bytes;
  }

  acknowledge(): number {
    this.arrive(ACK, 0);
    this.connection.takeEvents();
    return this.connection.nextTimeout();
  }

  private arrive(flags: number, length: number): void {
    const { view } = this;
    const now = this.tick();
    view.flags = flags;
    view.seq = this.peerNxt;
    view.ack = this.ourNxt;
    view.wnd = PEER_WINDOW;
    view.payloadLength = length;
    view.len = length + (flags & SYN ? 1 : 0);
    view.tsVal = Math.floor(now);
    view.tsEcr = Math.floor(now);
    this.connection.onSegment(view, now);
  }
}
