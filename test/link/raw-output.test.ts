// The raw link over sockets that the test commands: one without room.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { it } from 'node:test';
import { RawSocketLink } from '../../src/link/raw.js';
import type { RawSocket } from '../../src/link/raw-package.js';
import { IpAddress } from '../../src/wire/address.js';
import { RecordingReceiver } from '../native/recording-receiver.js';
import { until } from '../native/test-namespace.js';

/** A socket as the package makes it. */
class ScriptedSocket extends EventEmitter implements RawSocket {
  readonly sent: Buffer[] = [];
  /** Thrown by `send`, in the package's words. */
  error: string | null = null;
  /** Whether it is asked to say when it has room. */
  announces = false;

  get wrap() {
    return this;
  }

  send(buffer: Buffer, offset: number, length: number): void {
    if (this.error !== null) throw new Error(this.error);
    this.sent.push(Buffer.from(buffer.subarray(offset, offset + length)));
  }

  recv(): void {
    throw new Error('Resource temporarily unavailable');
  }

  setOption(): void {}
  pauseRecv(): void {}
  resumeRecv(): void {}

  pauseSend(): void {
    this.announces = false;
  }

  resumeSend(): void {
    this.announces = true;
  }

  close(): void {}
}

/** The first octet says which family. */
function packet(family: 4 | 6, mark: number): Uint8Array {
  const bytes = new Uint8Array(40).fill(mark);
  bytes[0] = family << 4;
  return bytes;
}

it('a raw link keeps a packet for which its socket has no room, and sends it before the next', async () => {
  const four = new ScriptedSocket();
  const six = new ScriptedSocket();
  const own = { prefix: 24, isOwned: false, device: 'lo', mtu: 1500 };
  const addresses = ['10.9.0.2', 'fd00:9::2'].map((text) => ({ ...own, address: IpAddress.parse(text)! }));
  const ports = { has: () => true } as never;
  const sockets = { senders: { 4: four, 6: six }, sources: [] };
  const link = new RawSocketLink(addresses, ports, sockets, null, { address: '10.9.0.2' });
  const got = new RecordingReceiver();
  link.start(got);
  const send = (bytes: Uint8Array) => link.send(1, bytes, 0, bytes.length, null);

  for (const [full, other, family] of [
    [four, six, 4],
    [six, four, 6],
  ] as const) {
    const calls = got.writableCalls;
    const left = link.stats.packetsOut;
    full.error = 'Resource temporarily unavailable';
    assert.equal(send(packet(family, 7)), true);
    assert.equal(link.writable, false);
    assert.equal(send(packet(other === four ? 4 : 6, 8)), false, 'nothing overtakes it');
    assert.equal(link.stats.packetsOut, left);
    assert.ok(full.announces);

    for (const socket of [other, full]) if (socket.announces) socket.emit('sendReady');
    await until('it was tried again', () => full.announces && !link.writable);
    assert.equal(got.writableCalls, calls, 'still no room');

    full.error = null;
    for (const socket of [other, full]) if (socket.announces) socket.emit('sendReady');
    await until('it goes on', () => got.writableCalls > calls);
    assert.equal(send(packet(family, 9)), true);
    assert.deepEqual(full.sent.map((bytes) => bytes[1]).slice(-2), [7, 9]);
    assert.equal(link.stats.packetsOut, left + 2);
  }
  assert.equal(link.stats.dropped, 0);
  await link.close();
});
