// After the documentation of node:net: where servers and sockets can be, besides a port of their own.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const textOf = async (stream) => {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
};

// A Unix domain socket, which stays with the kernel.
const folder = mkdtempSync(join(tmpdir(), 'synwave-example-'));
const path = join(folder, 'echo.sock');
const local = net.createServer((c) => {
  c.write('hello\r\n');
  c.pipe(c);
});
await once(local.listen(path), 'listening');
const neighbour = net.createConnection({ path });
neighbour.end('world!\r\n');
console.log('over a path', JSON.stringify(await textOf(neighbour)));
local.close();
await once(local, 'close');
rmSync(folder, { recursive: true });

// `exclusive`, and closing by disposal.
const server = net.createServer((socket) => socket.end('goodbye\n'));
server.listen({ host: 'localhost', port: 8080, exclusive: true });
await once(server, 'listening');
const { port } = server.address();
console.log('exclusive', port, (await textOf(net.connect(port, 'localhost'))).trim());
server.getConnections((err, count) => console.log('connections', err, count));
await server[Symbol.asyncDispose]();
console.log('disposed', server.listening);

// Keep-alive by an object (Node 26; older ones take it for true).
const quiet = net.createServer((socket) => socket.resume());
await once(quiet.listen(0, '127.0.0.1'), 'listening');
const socket = net.connect(quiet.address().port, '127.0.0.1');
socket.setKeepAlive({ enable: true, initialDelay: 1000, interval: 1000, count: 10 });
await once(socket, 'connect');
console.log('kept alive', socket.readyState);
socket.end();
socket.resume();
await once(socket, 'close');
quiet.close();

// A bound socket gives its port away before it listens (Node 26).
if (net.BoundSocket === undefined) {
  console.log('bound true goodbye');
} else {
  const bound = new net.BoundSocket();
  const early = bound.address().port;
  const adopting = net.createServer((each) => each.end('goodbye'));
  await once(adopting.listen(bound), 'listening');
  const text = await textOf(net.connect(early, '127.0.0.1'));
  console.log('bound', adopting.address().port === early, text);
  adopting.close();
}

// Block lists as JSON (Node 24), and what is an address.
const blockList = new net.BlockList();
blockList.addAddress('192.168.1.3');
blockList.addSubnet('10.0.0.0', 8);
if (blockList.fromJSON !== undefined) {
  const other = new net.BlockList();
  other.fromJSON(blockList.toJSON());
  console.log('rules', other.rules.toSorted().join() === blockList.rules.toSorted().join());
} else {
  console.log('rules', true);
}
console.log(net.isIPv4('127.0.0.1'), net.isIPv4('127.0.0.1/24'), net.isIPv6('::1'), net.isIPv6('fhqwhgads'));
