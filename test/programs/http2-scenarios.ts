// `node:http2` in both roles, in the clear and over TLS with ALPN: a hundred streams at once, resets, pings, farewells.
import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import { patternStream, patternSum, sumOf } from '../interop/byte-pattern.js';
import { type ClientPlace, endOf, eventOf, type Scenario, serveOver, textOf, until } from './place.js';
import { connectTls } from './tls-scenarios.js';

const STREAMS = 100;
const BODY = 30_000;

/** Answers each POST by what it brought, `/reset` by RST_STREAM, `/endless` without an end. */
function onStream(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
  stream.on('error', () => {});
  if (headers[':path'] === '/reset') {
    stream.respond({ ':status': 200 });
    stream.write('begun', () => stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM));
  } else if (headers[':path'] === '/endless') {
    stream.respond({ ':status': 200 });
    patternStream(1, 1e12).pipe(stream);
  } else {
    stream.respond({ ':status': 200, 'x-path': headers[':path'] });
    stream.pipe(stream);
  }
}

const clear = (place: ClientPlace) =>
  http2.connect(`http://${place.host}:${place.port}`, {
    createConnection: () => place.net.connect({ host: place.host, port: place.port }),
  });

const secure = (place: ClientPlace) =>
  http2.connect(`https://${place.host}:${place.port}`, {
    createConnection: () => connectTls(place, { ALPNProtocols: ['h2'] }),
  });

async function exchangeAll(session: http2.ClientHttp2Session): Promise<void> {
  await Promise.all(
    Array.from({ length: STREAMS }, async (_, i) => {
      const stream = session.request({ ':method': 'POST', ':path': `/${i}` });
      patternStream(i, BODY).pipe(stream);
      const [answered, got] = await Promise.all([eventOf(stream, 'response'), sumOf(stream)]);
      assert.equal((answered[0] as http2.IncomingHttpHeaders)['x-path'], `/${i}`);
      assert.deepEqual(got, { bytes: BODY, sum: patternSum(i, BODY) });
    }),
  );
}

async function closeInOrder(session: http2.ClientHttp2Session): Promise<void> {
  const ended = endOf(session);
  session.close();
  assert.equal(await ended, null);
}

const hundredStreams: Scenario = {
  name: `http2: ${STREAMS} streams at once on one connection, bodies both ways`,
  serve: (place) => serveOver(place, http2.createServer().on('stream', onStream)),
  async use(place) {
    const session = clear(place);
    await exchangeAll(session);
    const roundTrip = await new Promise<number>((resolve, reject) => {
      session.ping(Buffer.from('8 octets'), (error, ms) => (error ? reject(error) : resolve(ms)));
    });
    assert.ok(roundTrip >= 0);
    await closeInOrder(session);
  },
};

const hundredSecureStreams: Scenario = {
  name: `http2: ${STREAMS} streams at once over TLS with ALPN`,
  serve: (place) => serveOver(place, http2.createSecureServer({ ...place.identity }).on('stream', onStream)),
  async use(place) {
    const session = secure(place);
    await exchangeAll(session);
    assert.equal(session.alpnProtocol, 'h2');
    assert.equal(session.encrypted, true);
    await closeInOrder(session);
  },
};

const resets: Scenario = {
  name: 'http2: streams reset by either side disturb no other stream',
  serve: (place) => serveOver(place, http2.createServer().on('stream', onStream)),
  async use(place) {
    const session = clear(place);
    const reset = session.request({ ':method': 'POST', ':path': '/reset' });
    assert.equal(await endOf(reset.resume()), 'ERR_HTTP2_STREAM_ERROR');
    assert.equal(reset.rstCode, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    const endless = session.request({ ':path': '/endless' });
    const ended = endOf(endless);
    let bytes = 0;
    endless.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > 300_000) endless.close(http2.constants.NGHTTP2_CANCEL);
    });
    const other = session.request({ ':method': 'POST', ':path': '/other' });
    other.end('undisturbed');
    assert.equal(await textOf(other), 'undisturbed');
    assert.equal(await ended, null);
    await closeInOrder(session);
  },
};

const farewell: Scenario = {
  name: 'http2: the server says GOAWAY, lets the open stream end and hangs up',
  serve(place) {
    const application = http2.createServer().on('stream', (stream, headers) => {
      stream.respond({ ':status': 200 });
      stream.write('begun,');
      stream.session!.goaway(http2.constants.NGHTTP2_NO_ERROR);
      stream.session!.close();
      stream.on('data', () => {});
      stream.on('end', () => stream.end(String(headers[':path'])));
    });
    return serveOver(place, application);
  },
  async use(place) {
    const session = clear(place);
    const goaway = eventOf(session, 'goaway');
    const closed = endOf(session);
    const stream = session.request({ ':method': 'POST', ':path': '/last' });
    const text = textOf(stream);
    await goaway;
    stream.end('x');
    assert.equal(await text, 'begun,/last');
    assert.equal(await closed, null);
  },
};

const push: Scenario = {
  name: 'http2: a pushed stream arrives beside the one that was asked for',
  serve(place) {
    const application = http2.createServer().on('stream', (stream) => {
      stream.pushStream({ ':path': '/pushed' }, (error, pushed) => {
        assert.ifError(error);
        pushed.respond({ ':status': 200 });
        patternStream(9, 100_000).pipe(pushed);
      });
      stream.respond({ ':status': 200 });
      stream.end('asked for');
    });
    return serveOver(place, application);
  },
  async use(place) {
    const session = clear(place);
    let pushed: { bytes: number; sum: string } | undefined;
    session.on('stream', (stream, headers) => {
      assert.equal(headers[':path'], '/pushed');
      void sumOf(stream).then((got) => {
        pushed = got;
      });
    });
    assert.equal(await textOf(session.request({ ':path': '/' })), 'asked for');
    await until('the pushed stream has ended', () => pushed !== undefined);
    assert.deepEqual(pushed, { bytes: 100_000, sum: patternSum(9, 100_000) });
    await closeInOrder(session);
  },
};

const compatible: Scenario = {
  name: 'http2: requests and responses in the shape of http, with trailers; ALTSVC beside them',
  serve(place) {
    const application = http2.createServer((request, response) => {
      const session = request.stream.session as http2.ServerHttp2Session;
      session.altsvc('h2=":8000"', 'http://example.test');
      response.setHeader('x-method', request.method);
      response.setHeader('trailer', 'x-length');
      let length = 0;
      request.on('data', (chunk: Buffer) => {
        length += chunk.length;
        response.write(chunk);
      });
      request.on('end', () => {
        response.addTrailers({ 'x-length': length, 'x-theirs': request.trailers['x-sum'] ?? '' });
        response.end();
      });
    });
    return serveOver(place, application);
  },
  async use(place) {
    const session = clear(place);
    const heard = eventOf(session, 'altsvc');
    const stream = session.request({ ':method': 'PUT', ':path': '/' }, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'of the client' }));
    const trailers = eventOf(stream, 'trailers');
    const answered = eventOf(stream, 'response');
    patternStream(4, 200_000).pipe(stream);
    assert.deepEqual(await sumOf(stream), { bytes: 200_000, sum: patternSum(4, 200_000) });
    assert.equal(((await answered)[0] as http2.IncomingHttpHeaders)['x-method'], 'PUT');
    const [last] = (await trailers) as [http2.IncomingHttpHeaders];
    assert.deepEqual([last['x-length'], last['x-theirs']], ['200000', 'of the client']);
    assert.deepEqual((await heard).slice(0, 2), ['h2=":8000"', 'http://example.test']);
    await closeInOrder(session);
  },
};

/** All of them. */
export const HTTP2_SCENARIOS: readonly Scenario[] = [
  hundredStreams,
  hundredSecureStreams,
  resets,
  farewell,
  push,
  compatible,
];
