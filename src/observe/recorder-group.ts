// Several recorders of one link: files, and whoever looks on for a while. With none of them nothing is kept.
import type { PacketRecorder, RecordedPacket } from '../link/capture.js';

/** Passes everything on to each of its members. */
export class RecorderGroup implements PacketRecorder {
  private readonly members = new Set<PacketRecorder>();

  constructor(members: readonly PacketRecorder[] = []) {
    for (const member of members) this.members.add(member);
  }

  /** Nobody would keep what comes. */
  get isIdle(): boolean {
    return this.members.size === 0;
  }

  /** Of the member that keeps most. */
  get snapLength(): number {
    let most = 0;
    for (const { snapLength } of this.members) most = Math.max(most, snapLength);
    return most;
  }

  /** Adds one; from now on it gets what crosses. Returns what takes it out again, without closing it. */
  add(member: PacketRecorder): () => void {
    this.members.add(member);
    return () => this.members.delete(member);
  }

  packet(packet: RecordedPacket): void {
    for (const member of this.members) member.packet(packet);
  }

  event(timeNs: bigint, fields: Readonly<Record<string, string>>): void {
    for (const member of this.members) member.event(timeNs, fields);
  }

  async close(): Promise<void> {
    const members = [...this.members];
    this.members.clear();
    await Promise.all(members.map((member) => member.close()));
  }
}
