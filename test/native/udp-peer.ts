// A kernel UDP socket in a child process, for tests of the device. `sink` reports each datagram it gets (length and
// SHA-256) over IPC; `source` sends numbered datagrams when told how many.
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';

/** Port on which the sink listens, and to which the source sends. */
export const UDP_PORT = 5353;

/** What the sink reports. */
export interface Datagram {
  readonly length: number;
  readonly sha256: string;
}

/** How a payload is compared. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function runSink(address: string): void {
  const socket = createSocket('udp4');
  socket.on('message', (message) => {
    process.send!({ length: message.length, sha256: sha256(message) } satisfies Datagram);
  });
  socket.bind(UDP_PORT, address, () => process.send!('ready'));
  process.on('disconnect', () => process.exit(0));
}

/** Sends `count` datagrams of `length` bytes that begin with their number, one after another. */
function runSource(address: string, count: number, length: number): void {
  const socket = createSocket('udp4');
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let next = 0;
  const send = (error: Error | null) => {
    if (error !== null) throw error;
    if (next === count) {
      socket.close();
      process.disconnect!();
      return;
    }
    view.setUint32(0, next++);
    socket.send(bytes, send);
  };
  socket.connect(UDP_PORT, address, () => send(null));
}

if (process.argv[2] === 'sink') runSink(process.argv[3]!);
if (process.argv[2] === 'source')
  runSource(process.argv[3]!, Number(process.argv[4]), Number(process.argv[5]));
