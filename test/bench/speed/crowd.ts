// Connections at rest beside those that are measured: clients that exist only as the packets of their handshakes, put into
// the stack as if its device had delivered them. What the stack answers goes to the kernel, which has no such neighbours and
// forgets it.
import { setImmediate } from 'node:timers/promises';
import type { SynwaveStack } from '../../../src/index.js';
import { PacketHint } from '../../../src/stack/link.js';
import { IpAddress } from '../../../src/wire/address.js';
import { buildTcpPacket } from '../../../src/wire/packet.js';
import { ACK, SYN } from '../../../src/wire/segment.js';

/** The stack's initial sequence number, which these clients must know without having seen it. */
export const FIXED_ISN = 1_000_000;

const FIRST_CLIENT = 0x0ac80001; // 10.200.0.1
const PORTS_EACH = 50_000;
const FIRST_PORT = 10_000;
const ISS = 500;
/** MSS 1460, SACK permitted, window scale 7. */
const OPTIONS = Uint8Array.of(2, 4, 5, 180, 4, 2, 1, 1, 1, 3, 3, 7);
/** Handshakes between two breaths of the event loop. */
const AT_ONCE = 500;

/** Opens so many connections to a port of the stack, which lets them rest. Its ISN must be `FIXED_ISN`. */
export async function openCrowd(
  stack: SynwaveStack,
  own: string,
  port: number,
  count: number,
): Promise<void> {
  const destination = IpAddress.parse(own)!;
  for (let i = 0; i < count; i++) {
    const ends = {
      source: IpAddress.v4(FIRST_CLIENT + Math.floor(i / PORTS_EACH)),
      sourcePort: FIRST_PORT + (i % PORTS_EACH),
      destination,
      destinationPort: port,
    };
    const packets = [
      buildTcpPacket({ ...ends, flags: SYN, seq: ISS, options: OPTIONS }),
      buildTcpPacket({ ...ends, flags: ACK, seq: ISS + 1, ack: FIXED_ISN + 1 }),
    ];
    for (const packet of packets) stack.core.takeStray(packet, PacketHint.VERIFIED, true);
    if (i % AT_ONCE === 0) await setImmediate();
  }
  const { currEstab } = stack.stats.tcp;
  if (currEstab !== count) throw new Error(`${currEstab} of ${count} idle connections were established`);
}
