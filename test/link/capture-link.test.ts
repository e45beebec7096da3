// The link over libpcap with a package that the test commands: a kernel without room, an interface that goes, a flood.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { CaptureLink } from '../../src/link/capture-link.js';
import { PacketIds } from '../../src/stack/link.js';
import { PayloadPieces } from '../../src/wire/payload.js';
import { RecordingReceiver } from '../native/recording-receiver.js';
import { until } from '../native/test-namespace.js';
import { OWN } from '../stack/ethernet/ethernet-bench.js';

/** A capture as the package makes it. */
class ScriptedCapture extends EventEmitter {
  static made: ScriptedCapture[] = [];
  /** Thrown by `send` and `open`, in libpcap's words. */
  static sendError: string | null = null;
  static openError: string | null = null;
  static kind = 'ETHERNET';
  readonly sent: Uint8Array[] = [];
  isClosed = false;
  private buffer: Buffer = Buffer.alloc(0);

  constructor() {
    super();
    ScriptedCapture.made.push(this);
  }

  open(_device: string, _filter: string, _bytes: number, buffer: Buffer): string {
    if (ScriptedCapture.openError !== null) throw new Error(ScriptedCapture.openError);
    this.buffer = buffer;
    return ScriptedCapture.kind;
  }

  send(bytes: Buffer, length: number): void {
    if (ScriptedCapture.sendError !== null) throw new Error(ScriptedCapture.sendError);
    this.sent.push(Uint8Array.from(bytes.subarray(0, length)));
  }

  close(): boolean {
    this.isClosed = true;
    return true;
  }

  /** A frame comes in. */
  receive(length = 60): void {
    this.buffer.fill(1, 0, length);
    this.emit('packet', length, false);
  }
}

function bench() {
  ScriptedCapture.made = [];
  ScriptedCapture.sendError = null;
  ScriptedCapture.openError = null;
  ScriptedCapture.kind = 'ETHERNET';
  const link = new CaptureLink({
    package: { Cap: ScriptedCapture },
    name: 'lo',
    netns: undefined,
    identity: { mac: OWN, vlan: 0 },
    filter: '',
    mtu: 1500,
    bufferBytes: 1 << 20,
    packetIds: new PacketIds(),
  });
  const got = new RecordingReceiver();
  link.start(got);
  const send = (bytes = Uint8Array.of(1, 2, 3)) => link.send(1, bytes, 0, bytes.length, null);
  return { link, got, send, capture: ScriptedCapture.made[0]! };
}

describe('sending by libpcap', () => {
  it('puts header and pieces together, which may be used again at once', async () => {
    const { link, capture } = bench();
    const header = Uint8Array.of(9, 1, 2);
    const payload = new PayloadPieces();
    payload.add(Uint8Array.of(0, 3, 4), 1, 2);
    payload.add(Uint8Array.of(5), 0, 1);
    assert.ok(link.send(1, header, 1, 2, payload));
    header.fill(0);
    assert.deepEqual(capture.sent, [Uint8Array.of(1, 2, 3, 4, 5)]);
    assert.equal(link.stats.packetsOut, 1);
    assert.equal(link.stats.bytesOut, 5);
    await link.close();
  });

  it('keeps a frame for which the kernel has no room, refuses the next, and says when it goes on', async () => {
    const { link, got, send, capture } = bench();
    for (const said of ['send: No buffer space available', 'send: Resource temporarily unavailable']) {
      ScriptedCapture.sendError = said;
      const before = { calls: got.writableCalls, packets: link.stats.packetsOut };
      const already = capture.sent.length;
      assert.equal(send(Uint8Array.of(7)), true);
      assert.equal(link.writable, false);
      assert.equal(send(Uint8Array.of(8)), false);
      assert.equal(link.stats.packetsOut, before.packets, 'it has not left yet');
      ScriptedCapture.sendError = null;
      await until('it may be tried again', () => got.writableCalls > before.calls);
      assert.equal(send(Uint8Array.of(9)), true);
      assert.deepEqual(capture.sent.slice(already), [Uint8Array.of(7), Uint8Array.of(9)]);
      assert.equal(link.stats.packetsOut, before.packets + 2);
    }
    assert.equal(link.stats.dropped, 0);
    await link.close();
  });

  it('ends when the interface is down or gone, once', async () => {
    for (const [said, code] of [
      ['send: Network is down', 'ENETDOWN'],
      ['send: No such device or address', 'ENODEV'],
    ] as const) {
      const { link, got, send } = bench();
      ScriptedCapture.sendError = said;
      assert.equal(send(), true, 'there is nothing to wait for');
      assert.equal(got.failures.length, 0, 'not from within a call');
      assert.equal(send(), false);
      await until('it is reported', () => got.failures.length > 0);
      assert.equal((got.failures[0] as NodeJS.ErrnoException).code, code);
      await link.close();
      assert.equal(got.failures.length, 1);
    }
  });

  it('drops what libpcap or the kernel would not take at any time', async () => {
    const { link, send } = bench();
    assert.equal(send(new Uint8Array(65_536)), true);
    ScriptedCapture.sendError = 'send: Message too long';
    assert.equal(send(), true);
    assert.equal(link.stats.dropped, 2);
    assert.equal(link.writable, true);
    await link.close();
  });
});

describe('receiving by libpcap', () => {
  it('has delivered what came before, when that is asked for', async () => {
    const { link, got, capture } = bench();
    capture.receive();
    await new Promise<void>((resolve) => link.whenDelivered(resolve));
    assert.equal(got.packets.length, 1);
    await link.close();
  });

  it('opens the interface anew when a flood does not end, and goes on there', async () => {
    const { link, got, capture } = bench();
    const begun = performance.now();
    while (!capture.isClosed && performance.now() - begun < 20_000) capture.receive();
    assert.ok(capture.isClosed);
    assert.equal(ScriptedCapture.made.length, 2);
    capture.receive();
    await until('what was kept is delivered', () => got.packets.length > 0);
    const before = got.packets.length + link.stats.dropped;
    ScriptedCapture.made[1]!.receive();
    await until('frames come from the new one', () => got.packets.length + link.stats.dropped > before);
    assert.equal(got.failures.length, 0);
    await link.close();
    assert.ok(ScriptedCapture.made[1]!.isClosed);
  });

  it('delivers nothing more after the end', async () => {
    const { link, got, capture } = bench();
    capture.receive();
    await link.close();
    capture.receive();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(got.packets, []);
    assert.equal(capture.listenerCount('packet'), 0);
  });
});

describe('opening by libpcap', () => {
  it('rewords what libpcap says', () => {
    bench();
    const parts = {
      package: { Cap: ScriptedCapture },
      name: 'eth0',
      netns: undefined,
      identity: { mac: OWN, vlan: 0 },
      filter: '',
      mtu: 1500,
      bufferBytes: 1 << 20,
      packetIds: new PacketIds(),
    };
    const open = () => new CaptureLink(parts);
    ScriptedCapture.openError = 'Attempt to create packet socket failed - CAP_NET_RAW may be required';
    assert.throws(open, { code: 'EPERM', message: /--cap-add NET_RAW/ });
    ScriptedCapture.openError = 'something else';
    assert.throws(open, { code: 'ERR_SYNWAVE_CAP', message: /cannot capture on eth0: something else/ });
    ScriptedCapture.openError = null;
    ScriptedCapture.kind = 'RAW';
    assert.throws(open, { code: 'ERR_SYNWAVE_ETHERNET_MEDIUM' });
  });
});
