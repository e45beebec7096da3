// `node:http` in both roles: connections kept, pipelined, chunked, upgraded and broken off.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import type * as NodeNet from 'node:net';
import type { Duplex } from 'node:stream';
import { patternStream, patternSum, sumOf } from '../interop/byte-pattern.js';
import {
  type ClientPlace,
  connected,
  endOf,
  eventOf,
  HTTP_OPTIONS,
  type NetModule,
  type Scenario,
  type ServerPlace,
  serveOver,
  textOf,
  until,
} from './place.js';

/** An agent whose connections come from `net`. */
export class NetAgent extends http.Agent {
  /** Connections made so far. */
  opened = 0;

  constructor(
    private readonly net: NetModule,
    options: http.AgentOptions = {},
  ) {
    super(options);
  }

  override createConnection(
    options: http.ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex {
    this.opened++;
    return this.net.createConnection(options as NodeNet.NetConnectOpts, callback as () => void);
  }
}

/** Sends a request, and returns the response with its body. */
export async function fetchText(
  options: http.RequestOptions,
  body: string | Buffer | null = null,
  request = http.request,
): Promise<{ response: http.IncomingMessage; text: string }> {
  const sent = request(options);
  sent.end(body ?? undefined);
  const [response] = (await eventOf(sent, 'response')) as [http.IncomingMessage];
  return { response, text: await textOf(response) };
}

function serveHttp(place: ServerPlace, handler: http.RequestListener, options: http.ServerOptions = {}) {
  return serveOver(place, http.createServer(options, handler), HTTP_OPTIONS);
}

const keepAlive: Scenario = {
  name: 'http: forty requests on one kept connection, bodies both ways',
  serve(place) {
    const ports = new Set<number | undefined>();
    return serveHttp(place, async (request, response) => {
      ports.add(request.socket.remotePort);
      const got = await sumOf(request);
      response.setHeader('x-connections', ports.size);
      response.end(JSON.stringify(got));
    });
  },
  async use({ net, host, port }) {
    const agent = new NetAgent(net, { keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 40; i++) {
      const size = [0, 1, 1459, 1461, 70_000, 300_000][i % 6]!;
      const request = http.request({ host, port, agent, method: 'POST', path: `/${i}` });
      patternStream(i, size).pipe(request);
      const [response] = (await eventOf(request, 'response')) as [http.IncomingMessage];
      assert.deepEqual(JSON.parse(await textOf(response)), { bytes: size, sum: patternSum(i, size) });
      assert.equal(response.headers['x-connections'], '1');
    }
    assert.equal(agent.opened, 1);
    const last = await fetchText({ host, port, agent, headers: { connection: 'close' } });
    assert.equal(last.response.headers.connection, 'close');
    await until('the connection is gone', () => Object.keys(agent.sockets).length === 0);
    agent.destroy();
  },
};

const keepAliveTimeout: Scenario = {
  name: 'http: the server ends an idle kept connection, and the client opens another',
  serve: (place) =>
    serveHttp(place, (_request, response) => void response.end('x'), { keepAliveTimeout: 20 }),
  async use({ net, host, port }) {
    const agent = new NetAgent(net, { keepAlive: true });
    const closed: Promise<string | null>[] = [];
    for (let i = 0; i < 2; i++) {
      const request = http.get({ host, port, agent });
      request.once('socket', (socket) => closed.push(endOf(socket)));
      const [response] = (await eventOf(request, 'response')) as [http.IncomingMessage];
      assert.equal(await textOf(response), 'x');
      assert.equal(response.headers.connection, 'keep-alive');
      await until('the agent has let go', () => Object.keys(agent.freeSockets).length === 0);
    }
    assert.deepEqual(await Promise.all(closed), [null, null]);
    assert.equal(agent.opened, 2);
    agent.destroy();
  },
};

const PIPELINED = 20;

const pipelining: Scenario = {
  name: 'http: twenty pipelined requests, answered in order though the first takes longest',
  serve(place) {
    const waiting: (() => void)[] = [];
    return serveHttp(place, (request, response) => {
      const number = Number(request.url!.slice(1));
      waiting[number] = () => patternStream(number, number * 1000 + 1).pipe(response);
      if (waiting.filter(Boolean).length < PIPELINED) return;
      for (const answer of waiting.reverse()) answer();
    });
  },
  async use(place) {
    const socket = await connected(place);
    let text = '';
    for (let i = 0; i < PIPELINED; i++) {
      const connection = i === PIPELINED - 1 ? 'Connection: close\r\n' : '';
      text += `GET /${i} HTTP/1.1\r\nHost: x\r\n${connection}\r\n`;
    }
    socket.write(text);
    const answers = await readPipelined(socket);
    assert.equal(answers.length, PIPELINED);
    for (const [i, answer] of answers.entries()) assert.equal(answer.length, i * 1000 + 1, `answer ${i}`);
  },
};

/** Reads chunked answers to the end of the connection; returns their bodies. */
async function readPipelined(socket: NodeNet.Socket): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  let rest = Buffer.concat(chunks);
  const bodies: Buffer[] = [];
  const line = () => {
    const end = rest.indexOf('\r\n');
    const text = rest.toString('latin1', 0, end);
    rest = rest.subarray(end + 2);
    return text;
  };
  while (rest.length > 0) {
    assert.equal(line(), 'HTTP/1.1 200 OK');
    while (line() !== '') {}
    const body: Buffer[] = [];
    for (let size = Number.parseInt(line(), 16); size > 0; size = Number.parseInt(line(), 16)) {
      body.push(rest.subarray(0, size));
      rest = rest.subarray(size + 2);
    }
    assert.equal(line(), '');
    bodies.push(Buffer.concat(body));
  }
  return bodies;
}

const chunked: Scenario = {
  name: 'http: chunks of many sizes both ways, with trailers',
  serve: (place) =>
    serveHttp(place, (request, response) => {
      response.setHeader('Trailer', 'x-sum');
      request.pipe(response, { end: false });
      void sumOf(request).then(({ sum }) => {
        response.addTrailers({ 'x-sum': sum, 'x-theirs': request.trailers['x-sum'] ?? '' });
        response.end();
      });
    }),
  async use({ net, host, port }) {
    const agent = new NetAgent(net);
    const request = http.request({ host, port, agent, method: 'PUT', headers: { Trailer: 'x-sum' } });
    const pending = eventOf(request, 'response');
    let sent = '';
    for (let size = 1; size <= 40_000; size = Math.ceil(size * 1.5)) {
      const piece = String(size % 10).repeat(size);
      sent += piece;
      if (!request.write(piece)) await eventOf(request, 'drain');
      if (size % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    request.addTrailers({ 'x-sum': 'of the client' });
    request.end();
    const [response] = (await pending) as [http.IncomingMessage];
    assert.equal(response.headers['transfer-encoding'], 'chunked');
    assert.equal(await textOf(response), sent);
    assert.equal(response.trailers['x-theirs'], 'of the client');
    assert.match(response.trailers['x-sum']!, /^[0-9a-f]{64}$/);
    agent.destroy();
  },
};

const upgrade: Scenario = {
  name: 'http: a connection upgraded to an echo, with bytes right behind both heads',
  serve(place) {
    const application = http.createServer();
    application.on('upgrade', (_request, socket: Duplex, head: Buffer) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nfirst,');
      socket.write(head);
      socket.pipe(socket);
    });
    return serveOver(place, application, HTTP_OPTIONS);
  },
  async use(place) {
    const byAgent = http.request({
      host: place.host,
      port: place.port,
      agent: new NetAgent(place.net),
      headers: { Connection: 'Upgrade', Upgrade: 'echo' },
    });
    byAgent.end();
    const [response, socket, head] = (await eventOf(byAgent, 'upgrade')) as [
      http.IncomingMessage,
      NodeNet.Socket,
      Buffer,
    ];
    assert.equal(response.statusCode, 101);
    const body = 'z'.repeat(200_000);
    socket.unshift(head);
    socket.end(body);
    assert.equal(await textOf(socket), `first,${body}`);

    const byHand = await connected(place);
    byHand.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nsecond');
    const [, rest] = (await textOf(byHand)).split('\r\n\r\n');
    assert.equal(rest, 'first,second');
  },
};

const expect: Scenario = {
  name: 'http: 100 Continue before the body, and a refusal instead of it',
  serve(place) {
    const application = http.createServer();
    application.on('checkContinue', (request: http.IncomingMessage, response: http.ServerResponse) => {
      if (request.url === '/refuse') {
        response.writeHead(417, { connection: 'close' });
        response.end();
        return;
      }
      response.writeContinue();
      void sumOf(request).then((got) => response.end(String(got.bytes)));
    });
    return serveOver(place, application, HTTP_OPTIONS);
  },
  async use({ net, host, port }) {
    const agent = new NetAgent(net);
    const headers = { Expect: '100-continue', 'Content-Length': 100_000 };
    const request = http.request({ host, port, agent, method: 'POST', headers });
    request.flushHeaders();
    const answered = eventOf(request, 'response');
    await eventOf(request, 'continue');
    request.end('c'.repeat(100_000));
    const [response] = (await answered) as [http.IncomingMessage];
    assert.equal(await textOf(response), '100000');

    const refused = http.request({ host, port, agent, method: 'POST', path: '/refuse', headers });
    refused.flushHeaders();
    const [refusal] = (await eventOf(refused, 'response')) as [http.IncomingMessage];
    assert.equal(refusal.statusCode, 417);
    refusal.resume();
    refused.on('error', () => {});
    refused.destroy();
    agent.destroy();
  },
};

/** What the server of the aborts shall have seen, sorted; it tells at `/seen`. */
const SIGHTS = ['download broken off', 'request broken off', 'upload broken off'];

const abort: Scenario = {
  name: 'http: downloads, uploads and answers broken off by either side',
  serve(place) {
    const seen: string[] = [];
    return serveHttp(place, (request, response) => {
      if (request.url === '/seen') {
        response.end(JSON.stringify(seen.sort()));
      } else if (request.url === '/endless') {
        const endless = patternStream(1, 1e12);
        response.once('close', () => {
          endless.destroy();
          if (!response.writableFinished) seen.push('download broken off');
        });
        endless.pipe(response);
      } else if (request.url === '/upload') {
        request.resume();
        request.once('error', (error: NodeJS.ErrnoException) => {
          seen.push(error.code === 'ECONNRESET' ? 'upload broken off' : `upload: ${error.message}`);
        });
      } else if (request.url === '/silent') {
        request.socket.once('close', () => seen.push('request broken off'));
      } else {
        response.writeHead(200, { 'Content-Length': 1000 });
        response.write('begun', () => request.socket.destroy());
      }
    });
  },
  async use({ net, host, port }) {
    const at = (path: string, options: http.RequestOptions = {}) =>
      http.request({ host, port, agent: new NetAgent(net), path, ...options });

    const download = at('/endless').end();
    const [begun] = (await eventOf(download, 'response')) as [http.IncomingMessage];
    let bytes = 0;
    const stopped = endOf(begun);
    begun.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > 500_000) begun.destroy();
    });
    assert.equal(await stopped, null);

    const upload = at('/upload', { method: 'POST' });
    const stoppedUpload = endOf(upload);
    upload.write('u'.repeat(100_000), () => upload.destroy());
    assert.equal(await stoppedUpload, 'ECONNRESET');

    const controller = new AbortController();
    const silent = at('/silent', { signal: controller.signal }).end();
    const aborted = endOf(silent);
    silent.once('finish', () => setImmediate(() => controller.abort()));
    assert.equal(await aborted, 'ABORT_ERR');

    const [broken] = (await eventOf(at('/break').end(), 'response')) as [http.IncomingMessage];
    assert.equal(await endOf(broken.resume()), 'ECONNRESET');
    assert.equal(broken.complete, false);

    let seen = '';
    const hasSeenAll = async () => {
      seen = (await fetchText({ host, port, agent: new NetAgent(net), path: '/seen' })).text;
      return seen === JSON.stringify(SIGHTS);
    };
    await until(() => `the server has seen it all, not only ${seen}`, hasSeenAll);
  },
};

const AT_ONCE = 50;

const parallel: Scenario = {
  name: `http: ${AT_ONCE} downloads at once, each on a connection of its own`,
  serve: (place) =>
    serveHttp(place, (request, response) => {
      patternStream(Number(request.url!.slice(1)), 100_000).pipe(response);
    }),
  async use({ net, host, port }: ClientPlace) {
    const agent = new NetAgent(net);
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, i) => {
        const request = http.get({ host, port, agent, path: `/${i}` });
        const [response] = (await eventOf(request, 'response')) as [http.IncomingMessage];
        assert.deepEqual(await sumOf(response), { bytes: 100_000, sum: patternSum(i, 100_000) });
      }),
    );
    assert.equal(agent.opened, AT_ONCE);
    agent.destroy();
  },
};

const hints: Scenario = {
  name: 'http: early hints and processing before the answer',
  serve: (place) =>
    serveHttp(place, (_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
      response.writeProcessing();
      response.end('the answer');
    }),
  async use({ net, host, port }) {
    const told: [number, string | undefined][] = [];
    const request = http.get({ host, port, agent: new NetAgent(net) });
    request.on('information', ({ statusCode, headers }) => {
      told.push([statusCode, headers.link as string | undefined]);
    });
    const [response] = (await eventOf(request, 'response')) as [http.IncomingMessage];
    assert.equal(await textOf(response), 'the answer');
    assert.deepEqual(told, [
      [103, '</style.css>; rel=preload; as=style'],
      [102, undefined],
    ]);
  },
};

const tunnel: Scenario = {
  name: 'http: CONNECT through a proxy, and a request of its own in the tunnel',
  serve(place) {
    const application = http.createServer((request, response) =>
      response.end(`in the tunnel: ${request.url}`),
    );
    application.on('connect', (request: http.IncomingMessage, client: Duplex, head: Buffer) => {
      const [host, port] = request.url!.split(':') as [string, string];
      const upstream = place.net.connect({ host, port: Number(port) }, () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        upstream.write(head);
        upstream.pipe(client).pipe(upstream);
      });
      for (const side of [client, upstream]) side.on('error', () => {});
    });
    return serveOver(place, application, HTTP_OPTIONS);
  },
  async use({ net, host, port }) {
    const agent = new NetAgent(net);
    const request = http.request({ host, port, agent, method: 'CONNECT', path: `${host}:${port}` });
    request.end();
    const [response, socket] = (await eventOf(request, 'connect')) as [http.IncomingMessage, NodeNet.Socket];
    assert.equal(response.statusCode, 200);
    const ended = endOf(socket);
    const inside = http.get({ path: '/inside', createConnection: () => socket });
    const [answer] = (await eventOf(inside, 'response')) as [http.IncomingMessage];
    assert.equal(await textOf(answer), 'in the tunnel: /inside');
    assert.equal(await ended, null);
  },
};

/** All of them. */
export const HTTP_SCENARIOS: readonly Scenario[] = [
  keepAlive,
  keepAliveTimeout,
  pipelining,
  chunked,
  upgrade,
  expect,
  abort,
  parallel,
  hints,
  tunnel,
];
