// After the documentation of node:http.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

const portOf = (server) => server.address().port;
const textOf = async (stream) => {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text;
};

// http.createServer() with JSON, and http.get() that parses it.
const json = http.createServer((_req, res) => {
  res.writeHead(200, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify({ data: 'Hello World!' }));
});
json.listen(8000);
await once(json, 'listening');
http.get('http://localhost:8000/', (res) => {
  const { statusCode } = res;
  const contentType = res.headers['content-type'];
  let rawData = '';
  res.setEncoding('utf8');
  res.on('data', (chunk) => {
    rawData += chunk;
  });
  res.on('end', () => console.log(statusCode, contentType, JSON.parse(rawData)));
});
await once(json, 'request');
json.close();
await once(json, 'close');

// http.request() with a body.
const upload = http.createServer(async (req, res) => {
  const body = await textOf(req);
  res.setHeader('X-Method', req.method);
  res.end(`${req.headers['content-type']} ${req.headers['content-length']} ${body}`);
});
await once(upload.listen(0), 'listening');
const postData = JSON.stringify({ msg: 'Hello World!' });
const post = http.request({
  hostname: 'localhost',
  port: portOf(upload),
  path: '/upload',
  method: 'POST',
  headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(postData) },
});
post.on('error', (e) => console.error(`problem with request: ${e.message}`));
post.write(postData);
post.end();
const [posted] = await once(post, 'response');
console.log(posted.headers['x-method'], await textOf(posted));

// An agent that keeps connections alive.
const keepAlive = new http.Agent({ keepAlive: true, maxSockets: 1 });
const sockets = new Set();
for (let i = 0; i < 3; i++) {
  const req = http.get({ port: portOf(upload), agent: keepAlive });
  req.on('socket', (socket) => sockets.add(socket));
  const [res] = await once(req, 'response');
  await textOf(res);
}
console.log('connections of three requests:', sockets.size);
keepAlive.destroy();

// A kept connection that the server has closed meanwhile: `req.reusedSocket` says that the request may be tried again.
const impatient = http.createServer((req, res) => {
  if (req.url === '/again' && !impatient.refused) {
    impatient.refused = true;
    req.socket.resetAndDestroy();
    return;
  }
  res.write('hello\n');
  res.end();
});
await once(impatient.listen(3000), 'listening');
const kept = new http.Agent({ keepAlive: true });
async function retriableRequest(path) {
  const req = http.get({ port: 3000, path, agent: kept });
  try {
    const [res] = await once(req, 'response');
    return (await textOf(res)).trim();
  } catch (err) {
    if (!req.reusedSocket || err.code !== 'ECONNRESET') throw err;
    console.log('tried again');
    return retriableRequest(path);
  }
}
console.log(await retriableRequest('/'), await retriableRequest('/again'));
kept.destroy();
impatient.close();

// A response may be sent in chunks, with trailers.
upload.removeAllListeners('request');
upload.once('request', (_req, res) => {
  res.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'Content-MD5' });
  res.write('in ');
  res.write('chunks');
  res.addTrailers({ 'Content-MD5': '7895bf4b8828b55ceaf47747b4bca667' });
  res.end();
});
const [chunked] = await once(http.get({ port: portOf(upload) }), 'response');
console.log(chunked.headers['transfer-encoding'], await textOf(chunked), chunked.trailers);

// 'information': status 103.
upload.once('request', (_req, res) => {
  res.writeEarlyHints({ link: '</styles.css>; rel=preload; as=style' }, () => res.end('late'));
});
const early = http.get({ port: portOf(upload) });
early.on('information', (info) => console.log('Got information prior to main response:', info.statusCode));
const [late] = await once(early, 'response');
console.log(await textOf(late));

// 'checkContinue': the body comes once it was asked for.
upload.once('checkContinue', (req, res) => {
  res.writeContinue();
  upload.emit('request', req, res);
});
upload.once('request', async (req, res) => res.end(`after continue: ${await textOf(req)}`));
const expecting = http.request({ port: portOf(upload), method: 'POST', headers: { Expect: '100-continue' } });
expecting.on('continue', () => expecting.end('the body'));
expecting.flushHeaders();
const [continued] = await once(expecting, 'response');
console.log(await textOf(continued));

// 'clientError': what is no request is answered all the same.
upload.on('clientError', (err, socket) => {
  if (err.code === 'ECONNRESET' || !socket.writable) return;
  socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
});
const rude = net.connect(portOf(upload), 'localhost', () => rude.write('hello\r\n\r\n'));
console.log((await textOf(rude)).split('\r\n')[0]);

// 'upgrade'.
upload.on('upgrade', (_req, socket) => {
  socket.write(
    'HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n',
  );
  socket.pipe(socket);
});
const upgrade = http.request({
  port: portOf(upload),
  host: '127.0.0.1',
  headers: { Connection: 'Upgrade', Upgrade: 'websocket' },
});
upgrade.end();
const [upgraded, upgradedSocket] = await once(upgrade, 'upgrade');
console.log('got upgraded!', upgraded.statusCode);
upgradedSocket.end('echo after the upgrade');
console.log(await textOf(upgradedSocket));

// 'connect': a tunneling proxy, with a request through it.
const proxy = http.createServer();
proxy.on('connect', (req, clientSocket, head) => {
  const { port, hostname } = new URL(`http://${req.url}`);
  const serverSocket = net.connect(port, hostname, () => {
    clientSocket.write('HTTP/1.1 200 Connection Established\r\nProxy-agent: Node.js-Proxy\r\n\r\n');
    serverSocket.write(head);
    serverSocket.pipe(clientSocket);
    clientSocket.pipe(serverSocket);
  });
});
await once(proxy.listen(1337, '127.0.0.1'), 'listening');
upload.once('request', (_req, res) => res.end('through the tunnel'));
const tunnel = http.request({
  port: 1337,
  host: '127.0.0.1',
  method: 'CONNECT',
  path: `localhost:${portOf(upload)}`,
});
tunnel.end();
const [, tunnelSocket] = await once(tunnel, 'connect');
tunnelSocket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
console.log((await textOf(tunnelSocket)).split('\r\n').at(-1));
proxy.close();

// A request may be aborted, and times out when nobody answers.
upload.on('request', () => {});
const controller = new AbortController();
const aborted = http.get({ port: portOf(upload), signal: controller.signal });
aborted.on('socket', () => setImmediate(() => controller.abort()));
console.log((await once(aborted, 'error'))[0].code);
const slow = http.get({ port: portOf(upload), timeout: 50 });
slow.on('timeout', () => slow.destroy());
console.log((await once(slow, 'error'))[0].code);
upload.closeAllConnections();
upload.close();
