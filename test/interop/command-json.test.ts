// What the command prints on stdout for programs: the documents of `--json`, and a capture as it grows.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { TcpInfo } from '../../src/index.js';
import { patternSum } from './byte-pattern.js';
import { Bench, PEER } from './command-bench.js';
import { type Allowance, ANY, assertJudged } from './judge.js';
import { KERNEL, Lab, obstacle, STACK, until } from './lab.js';

const skip = obstacle('curl', 'nc', 'tshark');
const FLOW_CONTROL: Allowance = { window_full: ANY, window_update: ANY, zero_window: ANY };

interface Carried {
  connections: number;
  bytesIn: number;
  bytesOut: number;
}

interface ServedDocument extends Carried {
  verb: string;
  link: string;
  addresses: string[];
  services: (Carried & { service: string; port: number })[];
  counters: { tcp: { passiveOpens: number; currEstab: number; outSegs: number } };
  ended: string;
}

test('serve --json: one document at the end, after all that the end itself has sent', { skip }, async (t) => {
  const bench = new Bench(Lab.open(t));
  const capture = bench.lab.file('served.pcapng');
  const folder = new URL('.', import.meta.url).pathname;
  const services = ['--echo', '7', '--http', `80:${folder}`, '--discard', '9'];
  // Of segments that leave as one the capture has one, and the counter all.
  const serve = await bench.serving('serve', ...services, '--json', '--no-offload', '-w', capture);
  for (const text of ['one', 'second']) {
    const echoed = await bench.run('sh', '--', 'sh', '-c', `printf ${text} | nc -N ${STACK} 7`);
    assert.equal(echoed.stdout, text);
  }
  const page = await bench.run('sh', '--', 'curl', '-sS', `http://${STACK}/command-json.test.js`);
  const size = readFileSync(fileURLToPath(import.meta.url)).length;
  assert.equal(page.bytes, size);
  // A connection that only the end of the run ends.
  const reader = bench.start('sh', '--', process.execPath, PEER, 'reader', STACK, '9');
  await until('the last connection stands', () => serve.stderr().includes('c4   CONN   established'));
  assert.equal(serve.stdout(), '', 'nothing before the end');
  serve.child.kill('SIGTERM');
  const { status, stdout } = await serve.ended;
  await reader.ended;
  assert.equal(status, 143);

  const document = JSON.parse(stdout) as ServedDocument;
  assert.deepEqual(
    [document.verb, document.link, document.addresses, document.ended],
    ['serve', 'tun:lab0', [`${STACK}/24`], 'SIGTERM'],
  );
  const on = (port: number) => document.services.find((one) => one.port === port)!;
  assert.deepEqual(on(7), { service: 'echo', port: 7, connections: 2, bytesIn: 9, bytesOut: 9 });
  assert.deepEqual(on(9), { service: 'discard', port: 9, connections: 1, bytesIn: 0, bytesOut: 0 });
  assert.deepEqual([on(80).service, on(80).connections], ['http', 1]);
  assert.ok(on(80).bytesOut > size && on(80).bytesOut < size + 1000, 'the file and the head of the response');
  assert.equal(document.connections, 4);
  assert.equal(document.bytesOut, 9 + on(80).bytesOut);
  const { sent } = await assertJudged(capture, { allow: { rst: [1, 2] } });
  const { tcp } = document.counters;
  assert.deepEqual([tcp.passiveOpens, tcp.currEstab, tcp.outSegs], [4, 0, sent.size]);
});

interface FetchedDocument {
  verb: string;
  url: string;
  status: number;
  headers: Record<string, string>;
  bytes: number;
  sha256: string;
  connection: { local: string; remote: string; bytesIn: number; bytesOut: number; retransmissions: number };
  tcpInfo: TcpInfo;
}

test('get --json: the response without its body, which -o still writes; nothing when it fails', {
  skip,
}, async (t) => {
  const bench = new Bench(Lab.open(t));
  await bench.up();
  // Not by `sh`: the lab ends what it started itself, and this server has no end of its own.
  const inside = ['nsenter', `--net=/run/netns/${bench.netns}`, '--'];
  const server = bench.lab.startOutside([...inside, process.execPath, PEER, 'http', KERNEL, '8000']);
  await until('the server listens', () => server.stdout() !== '');
  const size = 3_000_000;
  const capture = bench.lab.file('get.pcapng');
  const body = bench.lab.file('body');
  const url = `http://${KERNEL}:8000/bytes/81/${size}`;
  const plain = await bench.run('get', url);
  assert.deepEqual([plain.status, plain.bytes, plain.sum], [0, size, patternSum(81, size)], plain.stderr);
  const got = await bench.run('get', url, '--cc', 'reno', '--json', '-o', body, '-w', capture);
  assert.equal(got.status, 0, got.stderr);
  const document = JSON.parse(got.stdout) as FetchedDocument;
  assert.deepEqual(
    [document.verb, document.url, document.status, document.bytes, document.sha256],
    ['get', url, 200, size, patternSum(81, size)],
  );
  assert.equal(document.headers['content-length'], String(size));
  const { connection } = document;
  assert.equal(connection.remote, `${KERNEL}:8000`);
  assert.ok(connection.local.startsWith(`${STACK}:`));
  assert.ok(connection.bytesIn > size && connection.bytesOut > 0);
  assert.equal(connection.retransmissions, 0);
  const { tcpInfo } = document;
  assert.deepEqual([tcpInfo.bytesReceived, tcpInfo.bytesAcked], [connection.bytesIn, connection.bytesOut]);
  assert.deepEqual([tcpInfo.congestion, tcpInfo.limitedBy, tcpInfo.totalRetrans], ['newreno', 'finished', 0]);
  assert.equal(readFileSync(body).length, size);
  await assertJudged(capture, { allow: FLOW_CONTROL, minFrames: size / 65_535 });

  const refused = await bench.run('get', `http://${KERNEL}:81/`, '--json');
  assert.deepEqual([refused.status, refused.stdout], [4, '']);
  assert.equal((await bench.run('down')).status, 0);
  bench.assertClean();
});

test('-w -: the capture goes to stdout as it grows, and nothing else does', { skip }, async (t) => {
  const bench = new Bench(Lab.open(t));
  const serve = await bench.serving('echo', '-w', '-');
  const echoed = await bench.run('sh', '--', 'sh', '-c', `echo seen | nc -N ${STACK} 7`);
  assert.equal(echoed.stdout, 'seen\n');
  await until('the payload is in the capture', () => serve.stdout().includes('seen\n'));
  serve.child.kill('SIGINT');
  const { stdout } = await serve.ended;
  const file = bench.lab.file('stdout.pcapng');
  writeFileSync(file, stdout, 'latin1');
  await assertJudged(file, { minFrames: 7 });
});
