// A long mixed load: a thousand exchanges of http, https and WebSockets over a bad path, in virtual time and from a seed.
// Nothing may fail, and nothing may be left.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as https from 'node:https';
import { describe, test } from 'node:test';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { impair } from '../../src/link/impair.js';
import { memoryLinkPair } from '../../src/link/memory.js';
import { createNet } from '../../src/net/net.js';
import { VirtualClock } from '../../src/stack/clock.js';
import { Stack } from '../../src/stack/stack.js';
import { patternStream, patternSum, sumOf } from '../interop/byte-pattern.js';
import { seededRandom } from '../stack/test-link.js';
import { Random } from '../tcp/random.js';
import { drive, TIME_WAIT_OVER_MS } from './drive.js';
import { NetAgent } from './http-scenarios.js';
import { makeIdentity } from './identity.js';
import { type ClientPlace, eventOf, HTTP_OPTIONS, type NetModule, type Service, serveOver } from './place.js';
import { TlsAgent } from './tls-scenarios.js';
import { openSocket } from './websocket-scenarios.js';

const SERVER = '10.9.0.1';
const CLIENT = '10.9.0.2';

describe('a thousand exchanges over a path that loses, doubles, reorders and damages', () => {
  const EXCHANGES = 1000;
  const AT_ONCE = 12;
  const LARGEST = 40_000;

  /** What each kind of exchange needs. */
  interface Clients {
    readonly plain: ClientPlace;
    readonly secure: ClientPlace;
    readonly agent: NetAgent;
    readonly tlsAgent: TlsAgent;
  }

  const onRequest: http.RequestListener = (request, response) => {
    void sumOf(request).then(({ bytes, sum }) => {
      response.setHeader('x-sum', sum);
      patternStream(bytes, bytes).pipe(response);
    });
  };

  function serve(net: NetModule): Promise<[Service, Service]> {
    const identity = makeIdentity(SERVER);
    const place = { net, host: SERVER, identity };
    // An idle kept connection must not end just when a request is under way to it.
    const plain = http.createServer({ keepAliveTimeout: 0 }, onRequest);
    const secure = https.createServer({ ...identity, keepAliveTimeout: 0 }, onRequest);
    for (const application of [plain, secure]) {
      new WebSocketServer({ server: application }).on('connection', (socket) => {
        socket.on('message', (data, binary) => socket.send(data, { binary }));
      });
    }
    return Promise.all([
      serveOver(place, plain, HTTP_OPTIONS).then((service) => ({ ...service, ca: identity.cert })),
      serveOver(place, secure, { noDelay: true }).then((service) => ({ ...service, ca: identity.cert })),
    ]);
  }

  async function exchange({ plain, secure, agent, tlsAgent }: Clients, random: Random): Promise<string> {
    const kind = random.pick(['http', 'https', 'ws', 'wss'] as const);
    const size = random.int(0, random.chance(0.2) ? LARGEST : 2000);
    const kept = random.chance(0.8);
    if (kind === 'ws' || kind === 'wss') {
      await converse(openSocket(kind === 'ws' ? plain : secure, kind), size);
      return kind;
    }
    const place = kind === 'http' ? plain : secure;
    const request = (kind === 'http' ? http : https).request({
      host: SERVER,
      port: place.port,
      agent: kind === 'http' ? agent : tlsAgent,
      method: 'POST',
      headers: kept ? {} : { connection: 'close' },
    });
    patternStream(size, size).pipe(request);
    const [response] = (await eventOf(request, 'response')) as [http.IncomingMessage];
    assert.equal(response.headers['x-sum'], patternSum(size, size));
    assert.deepEqual(await sumOf(response), { bytes: size, sum: patternSum(size, size) });
    return kind;
  }

  async function converse(socket: WebSocket, size: number): Promise<void> {
    await eventOf(socket, 'open');
    for (const length of [size, 1, size]) {
      const message = Buffer.alloc(length, 'wave');
      const answer = eventOf(socket, 'message');
      socket.send(message);
      assert.ok(((await answer)[0] as RawData as Buffer).equals(message));
    }
    const closed = eventOf(socket, 'close');
    socket.close(1000);
    assert.equal((await closed)[0], 1000);
  }

  for (const seed of [1, 2]) {
    test(`seed ${seed}`, { timeout: 120_000 }, async (t) => {
      const clock = new VirtualClock();
      const random = new Random(seed);
      const [left, right] = memoryLinkPair({ clock });
      const link = impair(left, {
        ...{ clock, seed, delayMs: 5, jitterMs: 2 },
        ...{ loss: 0.01, duplicate: 0.01, reorder: 0.01, corrupt: 0.005 },
      });
      const server = new Stack({ link, addresses: [`${SERVER}/24`], clock, random: seededRandom(seed) });
      const client = new Stack({
        ...{ link: right, addresses: [`${CLIENT}/24`], clock, random: seededRandom(seed + 1) },
      });
      // Also when something fails: what is left of it must not keep the process.
      t.after(() => Promise.all([server.close(), client.close()]));
      const net = createNet(client) as unknown as NetModule;
      const counts: Record<string, number> = {};
      const services = await drive(clock, serve(createNet(server) as unknown as NetModule));
      const [plain, secure] = services.map((service) => ({
        ...{ net, host: SERVER, port: service.port, ca: (service as Service & { ca: string }).ca },
      })) as [ClientPlace, ClientPlace];
      const agent = new NetAgent(net, { keepAlive: true, maxSockets: AT_ONCE });
      const tlsAgent = new TlsAgent(secure, { keepAlive: true, maxSockets: AT_ONCE });
      let begun = 0;
      const worker = async () => {
        while (begun++ < EXCHANGES) {
          const kind = await exchange({ plain, secure, agent, tlsAgent }, random);
          counts[kind] = (counts[kind] ?? 0) + 1;
        }
      };
      await drive(clock, Promise.all(Array.from({ length: AT_ONCE }, worker)));
      assert.equal(
        Object.values(counts).reduce((sum, count) => sum + count),
        EXCHANGES,
      );
      agent.destroy();
      tlsAgent.destroy();
      for (const service of services) service.close();
      await drive(clock, new Promise((resolve) => setTimeout(resolve, 20)));
      clock.advance(TIME_WAIT_OVER_MS);
      assert.deepEqual([...server.connections(), ...client.connections()], []);
      await Promise.all([server.close(), client.close()]);
      assert.equal(clock.nextCallAt(), Number.POSITIVE_INFINITY, 'a timer is left');
    });
  }
});
