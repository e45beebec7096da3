// A program that sends a burst of TCP segments which belong to no connection, as fast as raw sockets take them, from the
// kernel's address: so many at least, and then on until it is asked to end (SIGTERM) or has sent the most that it may. Says `begun`
// and `done`.
import { setImmediate } from 'node:timers/promises';
import { rawLink } from '../../src/index.js';
import { IpAddress } from '../../src/wire/address.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { ACK } from '../../src/wire/segment.js';

const SOURCE_PORT = 5555;
const PAYLOAD_BYTES = 1000;
/** After so many it hears of signals. */
const PAUSE_PACKETS = 512;

const [from = '', to = '', port = '0', least = '0', most = '0'] = process.argv.slice(2);
let isAsked = false;
process.once('SIGTERM', () => {
  isAsked = true;
});
const link = await rawLink({ address: from, ports: [SOURCE_PORT], guard: false });
let resume: () => void = () => {};
link.start({
  receive: () => {},
  writable: () => resume(),
  failed: (error) => {
    throw error;
  },
});
const packet = buildTcpPacket({
  source: IpAddress.parse(from)!,
  sourcePort: SOURCE_PORT,
  destination: IpAddress.parse(to)!,
  destinationPort: Number(port),
  flags: ACK,
  payload: new Uint8Array(PAYLOAD_BYTES),
});
process.stdout.write('begun\n');
for (let sent = 0; sent < Number(least) || (!isAsked && sent < Number(most)); ) {
  if (link.send(link.packetIds.next(), packet, 0, packet.length, null)) {
    if (++sent % PAUSE_PACKETS === 0) await setImmediate();
  } else {
    await new Promise<void>((resolve) => {
      resume = resolve;
    });
  }
}
await link.close();
process.stdout.write('done\n');
