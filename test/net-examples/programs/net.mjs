// After the documentation of node:net: its examples, one after the other, each with what it prints.
import { once } from 'node:events';
import net from 'node:net';

// net: an echo server that says goodbye, as in `net.createServer()`.
const server = net.createServer((c) => {
  c.on('end', () => console.log('client disconnected'));
  c.write('hello\r\n');
  c.pipe(c);
});
server.on('error', (err) => {
  throw err;
});
server.listen(8124, () => console.log('server bound'));
await once(server, 'listening');

// A client of the echo server, as in `net.createConnection()`.
const client = net.createConnection({ port: 8124 }, () => {
  console.log('connected to server!');
  client.write('world!\r\n');
});
let heard = '';
client.on('data', (data) => {
  heard += data;
  if (heard.endsWith('world!\r\n')) client.end();
});
client.on('end', () => console.log('disconnected from server', JSON.stringify(heard)));
await once(client, 'close');

// `onread`: one buffer for all that comes.
let chunks = '';
const reader = net.connect({
  port: 8124,
  onread: {
    buffer: Buffer.alloc(4 * 1024),
    callback(nread, buf) {
      chunks += buf.toString('utf8', 0, nread);
      if (chunks === 'hello\r\n') reader.end();
      return true;
    },
  },
});
await once(reader, 'close');
console.log('onread', JSON.stringify(chunks));

// EADDRINUSE: try again once the address is free.
const second = net.createServer();
second.on('error', (e) => {
  if (e.code === 'EADDRINUSE') {
    console.log('Address in use, retrying...');
    server.close();
    server.once('close', () => second.listen(8124));
  }
});
second.listen(8124);
await new Promise((resolve) => second.once('listening', resolve));
console.log('opened server on', second.address());
second.close();

// A server that grabs any free port.
const arbitrary = net.createServer((socket) => socket.end('goodbye\n'));
arbitrary.listen(() => console.log('opened server on a port', arbitrary.address().port > 0));
await once(arbitrary, 'listening');
const guest = net.connect(arbitrary.address().port).setEncoding('utf8');
guest.on('data', (text) => console.log(text.trim()));
await once(guest, 'close');

// An AbortSignal closes the server.
const controller = new AbortController();
const aborted = net.createServer().listen({ host: 'localhost', port: 8080, signal: controller.signal });
await once(aborted, 'listening');
controller.abort();
await once(aborted, 'close');
console.log('listening', aborted.listening);

// `socket.setTimeout()`: the user must end the connection.
const mute = net.createServer((socket) => socket.resume());
await once(mute.listen(), 'listening');
const lazy = net.connect(mute.address().port);
lazy.setTimeout(100);
lazy.on('timeout', () => {
  console.log('socket timeout');
  lazy.destroy();
});
await once(lazy, 'close');
mute.close();
arbitrary.close();

// BlockList.
const blockList = new net.BlockList();
blockList.addAddress('123.123.123.123');
blockList.addRange('10.0.0.1', '10.0.0.10');
blockList.addSubnet('8592:757c:efae:4e45::', 64, 'ipv6');
console.log(blockList.check('10.0.0.3'), blockList.check('222.111.111.222'));
console.log(blockList.check('::ffff:7b7b:7b7b', 'ipv6'), net.isIP('::1'), net.isIPv4('127.000.000.001'));
