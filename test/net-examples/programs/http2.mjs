// After the documentation of node:http2. KEY and CERT hold a certificate for `localhost`.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';

const options = { key: readFileSync(process.env.KEY), cert: readFileSync(process.env.CERT) };
const textOf = async (stream) => {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text;
};

// Server and client of the core API.
const server = http2.createSecureServer(options);
server.on('error', (err) => console.error(err));
server.on('stream', (stream, headers) => {
  if (headers[':path'] === '/push') {
    stream.pushStream({ ':path': '/pushed' }, (err, pushed) => {
      if (err) throw err;
      pushed.respond({ ':status': 200 });
      pushed.end('some pushed data');
    });
    stream.respond({ ':status': 200 });
    stream.end('some data');
    return;
  }
  if (headers[':path'] === '/file') {
    stream.respondWithFile(process.env.CERT, { 'content-type': 'text/plain' });
    return;
  }
  stream.respond({ 'content-type': 'text/html; charset=utf-8', ':status': 200 });
  stream.end('<h1>Hello World</h1>');
});
server.listen(8443);
await once(server, 'listening');

const client = http2.connect('https://localhost:8443', { ca: options.cert });
client.on('error', (err) => console.error(err));
const req = client.request({ ':path': '/' });
const page = textOf(req);
const [headers] = await once(req, 'response');
console.log(headers[':status'], headers['content-type'], await page);

// Pushed streams.
const pushed = new Promise((resolve) => {
  client.on('stream', (pushedStream, requestHeaders) => {
    let text = '';
    pushedStream.setEncoding('utf8');
    pushedStream.on('push', (responseHeaders) =>
      console.log(requestHeaders[':path'], responseHeaders[':status']),
    );
    pushedStream.on('data', (chunk) => {
      text += chunk;
    });
    pushedStream.on('end', () => resolve(text));
  });
});
console.log(await textOf(client.request({ ':path': '/push' })), await pushed);

// A file.
const file = client.request({ ':path': '/file' });
console.log('file', (await textOf(file)).startsWith('-----BEGIN CERTIFICATE-----'));

// Ping, settings.
client.ping(Buffer.from('abcdefgh'), (err, _duration, payload) =>
  console.log('ping', err, payload.toString()),
);
await new Promise((resolve) => client.settings({ enablePush: false }, resolve));
console.log('settings', client.localSettings.enablePush, client.alpnProtocol, client.encrypted);
client.close();
await once(client, 'close');
server.close();

// The compatibility API, and a hundred streams at once.
const compat = http2.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end(`ok ${request.url}`);
});
await once(compat.listen(8080), 'listening');
const session = http2.connect('http://localhost:8080');
const answers = await Promise.all(
  Array.from({ length: 100 }, (_, i) => textOf(session.request({ ':path': `/${i}` }))),
);
console.log(answers.length, answers.at(-1));
session.close();
await once(session, 'close');
compat.close();

// ALPN negotiation: one server for both HTTP/2 and HTTPS.
const both = http2.createSecureServer({ ...options, allowHTTP1: true }, (req, res) => {
  const { alpnProtocol } = req.httpVersion === '2.0' ? req.stream.session : req.socket;
  res.writeHead(200, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ alpnProtocol, httpVersion: req.httpVersion }));
});
await once(both.listen(4443), 'listening');
const [http1] = await once(
  https.get({ port: 4443, host: 'localhost', ca: options.cert, agent: false }),
  'response',
);
console.log(await textOf(http1));
const second = http2.connect('https://localhost:4443', { ca: options.cert });
console.log(await textOf(second.request({ ':path': '/' })));
second.close();
await once(second, 'close');
both.close();

// Trailers, of the request and of the response.
const trailing = http2.createServer();
trailing.on('stream', (stream) => {
  stream.on('trailers', (found) => stream.end(`got ${found.abc}`));
  stream.resume();
  stream.respond(undefined, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ xyz: 'of the response' }));
});
await once(trailing.listen(8003), 'listening');
const trailed = http2.connect('http://localhost:8003');
const posting = trailed.request({ ':method': 'POST' }, { waitForTrailers: true });
posting.on('wantTrailers', () => posting.sendTrailers({ abc: 'of the request' }));
posting.end('body');
const trailers = once(posting, 'trailers');
console.log(await textOf(posting), (await trailers)[0].xyz);
trailed.close();
await once(trailed, 'close');
trailing.close();

// The CONNECT method: HTTP/2 as a proxy.
const echo = net.createServer((socket) => socket.pipe(socket));
await once(echo.listen(8001), 'listening');
const proxy = http2.createServer();
proxy.on('stream', (stream, requestHeaders) => {
  if (requestHeaders[':method'] !== 'CONNECT') return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  const auth = new URL(`tcp://${requestHeaders[':authority']}`);
  const socket = net.connect(auth.port, auth.hostname, () => {
    stream.respond();
    socket.pipe(stream);
    stream.pipe(socket);
  });
});
await once(proxy.listen(8002), 'listening');
const through = http2.connect('http://localhost:8002');
const tunnel = through.request({ ':method': 'CONNECT', ':authority': 'localhost:8001' });
const [status] = await once(tunnel, 'response');
console.log('tunnel', status[':status']);
tunnel.end('Jane');
console.log('The server says:', await textOf(tunnel));
through.close();
await once(through, 'close');
proxy.close();
echo.close();
