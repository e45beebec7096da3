// `node:https` and `node:tls` in both roles. The TLS layer sits on a socket that it did not open itself.
import assert from 'node:assert/strict';
import type * as http from 'node:http';
import * as https from 'node:https';
import type * as NodeNet from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { patternStream, patternSum, sumOf } from '../interop/byte-pattern.js';
import { fetchText } from './http-scenarios.js';
import { makeIdentity } from './identity.js';
import {
  type ClientPlace,
  endOf,
  eventOf,
  listen,
  type Scenario,
  SERVER_NAME,
  type ServerPlace,
  type Service,
  serveOver,
  textOf,
  until,
} from './place.js';

/** Connects through `place.net`, then speaks TLS on that socket; does not wait for the handshake. */
export function connectTls(place: ClientPlace, options: tls.ConnectionOptions = {}): tls.TLSSocket {
  const socket = place.net.connect({ host: place.host, port: place.port });
  return tls.connect({ socket, ca: place.ca, servername: SERVER_NAME, ...options });
}

/** An agent of https whose connections come from `place.net`. */
export class TlsAgent extends https.Agent {
  /** Connections made so far. */
  opened = 0;

  constructor(
    private readonly place: ClientPlace,
    options: https.AgentOptions = {},
  ) {
    super({ ca: place.ca, servername: SERVER_NAME, ...options });
  }

  /** The original looks its sessions up and keeps new ones; it only gets a socket to speak on. */
  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    this.opened++;
    const socket = this.place.net.connect({ host: this.place.host, port: this.place.port });
    return super.createConnection({ ...options, socket } as https.RequestOptions, callback);
  }
}

/** Serves TLS on sockets of `place.net`. */
function serveTls(
  place: ServerPlace,
  options: tls.TlsOptions,
  onSecure: (socket: tls.TLSSocket) => void,
): Promise<Service> {
  const application = tls.createServer({ ...place.identity, ...options }, onSecure);
  application.on('tlsClientError', () => {});
  return serveOver(place, application, { allowHalfOpen: options.allowHalfOpen ?? false });
}

const kept: Scenario = {
  name: 'https: requests on one kept connection, bodies both ways, the certificate checked',
  serve(place) {
    const application = https.createServer(place.identity, async (request, response) => {
      const got = await sumOf(request);
      response.end(JSON.stringify({ ...got, protocol: (request.socket as tls.TLSSocket).getProtocol() }));
    });
    return serveOver(place, application, { noDelay: true });
  },
  async use(place) {
    const agent = new TlsAgent(place, { keepAlive: true, maxSockets: 1 });
    for (const [i, size] of [0, 1, 16_384, 16_385, 400_000, 2_000_000].entries()) {
      const request = https.request({ host: place.host, port: place.port, agent, method: 'POST' });
      patternStream(i, size).pipe(request);
      const [response] = (await eventOf(request, 'response')) as [http.IncomingMessage];
      const answer = JSON.parse(await textOf(response));
      assert.deepEqual(answer, { bytes: size, sum: patternSum(i, size), protocol: 'TLSv1.3' });
    }
    assert.equal(agent.opened, 1);
    agent.destroy();
  },
};

const agentResumption: Scenario = {
  name: 'https: the agent resumes its session on every further connection',
  serve: (place) =>
    serveOver(
      place,
      https.createServer(place.identity, (request, response) => {
        response.end(String((request.socket as tls.TLSSocket).isSessionReused()));
      }),
    ),
  async use(place) {
    const agent = new TlsAgent(place);
    const target = { host: place.host, port: place.port, agent };
    const answers: string[] = [];
    for (let i = 0; i < 4; i++) answers.push((await fetchText(target, null, https.request)).text);
    assert.deepEqual(answers, ['false', 'true', 'true', 'true']);
    assert.equal(agent.opened, 4);
    agent.destroy();
  },
};

const alpn: Scenario = {
  name: 'tls: ALPN and the server name chosen on a given socket; no protocol in common is refused',
  serve: (place) =>
    serveTls(place, { ALPNProtocols: ['second', 'third'] }, (socket) => {
      socket.end(`${socket.alpnProtocol} ${(socket as { servername?: string }).servername}`);
      socket.resume();
    }),
  async use(place) {
    const agreed = connectTls(place, { ALPNProtocols: ['first', 'second', 'third'] });
    assert.equal(await textOf(agreed), `second ${SERVER_NAME}`);
    assert.equal(agreed.alpnProtocol, 'second');
    const refused = connectTls(place, { ALPNProtocols: ['first'] });
    assert.equal(await endOf(refused), 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    const distrusting = connectTls(place, { ca: [] });
    assert.equal(await endOf(distrusting), 'DEPTH_ZERO_SELF_SIGNED_CERT');
    const misled = connectTls(place, { servername: 'another.test' });
    assert.equal(await endOf(misled), 'ERR_TLS_CERT_ALTNAME_INVALID');
  },
};

const resumption: Scenario = {
  name: 'tls: a session resumed, in TLS 1.2 and 1.3',
  serve: (place) =>
    serveTls(place, {}, (socket) => {
      socket.end(`${socket.getProtocol()} ${socket.isSessionReused()}`);
      socket.resume();
    }),
  async use(place) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { minVersion: version, maxVersion: version };
      const first = connectTls(place, options);
      let session: Buffer | undefined;
      first.on('session', (fresh: Buffer) => {
        session = fresh;
      });
      assert.equal(await textOf(first), `${version} false`);
      assert.ok(session !== undefined);
      const second = connectTls(place, { ...options, session });
      const resumed = eventOf(second, 'secureConnect').then(() => second.isSessionReused());
      assert.equal(await textOf(second), `${version} true`);
      assert.equal(await resumed, true);
    }
  },
};

/** Echoes over TLS 1.2, the last version that renegotiates. */
const serveEcho = (place: ServerPlace) =>
  serveTls(place, { maxVersion: 'TLSv1.2' }, (socket) => {
    // Node only reports too many renegotiations; to end the connection is left to the program.
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });

function renegotiate(socket: tls.TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.renegotiate({}, (error) => (error ? reject(error) : resolve()));
  });
}

const renegotiation: Scenario = {
  name: 'tls: renegotiated between the rounds of an echo, then closed in order by the client',
  serve: serveEcho,
  async use(place) {
    const socket = connectTls(place);
    await eventOf(socket, 'secureConnect');
    let heard = 0;
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.length;
    });
    for (let round = 1; round <= tls.CLIENT_RENEG_LIMIT; round++) {
      const before = socket.getFinished()!;
      socket.write(Buffer.alloc(100_000, round));
      await until('the echo is there', () => heard === round * 100_000);
      await renegotiate(socket);
      assert.notDeepEqual(socket.getFinished(), before);
    }
    const ended = endOf(socket);
    socket.end('last');
    assert.equal(await ended, null);
    assert.equal(heard, tls.CLIENT_RENEG_LIMIT * 100_000 + 4);
  },
};

const renegotiatedByServer: Scenario = {
  name: 'tls: renegotiated by the server, which then closes in order',
  serve: (place) =>
    serveTls(place, { maxVersion: 'TLSv1.2' }, (socket) => {
      socket.on('error', () => {});
      socket.write('before,', () => {
        socket.renegotiate({}, (error) => socket.end(error ? error.message : 'after'));
      });
      socket.resume();
    }),
  async use(place) {
    const socket = connectTls(place);
    assert.equal(await textOf(socket), 'before,after');
  },
};

const tooManyRenegotiations: Scenario = {
  name: 'tls: one renegotiation more than the server allows, and it breaks the connection off',
  serve: serveEcho,
  async use(place) {
    const socket = connectTls(place);
    await eventOf(socket, 'secureConnect');
    const ended = endOf(socket);
    socket.resume();
    for (let round = 0; round < tls.CLIENT_RENEG_LIMIT; round++) await renegotiate(socket);
    renegotiate(socket).catch(() => {});
    // Whether FIN or RST comes depends on what of the handshake the server has read by then.
    assert.ok([null, 'ECONNRESET', 'EPIPE'].includes(await ended));
  },
};

const bothWays: Scenario = {
  name: 'tls: four megabytes each way at once, ended half by half',
  serve: (place) =>
    serveTls(place, { allowHalfOpen: true }, (socket) => {
      const download = patternStream(5, 4_000_000);
      download.pipe(socket, { end: false });
      void Promise.all([sumOf(socket), eventOf(download, 'end')]).then(([got]) => {
        socket.end(`\n${JSON.stringify(got)}`);
      });
    }),
  async use(place) {
    const socket = place.net.connect({ host: place.host, port: place.port, allowHalfOpen: true });
    const options = { socket, ca: place.ca, servername: SERVER_NAME, allowHalfOpen: true };
    const secure = tls.connect(options);
    patternStream(6, 4_000_000).pipe(secure);
    const chunks: Buffer[] = [];
    for await (const chunk of secure) chunks.push(chunk as Buffer);
    const all = Buffer.concat(chunks);
    const end = all.lastIndexOf('\n');
    const report = JSON.parse(all.toString('latin1', end + 1));
    assert.equal(end, 4_000_000);
    assert.deepEqual(report, { bytes: 4_000_000, sum: patternSum(6, 4_000_000) });
  },
};

const late: Scenario = {
  name: 'tls: ended by the server long before the client has read it all and ends its own side',
  serve: (place) => serveTls(place, {}, (socket) => socket.resume().end('the last words')),
  async use(place) {
    const raw = place.net.connect({ host: place.host, port: place.port });
    const secure = tls.connect({ socket: raw, ca: place.ca, servername: SERVER_NAME });
    const ended = endOf(secure);
    await until('the words are there', () => secure.readableLength > 0);
    // The end follows the words at once; some turns for it, and for what the socket below makes of it.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await textOf(secure), 'the last words');
    assert.equal(await ended, null);
  },
};

const brokenOff: Scenario = {
  name: 'tls: broken off under the TLS layer: before the handshake, in its midst and behind it',
  serve(place) {
    const application = tls.createServer(place.identity, (socket) => {
      socket.on('error', () => {});
      socket.write('hello');
    });
    application.on('tlsClientError', () => {});
    let count = 0;
    return listen(place, {}, (socket) => {
      count++;
      if (count === 1) {
        socket.destroy();
        return;
      }
      if (count === 2) {
        socket.once('data', () => socket.resetAndDestroy());
        return;
      }
      application.emit('connection', socket);
    });
  },
  async use(place) {
    assert.equal(await endOf(connectTls(place)), 'ECONNRESET');
    assert.equal(await endOf(connectTls(place)), 'ECONNRESET');
    const raw = place.net.connect({ host: place.host, port: place.port });
    const secure = tls.connect({ socket: raw, ca: place.ca, servername: SERVER_NAME });
    const [hello] = (await eventOf(secure, 'data')) as [Buffer];
    assert.equal(hello.toString(), 'hello');
    const ended = endOf(secure);
    raw.destroy();
    assert.equal(await ended, null);
  },
};

const plain: Scenario = {
  name: 'tls: a socket upgraded after plain words, as STARTTLS does',
  serve(place) {
    const context = tls.createSecureContext(place.identity);
    return listen(place, {}, (socket: NodeNet.Socket) => {
      socket.write('ready\n');
      socket.once('data', (word: Buffer) => {
        assert.equal(word.toString(), 'STARTTLS\n');
        socket.write('go\n');
        const secure = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
        secure.on('data', (chunk: Buffer) => secure.end(`heard ${chunk}`));
      });
    });
  },
  async use(place) {
    const socket = place.net.connect({ host: place.host, port: place.port });
    const [ready] = (await eventOf(socket, 'data')) as [Buffer];
    assert.equal(ready.toString(), 'ready\n');
    socket.write('STARTTLS\n');
    const [go] = (await eventOf(socket, 'data')) as [Buffer];
    assert.equal(go.toString(), 'go\n');
    const secure = tls.connect({ socket, ca: place.ca, servername: SERVER_NAME });
    secure.write('secret');
    assert.equal(await textOf(secure), 'heard secret');
  },
};

const mutual: Scenario = {
  name: 'tls: a certificate of the client is asked for, checked, and missed',
  serve: (place) =>
    serveTls(
      place,
      { ca: place.identity.cert, requestCert: true, rejectUnauthorized: false, maxVersion: 'TLSv1.2' },
      (socket) => {
        socket.resume();
        socket.end(`${socket.authorized} ${socket.getPeerCertificate().subject?.CN}`);
      },
    ),
  async use(place) {
    const { cert, key } = makeIdentity();
    // Signed by nobody whom the server trusts, but a certificate.
    assert.equal(await textOf(connectTls(place, { cert, key })), `false ${SERVER_NAME}`);
    assert.equal(await textOf(connectTls(place)), 'false undefined');
  },
};

const PSK = Buffer.from('a key that both have agreed upon before');

const sharedKey: Scenario = {
  name: 'tls: a key shared before in the place of certificates',
  serve: (place) =>
    serveOver(
      place,
      tls.createServer(
        {
          ciphers: 'PSK',
          maxVersion: 'TLSv1.2',
          pskCallback: (_socket, identity) => (identity === 'wave' ? PSK : null),
        },
        (socket) => socket.resume().end('shared'),
      ),
    ),
  async use(place) {
    const options = { ciphers: 'PSK', maxVersion: 'TLSv1.2', checkServerIdentity: () => undefined } as const;
    const known = connectTls(place, { ...options, pskCallback: () => ({ psk: PSK, identity: 'wave' }) });
    assert.equal(await textOf(known), 'shared');
    const unknown = connectTls(place, { ...options, pskCallback: () => ({ psk: PSK, identity: 'tide' }) });
    assert.match(String(await endOf(unknown)), /^ERR_SSL_|^ECONNRESET/);
  },
};

/** All of them. */
export const TLS_SCENARIOS: readonly Scenario[] = [
  kept,
  agentResumption,
  alpn,
  resumption,
  renegotiation,
  renegotiatedByServer,
  tooManyRenegotiations,
  bothWays,
  late,
  brokenOff,
  plain,
  mutual,
  sharedKey,
];
