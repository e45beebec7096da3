// Between IP and the link nothing is allocated for a packet, in or out, once its neighbour is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAME_HEADROOM } from '../../../src/wire/ethernet.js';
import { ACK } from '../../../src/wire/segment.js';
import { bytesPerCall, CALLS, MAX_BYTES_PER_PACKET } from '../../wire/bytes-per-call.js';
import { batchOf, fromPeer, ip, LOCAL, PEER } from '../test-link.js';
import { arpFrame, ethernetStack, FrameLink, ipFrame, PEER_MAC } from './ethernet-bench.js';

/** Takes everything and keeps nothing. */
class SilentLink extends FrameLink {
  taken = 0;

  override send(): boolean {
    this.taken++;
    return true;
  }
}

function bench() {
  const link = new SilentLink();
  const stack = ethernetStack({}, link);
  stack.pass(20_000);
  const port = stack.port;
  link.inject(arpFrame({ from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }));
  return { ...stack, link, port };
}

test('a packet that leaves gets its frame without garbage', () => {
  const { link, port } = bench();
  const packet = fromPeer({ source: LOCAL, destination: PEER, flags: ACK, seq: 1 });
  const header = new Uint8Array(FRAME_HEADROOM + packet.length);
  header.set(packet, FRAME_HEADROOM);
  link.taken = 0;
  const bytes = bytesPerCall(() => {
    port.send(1, header, FRAME_HEADROOM, packet.length, null);
  });
  assert.equal(link.taken, CALLS);
  assert.ok(bytes < MAX_BYTES_PER_PACKET, `${bytes} bytes a packet`);
});

test('frames that come give their packets without garbage', () => {
  const { link, port } = bench();
  const frames = Array.from({ length: 8 }, (_, i) =>
    ipFrame(fromPeer({ source: ip(`10.9.0.${20 + i}`), flags: ACK, seq: 1 })),
  );
  const batch = batchOf(frames, link.packetIds);
  let packets = 0;
  const bytes = bytesPerCall(() => {
    packets += port.takeIn(batch, 1).count;
  });
  assert.equal(packets, 8 * CALLS);
  assert.ok(bytes < MAX_BYTES_PER_PACKET, `${bytes} bytes a batch`);
});
