// A LinkReceiver that keeps what it gets, and checks while it does that a batch is what the contract says.
import assert from 'node:assert/strict';
import type { LinkReceiver, PacketBatch } from '../../src/stack/link.js';

/** Copies of all packets, and the events of a link. */
export class RecordingReceiver implements LinkReceiver {
  readonly packets: Uint8Array[] = [];
  readonly ids: number[] = [];
  readonly failures: Error[] = [];
  batches = 0;
  largestBatch = 0;
  writableCalls = 0;
  /** Called after a batch was kept. */
  onBatch: ((batch: PacketBatch) => void) | null = null;

  receive(batch: PacketBatch): void {
    this.batches++;
    this.largestBatch = Math.max(this.largestBatch, batch.count);
    assert.ok(batch.count > 0, 'an empty batch');
    let free = 0;
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.offsets[i]!;
      const length = batch.lengths[i]!;
      assert.ok(offset >= free, 'packets overlap');
      assert.equal(offset % 16, 0, 'packet is not aligned');
      assert.ok(length > 0 && offset + length <= batch.bytes.length, 'packet outside the slab');
      assert.equal(batch.view.getUint8(offset), batch.bytes[offset], 'view and bytes disagree');
      free = offset + length;
      this.packets.push(batch.bytes.slice(offset, offset + length));
      this.ids.push(batch.ids[i]!);
    }
    this.onBatch?.(batch);
  }

  writable(): void {
    this.writableCalls++;
  }

  failed(error: Error): void {
    this.failures.push(error);
  }
}
