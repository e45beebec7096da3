// A flood of segments on raw sockets: what the stack sends goes on meanwhile, and nothing of the flood is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { patternStream, patternSum } from './byte-pattern.js';
import type { PeerReport } from './kernel-peer.js';
import { KERNEL, Lab, obstacle, STACK, until } from './lab.js';
import { ECHO_PORT, HTTP_PORT } from './link-suite.js';
import { NeighbourHost } from './neighbour-host.js';

const skip = obstacle('nft');
const BURST = fileURLToPath(new URL('./packet-burst.js', import.meta.url));
const PACKETS = 100_000;
/** The burst goes on until something of it was taken in, and no longer than this. */
const MOST_PACKETS = 5_000_000;
/** Beside the unused blocks of the sender, of which the stack keeps 17 MiB. The burst, had it been kept, would be some 100 MB. */
const MEMORY_SLACK_BYTES = (17 + 5) * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function memoryInUse(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test(`a burst of ${PACKETS} packets neither starves what is sent nor grows memory`, { skip }, async (t) => {
  const lab = Lab.open(t);
  const host = NeighbourHost.open(t, lab, { ownsAddresses: true });
  const stack = await lab.stack({ over: () => host.raw(ECHO_PORT, HTTP_PORT) });
  const { stats } = stack.stack.core.link;
  const CHUNK = Buffer.alloc(16_384, 1);
  let enough = false;
  let sent = 0;
  const server = stack.net.createServer({ allowHalfOpen: true }, (socket) => {
    // An endless answer, of which the kernel's program takes what comes.
    const more = (): void => {
      while (!enough) {
        sent += CHUNK.length;
        if (!socket.write(CHUNK)) {
          socket.once('drain', more);
          return;
        }
      }
      socket.end();
    };
    socket.resume();
    more();
  });
  await stack.listen(server, HTTP_PORT);
  const reader = lab.peer('reader', STACK, String(HTTP_PORT));
  await until('the answer flows', () => stats.bytesOut > 1_000_000);
  const before = memoryInUse();

  const bounds = [String(PACKETS), String(MOST_PACKETS)];
  const burst = lab.start([process.execPath, BURST, KERNEL, STACK, String(ECHO_PORT), ...bounds]);
  await until('the burst has begun', () => burst.stdout().includes('begun'));
  const { bytesOut, packetsIn } = stats;
  await until('the burst is taken in, and the answer goes on meanwhile', () => {
    return stats.packetsIn - packetsIn > PACKETS / 100 && stats.bytesOut - bytesOut > 1_000_000;
  });
  assert.equal(burst.stdout(), 'begun\n', 'it is not over yet');
  burst.child.kill('SIGTERM');
  const ended = await burst.ended;
  assert.equal(ended.stdout, 'begun\ndone\n', ended.stderr);
  assert.ok(stack.stack.stats.tcp.inNoPorts > PACKETS / 100, 'it was the burst that came');

  enough = true;
  const report = JSON.parse((await reader.ended).stdout) as PeerReport;
  assert.deepEqual([report.bytes, report.error], [sent, null]);
  await stack.settled();
  const grown = memoryInUse() - before;
  assert.ok(grown < MEMORY_SLACK_BYTES, `grew by ${grown} bytes`);
  const echoed = await lab.run(['nc', '-w', '5', '-N', STACK, String(ECHO_PORT)]);
  assert.notEqual(echoed.status, 0, 'nobody listens there');

  await stack.listen(
    stack.net.createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)),
    ECHO_PORT,
  );
  const after = await lab.run(['nc', '-N', STACK, String(ECHO_PORT)], patternStream(35, 100_000));
  assert.equal(after.sum, patternSum(35, 100_000), 'and it serves as before');
});
