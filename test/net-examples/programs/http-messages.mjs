// After the documentation of node:http: what is in requests and responses.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

const textOf = async (stream) => {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text;
};
const server = http.createServer();
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address();
/** Asks once, answered by `listener`. */
const ask = async (listener, options = {}, body = undefined) => {
  server.once('request', listener);
  const req = http.request({ port, agent: false, ...options });
  req.end(body);
  const [res] = await once(req, 'response');
  return [res, await textOf(res)];
};

// Headers of a request, before it leaves and when it has come.
const request = http.request({ port, agent: false });
request.setHeader('Foo', 'bar');
request.setHeader('Set-Cookie', ['foo=bar', 'bar=baz']);
request.setHeader('content-type', 'text/html');
request.setHeader('Content-Length', Buffer.byteLength('body'));
console.log(
  'headers',
  request.getHeader('Content-Type'),
  request.getHeader('set-cookie'),
  request.hasHeader('FOO'),
);
console.log('names', request.getHeaderNames().join(), request.getRawHeaderNames().join());
request.removeHeader('Foo');
server.once('request', async (req, res) => {
  console.log('rawHeaders', req.rawHeaders.filter((_, i) => i % 2 === 0).join());
  console.log('distinct', req.headersDistinct['set-cookie'], req.headers['content-type'], req.headers.foo);
  res.end(await textOf(req));
});
request.end('body');
console.log('body', await textOf((await once(request, 'response'))[0]));

// Status and headers of a response.
const [plain] = await ask((_req, res) => {
  res.statusCode = 404;
  res.statusMessage = 'Not found';
  res.setHeaders(new Headers({ foo: 'bar' }));
  res.setHeaders(new Map([['x-map', '1']]));
  res.end();
});
console.log(plain.statusCode, plain.statusMessage, plain.headers.foo, plain.headers['x-map']);

// `writeHead()` wins over `setHeader()`, and takes an array.
const body = 'hello world';
const [written, text] = await ask((_req, res) => {
  res.setHeader('Content-Type', 'text/html');
  res.setHeader('X-Foo', 'bar');
  res.writeHead(200, { 'Content-Length': Buffer.byteLength(body), 'Content-Type': 'text/plain' }).end(body);
});
console.log(written.headers['content-type'], written.headers['x-foo'], text);

// Early hints by an object, with headers beside them; processing.
server.once('request', (_req, res) => {
  res.writeProcessing();
  const link = ['</styles.css>; rel=preload; as=style', '</scripts.js>; rel=preload; as=script'];
  res.writeEarlyHints({ link, 'x-trace-id': 'id for diagnostics' }, () => res.end('hinted'));
});
const hinted = http.get({ port, agent: false });
hinted.on('information', (info) => console.log('information', info.statusCode, info.headers['x-trace-id']));
console.log(await textOf((await once(hinted, 'response'))[0]));

// The URL of a request, and `http://user:password@`.
const [, parsed] = await ask(
  (req, res) =>
    res.end(`${new URL(`http://localhost${req.url}`).searchParams.get('name')} ${req.headers.authorization}`),
  { path: '/status?name=ryan', auth: 'abc:xyz' },
);
console.log(parsed);

// `complete` tells whether a message came through.
server.once('request', (_req, res) => {
  res.writeHead(200, { 'Content-Length': 10 });
  res.write('half', () => res.destroy());
});
const torn = http.request({ host: '127.0.0.1', port, method: 'POST', agent: false });
torn.end();
const [half] = await once(torn, 'response');
half.resume();
half.on('error', () => {});
await new Promise((resolve) => half.on('close', resolve));
if (!half.complete) console.log('The connection was terminated while the message was still being sent');

// The upper layer sees what was wrong: `rawPacket` and the bytes that were parsed.
const picky = http.createServer({ maxHeaderSize: 512 });
picky.on('clientError', (err, socket) => {
  console.log(err.code, err.rawPacket instanceof Buffer);
  socket.end(`HTTP/1.1 ${err.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400} Bad Request\r\n\r\n`);
});
await once(picky.listen(0, '127.0.0.1'), 'listening');
const rude = net.connect(picky.address().port, '127.0.0.1', () => {
  rude.write(`GET / HTTP/1.1\r\nx: ${'y'.repeat(1000)}\r\n\r\n`);
});
console.log((await textOf(rude)).split('\r\n')[0]);
picky.close();

// Names and values that a header may not have.
for (const check of [
  () => http.validateHeaderName(''),
  () => http.validateHeaderValue('x-my-header', 'oʊmɪɡə'),
]) {
  try {
    check();
  } catch (err) {
    console.log(err instanceof TypeError, err.code);
  }
}
server.close();
