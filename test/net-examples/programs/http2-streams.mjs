// After the documentation of node:http2: streams, files and headers. CERT is a file.
import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import http2 from 'node:http2';

const textOf = async (stream) => {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text;
};
const file = process.env.CERT;
const { HTTP2_HEADER_CONTENT_TYPE, HTTP2_HEADER_STATUS, HTTP2_HEADER_LAST_MODIFIED } = http2.constants;

const answers = {
  // A descriptor, with its size and time among the headers.
  '/fd': (stream) => {
    const fd = openSync(file, 'r');
    const stat = fstatSync(fd);
    stream.respondWithFD(fd, {
      'content-length': stat.size,
      'last-modified': stat.mtime.toUTCString(),
      'content-type': 'text/plain; charset=utf-8',
    });
    stream.on('close', () => closeSync(fd));
  },
  // A FileHandle, with trailers.
  '/handle': async (stream) => {
    const handle = await open(file);
    stream.respondWithFD(handle, { ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ ABC: 'some value to send' }));
    stream.on('close', () => handle.close());
  },
  // A part of a file, and a look at it before.
  '/part': (stream) => {
    function statCheck(stat, headers) {
      headers[HTTP2_HEADER_LAST_MODIFIED] = stat.mtime.toUTCString();
    }
    stream.respondWithFile(file, { 'content-type': 'text/plain' }, { statCheck, offset: 5, length: 6 });
  },
  // The look says that nothing has to be sent.
  '/unmodified': (stream) => {
    const statCheck = () => {
      stream.respond({ ':status': 304 });
      return false;
    };
    stream.respondWithFile(file, { 'content-type': 'text/plain' }, { statCheck });
  },
  // No such file.
  '/missing': (stream) => {
    function onError(err) {
      stream.respond({ ':status': err.code === 'ENOENT' ? 404 : 500 });
      stream.end();
    }
    stream.respondWithFile('/some/file', { 'content-type': 'text/plain' }, { onError });
  },
  // Informational headers before the others.
  '/additional': (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</styles.css>' });
    stream.respond({ [HTTP2_HEADER_STATUS]: 200, [HTTP2_HEADER_CONTENT_TYPE]: 'text/plain' });
    stream.end('some data');
  },
  // Headers that no table may keep.
  '/sensitive': (stream, headers) => {
    const secrets = headers[http2.sensitiveHeaders];
    stream.respond({ ':status': 200, cookie: 'some-cookie', [http2.sensitiveHeaders]: ['cookie'] });
    stream.end(`sensitive ${secrets.join()}`);
  },
  // The other side gives up.
  '/reset': (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM),
};

const server = http2.createServer({ settings: { enableConnectProtocol: true } });
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  if (headers[':method'] === 'CONNECT') {
    stream.respond({ ':status': 200 });
    stream.end(`protocol ${headers[':protocol']}`);
    return;
  }
  answers[headers[':path']](stream, headers);
});
await once(server.listen(0), 'listening');
const client = http2.connect(`http://localhost:${server.address().port}`);
const ask = async (path, more = {}) => {
  const req = client.request({ ':path': path, ...more });
  const seen = {};
  req.on('headers', (headers) => {
    seen.informational = headers[':status'];
  });
  req.on('trailers', (headers) => {
    seen.trailers = headers.abc;
  });
  const response = once(req, 'response');
  const text = await textOf(req);
  const [headers] = await response;
  return { ...seen, status: headers[':status'], text, headers };
};

const isCertificate = ({ text }) =>
  /^-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\n$/.test(text);
const byFd = await ask('/fd');
console.log(
  'respondWithFD',
  byFd.status,
  isCertificate(byFd),
  Number(byFd.headers['content-length']) === byFd.text.length,
);
const byHandle = await ask('/handle');
console.log('FileHandle', isCertificate(byHandle), byHandle.trailers);
const part = await ask('/part');
console.log('respondWithFile', part.text, typeof part.headers['last-modified']);
console.log('unmodified', (await ask('/unmodified')).status, 'missing', (await ask('/missing')).status);
const additional = await ask('/additional');
console.log('additionalHeaders', additional.informational, additional.status, additional.text);
const sensitive = await ask('/sensitive', { cookie: 'a=b', [http2.sensitiveHeaders]: ['cookie'] });
console.log(sensitive.text, sensitive.headers[http2.sensitiveHeaders].join());
const refused = client.request({ ':path': '/reset' });
console.log((await once(refused, 'error'))[0].code, refused.rstCode);

// The extended CONNECT method.
const connect = client.request({ ':method': 'CONNECT', ':protocol': 'foo', ':path': '/', ':scheme': 'http' });
console.log('extended', await textOf(connect));
client.close();
await once(client, 'close');
server.close();

// The compatibility API: head, early hints, pushed responses, trailers, what the client expects.
const compat = http2.createServer();
compat.on('request', (req, res) => {
  res.writeEarlyHints({ link: '</styles.css>; rel=preload; as=style' });
  res.createPushResponse({ ':path': '/styles.css' }, (err, pushed) => {
    if (err) throw err;
    pushed.end('pushed');
  });
  res.setHeader('X-Foo', 'bar');
  res.addTrailers({ 'content-md5': '7895bf4b8828b55ceaf47747b4bca667' });
  res.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
  res.end(
    `${req.method} ${new URL(req.url, 'http://localhost').searchParams.get('name')} ${req.authority.split(':')[0]}`,
  );
});
compat.on('checkContinue', async (req, res) => {
  res.writeContinue();
  res.end(`continued ${await textOf(req)}`);
});
await once(compat.listen(0), 'listening');
const session = http2.connect(`http://localhost:${compat.address().port}`);
const styles = new Promise((resolve) => {
  session.on('stream', (stream) => resolve(textOf(stream)));
});
const req = session.request({ ':path': '/status?name=ryan' });
req.on('headers', (headers) => console.log('hints', headers[':status'], headers.link));
const trailers = once(req, 'trailers');
console.log(await textOf(req), await styles, (await trailers)[0]['content-md5']);
const expecting = session.request({ ':method': 'POST', expect: '100-continue' });
expecting.on('continue', () => expecting.end('the body'));
console.log(await textOf(expecting));
session.close();
await once(session, 'close');
compat.close();
