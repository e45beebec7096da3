// The package `undici` in the client's role, through its connector: pools, pipelining, streams, `fetch`, HTTP/2.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { Agent, type buildConnector, Client, fetch, Pool } from 'undici';
import { patternStream, patternSum, sumOf } from '../interop/byte-pattern.js';
import { type ClientPlace, HTTP_OPTIONS, type Scenario, serveOver } from './place.js';
import { connectTls } from './tls-scenarios.js';

/** A connector of undici that opens its sockets through `place.net`, with TLS on top where the origin asks for it. */
function connector(place: ClientPlace, ALPNProtocols = ['http/1.1']): buildConnector.connector {
  return ({ protocol, hostname, port }, callback) => {
    const secure = protocol === 'https:';
    const socket = secure
      ? connectTls(place, { ALPNProtocols })
      : place.net.connect({ host: hostname, port: Number(port), noDelay: true });
    const onError = (error: Error) => callback(error, null);
    socket.once('error', onError);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.off('error', onError);
      callback(null, socket);
    });
  };
}

const onRequest: http.RequestListener = async (request, response) => {
  if (request.method === 'GET') {
    const [, seed, size] = request.url!.split('/');
    patternStream(Number(seed), Number(size)).pipe(response);
  } else {
    response.end(JSON.stringify(await sumOf(request)));
  }
};

const serveHttp: Scenario['serve'] = (place) => serveOver(place, http.createServer(onRequest), HTTP_OPTIONS);

const pipelined: Scenario = {
  name: 'undici: a pipelining client, and a pool that posts streams',
  serve: serveHttp,
  async use(place) {
    const origin = `http://${place.host}:${place.port}`;
    const client = new Client(origin, { connect: connector(place), pipelining: 10 });
    await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const { statusCode, body } = await client.request({ method: 'GET', path: `/${i}/${i * 3000}` });
        assert.equal(statusCode, 200);
        assert.deepEqual(await sumOf(body), { bytes: i * 3000, sum: patternSum(i, i * 3000) });
      }),
    );
    await client.close();
    const pool = new Pool(origin, { connect: connector(place), connections: 5 });
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const { body } = await pool.request({ method: 'POST', path: '/', body: patternStream(i, 200_000) });
        assert.deepEqual(await body.json(), { bytes: 200_000, sum: patternSum(i, 200_000) });
      }),
    );
    await pool.close();
  },
};

const fetched: Scenario = {
  name: 'undici: fetch through the connector, aborted, and refused',
  serve: serveHttp,
  async use(place) {
    const origin = `http://${place.host}:${place.port}`;
    const dispatcher = new Agent({ connect: connector(place) });
    const page = await fetch(`${origin}/3/50000`, { dispatcher });
    const body = Buffer.from(await page.arrayBuffer());
    assert.equal(body.length, 50_000);
    const posted = await fetch(origin, { dispatcher, method: 'POST', body: new Uint8Array(body) });
    assert.deepEqual(await posted.json(), { bytes: 50_000, sum: patternSum(3, 50_000) });

    const controller = new AbortController();
    const endless = await fetch(`${origin}/1/1000000000000`, { dispatcher, signal: controller.signal });
    const reader = endless.body!.getReader();
    await reader.read();
    controller.abort();
    await assert.rejects(
      async () => {
        while (!(await reader.read()).done) {}
      },
      { name: 'AbortError' },
    );
    // Port 2: nobody's, and none of those that fetch itself refuses.
    await assert.rejects(fetch(`http://${place.host}:2/`, { dispatcher }), (error: Error) => {
      assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
      return true;
    });
    await dispatcher.close();
  },
};

const secure: Scenario = {
  name: 'undici: requests over TLS on one kept connection',
  serve: (place) => serveOver(place, https.createServer(place.identity, onRequest)),
  async use(place) {
    const client = new Client(`https://${place.host}:${place.port}`, { connect: connector(place) });
    for (let i = 0; i < 5; i++) {
      const { body } = await client.request({ method: 'PUT', path: '/', body: patternStream(i, 100_000) });
      assert.deepEqual(await body.json(), { bytes: 100_000, sum: patternSum(i, 100_000) });
    }
    await client.close();
  },
};

const overHttp2: Scenario = {
  name: 'undici: HTTP/2 agreed by ALPN',
  serve: (place) =>
    serveOver(
      place,
      http2.createSecureServer({ ...place.identity, allowHTTP1: false }, (request, response) => {
        void onRequest(
          request as unknown as http.IncomingMessage,
          response as unknown as Parameters<http.RequestListener>[1],
        );
      }),
    ),
  async use(place) {
    const client = new Client(`https://${place.host}:${place.port}`, {
      connect: connector(place, ['h2']),
      allowH2: true,
    });
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const { body } = await client.request({ method: 'GET', path: `/${i}/40000` });
        assert.deepEqual(await sumOf(body), { bytes: 40_000, sum: patternSum(i, 40_000) });
      }),
    );
    await client.close();
  },
};

/** All of them. */
export const UNDICI_SCENARIOS: readonly Scenario[] = [pipelined, fetched, secure, overHttp2];
