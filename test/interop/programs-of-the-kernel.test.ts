// Programs that know nothing of Node, on the kernel's side: nginx as server and as proxy, ssh and scp, iperf3.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import * as tls from 'node:tls';
import { fetchText, NetAgent } from '../programs/http-scenarios.js';
import { makeIdentity } from '../programs/identity.js';
import { eventOf, type NetModule, SERVER_NAME, textOf } from '../programs/place.js';
import { patternStream, patternSum, sumOf } from './byte-pattern.js';
import { sshdObstacle, startIperf3, startNginx, startSshd } from './daemons.js';
import { startForwarder } from './forwarder.js';
import { KERNEL, Lab, obstacle, type ProgramResult, STACK } from './lab.js';
import { servePattern } from './pattern-http.js';

const skipNginx = obstacle('nginx', 'openssl', 'curl');
const skipSsh = obstacle('sshd', 'ssh', 'scp') || sshdObstacle();
const skipIperf3 = obstacle('iperf3');
const SIZE = 5_000_000;

async function writePattern(path: string, seed: number, size: number): Promise<void> {
  const file = fs.createWriteStream(path);
  patternStream(seed, size).pipe(file);
  await eventOf(file, 'close');
}

test('nginx serves our clients: kept connections, ranges, HTTP/2 over TLS', {
  skip: skipNginx,
}, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const identity = makeIdentity(KERNEL);
  fs.writeFileSync(lab.file('cert.pem'), identity.cert);
  fs.writeFileSync(lab.file('key.pem'), identity.key, { mode: 0o600 });
  fs.mkdirSync(lab.file('site'));
  await writePattern(lab.file('site/large'), 3, SIZE);
  await writePattern(lab.file('site/small'), 4, 1000);
  await startNginx(
    lab,
    `server {
      listen ${KERNEL}:80;
      listen ${KERNEL}:443 ssl http2;
      ssl_certificate ${lab.file('cert.pem')};
      ssl_certificate_key ${lab.file('key.pem')};
      root ${lab.file('site')};
      keepalive_requests 20;
    }`,
  );
  const net = stack.net as unknown as NetModule;
  const agent = new NetAgent(net, { keepAlive: true, maxSockets: 1 });
  const target = { host: KERNEL, port: 80, agent };
  const request = http.get({ ...target, path: '/large' });
  const [response] = (await eventOf(request, 'response')) as [http.IncomingMessage];
  assert.deepEqual(await sumOf(response), { bytes: SIZE, sum: patternSum(3, SIZE) });
  const part = await fetchText({ ...target, path: '/small', headers: { range: 'bytes=10-19' } });
  assert.deepEqual([part.response.statusCode, part.response.headers['content-length']], [206, '10']);
  // The server ends a connection after twenty requests; the agent goes on with another.
  for (let i = 0; i < 38; i++) {
    const { response } = await fetchText({ ...target, path: i % 2 === 0 ? '/small' : '/none' });
    assert.equal(response.statusCode, i % 2 === 0 ? 200 : 404);
  }
  assert.equal(agent.opened, 2);
  agent.destroy();

  const session = http2.connect(`https://${KERNEL}`, {
    createConnection: () => {
      const socket = net.connect({ host: KERNEL, port: 443 });
      return tls.connect({ socket, ca: identity.cert, servername: SERVER_NAME, ALPNProtocols: ['h2'] });
    },
  });
  const sums = await Promise.all(
    Array.from({ length: 19 }, (_, i) => sumOf(session.request({ ':path': i === 0 ? '/large' : '/small' }))),
  );
  assert.deepEqual(sums.shift(), { bytes: SIZE, sum: patternSum(3, SIZE) });
  for (const got of sums) assert.deepEqual(got, { bytes: 1000, sum: patternSum(4, 1000) });
  session.close();
  await eventOf(session, 'close');
  await stack.settled();
});

test('nginx as a proxy in front of our server, for curl and for our own client', {
  skip: skipNginx,
}, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const application = http.createServer(servePattern);
  let connections = 0;
  const port = await stack.listen(
    stack.net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      connections++;
      application.emit('connection', socket);
    }),
  );
  await startNginx(
    lab,
    `upstream ours { server ${STACK}:${port}; keepalive 8; }
    server {
      listen ${KERNEL}:80;
      client_max_body_size 0;
      location / {
        proxy_pass http://ours;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
        proxy_request_buffering off;
      }
    }`,
  );
  const urls = Array.from({ length: 40 }, (_, i) => `http://${KERNEL}/bytes/${i}/100000`);
  const outputs = urls.flatMap((url, i) => ['-o', lab.file(`got-${i}`), url]);
  const got = await lab.run(['curl', '-sSf', '--parallel', '--parallel-max', '8', ...outputs]);
  assert.equal(got.status, 0, got.stderr);
  for (const i of urls.keys()) {
    const file = await sumOf(fs.createReadStream(lab.file(`got-${i}`)));
    assert.deepEqual(file, { bytes: 100_000, sum: patternSum(i, 100_000) });
  }
  assert.ok(connections < urls.length, 'the proxy keeps its connections to us');
  const put = await lab.run(['curl', '-sSf', '-T', '-', `http://${KERNEL}/`], patternStream(8, SIZE));
  assert.deepEqual(JSON.parse(put.stdout), { bytes: SIZE, sum: patternSum(8, SIZE) });

  const agent = new NetAgent(stack.net as unknown as NetModule);
  const request = http.request({ host: KERNEL, port: 80, agent, method: 'PUT' });
  patternStream(9, SIZE).pipe(request);
  const [response] = (await eventOf(request, 'response')) as [http.IncomingMessage];
  assert.deepEqual(JSON.parse(await textOf(response)), { bytes: SIZE, sum: patternSum(9, SIZE) });
  agent.destroy();
});

function ssh(
  lab: Lab,
  options: readonly string[],
  command: string,
  input: Readable | null,
): Promise<ProgramResult> {
  return lab.run(['ssh', ...options, `root@${STACK}`, command], input);
}

test('ssh and scp through a proxy on the stack: commands, streams both ways, re-keyed, files', {
  skip: skipSsh,
}, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const access = await startSshd(lab);
  const proxy = await startForwarder(stack, access.port);
  const options = [...access.options, '-o', `Port=${proxy.port}`];
  const status = await ssh(lab, options, 'echo heard; echo aside >&2; exit 7', null);
  assert.deepEqual([status.status, status.stdout, status.stderr], [7, 'heard\n', 'aside\n']);
  const rekeyed = [...options, '-o', 'RekeyLimit=1M'];
  const echoed = await ssh(lab, rekeyed, 'cat', patternStream(12, SIZE));
  assert.deepEqual([echoed.status, echoed.bytes, echoed.sum], [0, SIZE, patternSum(12, SIZE)], echoed.stderr);

  await writePattern(lab.file('there'), 13, 2 * SIZE);
  const scp = ['scp', '-q', ...options];
  const up = await lab.run([...scp, lab.file('there'), `root@${STACK}:${lab.file('copied')}`]);
  assert.equal(up.status, 0, up.stderr);
  const down = await lab.run([...scp, `root@${STACK}:${lab.file('copied')}`, lab.file('back')]);
  assert.equal(down.status, 0, down.stderr);
  const back = await sumOf(fs.createReadStream(lab.file('back')));
  assert.deepEqual(back, { bytes: 2 * SIZE, sum: patternSum(13, 2 * SIZE) });
  assert.equal(proxy.taken(), 4);
  assert.deepEqual(proxy.failures, []);
  await stack.settled();
});

/** The part of iperf3's report that is looked at. */
interface IperfReport {
  readonly error?: string;
  readonly end: Record<'sum_sent' | 'sum_received', { readonly bytes: number }>;
}

async function iperf3(lab: Lab, port: number, ...argv: string[]): Promise<IperfReport> {
  const run = await lab.run(['iperf3', '--client', STACK, '--port', String(port), '--json', ...argv]);
  assert.equal(run.status, 0, run.stdout + run.stderr);
  return JSON.parse(run.stdout) as IperfReport;
}

test('iperf3 through a proxy on the stack: up, down, both ways, on parallel connections', {
  skip: skipIperf3,
}, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const proxy = await startForwarder(stack, await startIperf3(lab));
  for (const [streams, ...direction] of [[1], [4], [1, '--reverse'], [4, '--reverse'], [2, '--bidir']]) {
    const report = await iperf3(
      lab,
      proxy.port,
      ...['--bytes', '20M', '--parallel', String(streams), ...(direction as string[])],
    );
    assert.equal(report.error, undefined);
    // The size ends the test when the directions together have sent about as much; what is then on its way the receiver
    // does not count.
    const { sum_sent: sent, sum_received: received } = report.end;
    assert.ok(sent.bytes > 5_000_000, JSON.stringify(report.end));
    assert.ok(received.bytes > 1_000_000 && received.bytes <= sent.bytes, JSON.stringify(report.end));
  }
  // One more than the streams each time: iperf3 speaks about the test on a connection of its own.
  assert.equal(proxy.taken(), 2 + 5 + 2 + 5 + 5);
  assert.deepEqual(proxy.failures, []);
  await stack.settled();
});
