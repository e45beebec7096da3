// A program that sends a burst of TCP segments which belong to no connection, as fast as raw sockets take them, from the
// kernel's address. Says `begun` and `done`.
import { rawLink } from '../../src/index.js';
import { IpAddress } from '../../src/wire/address.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { ACK } from '../../src/wire/segment.js';

const SOURCE_PORT = 5555;
const PAYLOAD_BYTES = 1000;

const [from = '', to = '', port = '0', count = '0'] = process.argv.slice(2);
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
for (let sent = 0; sent < Number(count); ) {
  if (link.send(link.packetIds.next(), packet, 0, packet.length, null)) sent++;
  else {
    await new Promise<void>((resolve) => {
      resume = resolve;
    });
  }
}
await link.close();
process.stdout.write('done\n');
