// The command `synwave` as a process: interrupted, killed, cleaned up after; the peers of the kernel learn of its end.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { patternStream, patternSum } from './byte-pattern.js';
import { Bench, PEER } from './command-bench.js';
import { type Allowance, ANY, assertJudged, REQUEST_FRAMES } from './judge.js';
import type { PeerReport } from './kernel-peer.js';
import { KERNEL, Lab, obstacle, type Program, STACK, until } from './lab.js';

const skip = obstacle('curl', 'nc', 'ss', 'tshark');
const FLOW_CONTROL: Allowance = { window_full: ANY, window_update: ANY, zero_window: ANY };

/** Keeps a kernel client in the midst of an endless download. */
async function downloading(bench: Bench, port: number): Promise<Program> {
  const client = bench.start('sh', '--', process.execPath, PEER, 'reader', STACK, String(port));
  await until('the download runs', async () => {
    const sockets = await bench.run('sh', '--', 'ss', '-Htn', 'state', 'established', `dport = ${port}`);
    return sockets.stdout.trim() !== '';
  });
  return client;
}

test('SIGINT: exit code 130, nothing left behind, the kernel peer gets RST', { skip }, async (t) => {
  const bench = new Bench(Lab.open(t));
  const capture = bench.lab.file('interrupted.pcapng');
  const serve = await bench.serving('serve', '--chargen', '19', '-w', capture);
  assert.equal(bench.namespaceExists, true);
  assert.equal(bench.claimed.length, 1);
  const client = await downloading(bench, 19);
  serve.child.kill('SIGINT');
  assert.equal((await serve.ended).status, 130);
  bench.assertClean();
  const ended = await client.ended;
  assert.equal(ended.status, 0, `the client does not hang: ${ended.stderr}`);
  // With data still unread at the RST, libuv reports a plain end now and then; what was sent is in the capture.
  const report = JSON.parse(ended.stdout) as PeerReport;
  assert.ok(report.error === 'ECONNRESET' || report.error === null, String(report.error));
  const { findings } = await assertJudged(capture, { allow: { ...FLOW_CONTROL, rst: [1, 2] } });
  assert.ok(findings.get('rst')!.length >= 1);
});

test('SIGTERM: as SIGINT, with 143', { skip }, async (t) => {
  const bench = new Bench(Lab.open(t));
  const serve = await bench.serving('serve', '--echo', '7');
  serve.child.kill('SIGTERM');
  assert.equal((await serve.ended).status, 143);
  bench.assertClean();
});

test('SIGKILL: `clean` removes what is left, and only then; `doctor` sees it', { skip }, async (t) => {
  const bench = new Bench(Lab.open(t));
  const living = await bench.serving('serve', '--echo', '7');
  assert.match((await bench.run('clean')).stderr, /nothing to remove/);
  assert.equal(bench.namespaceExists, true, 'clean leaves what a living process claims');
  living.child.kill('SIGKILL');
  await living.ended;
  assert.equal(bench.namespaceExists, true);
  const doctor = await bench.run('doctor', '--json');
  const { checks } = JSON.parse(doctor.stdout) as {
    checks: { check: string; verdict: string; fix: string }[];
  };
  const leftovers = checks.find((finding) => finding.check === 'leftovers');
  assert.deepEqual([leftovers?.verdict, leftovers?.fix], ['warn', 'synwave clean']);
  const clean = await bench.run('clean', '--json');
  assert.deepEqual(JSON.parse(clean.stdout), { removed: [`namespace ${bench.netns}`] });
  bench.assertClean();
});

test('SIGKILL: the next run takes the namespace over, and resets the peer that still believes', {
  skip,
}, async (t) => {
  const bench = new Bench(Lab.open(t));
  const first = await bench.serving('serve', '--discard', '9');
  const gate = bench.lab.file('gate');
  // A line now; the next when the gate opens.
  const script = `mkfifo "$0"; { echo one; read _ <"$0"; while echo more; do :; done; } | nc ${STACK} 9`;
  const client = bench.start('sh', '--', 'sh', '-c', script, gate);
  await until('nc is connected', async () => {
    return (await bench.run('sh', '--', 'ss', '-Htn', 'state', 'established')).stdout.trim() !== '';
  });
  first.child.kill('SIGKILL');
  await first.ended;
  const capture = bench.lab.file('second.pcapng');
  const second = await bench.serving('serve', '--discard', '9', '-w', capture);
  await bench.lab.startOutside(['sh', '-c', 'echo go >"$0"', gate]).ended;
  // RFC9293 §3.5.1: the half-open connection is discovered by the first segment, and reset.
  await client.ended;
  assert.equal((await bench.run('sh', '--', 'ss', '-Htn', 'state', 'established')).stdout.trim(), '');
  second.child.kill('SIGINT');
  await second.ended;
  bench.assertClean();
  // nc may have sent several segments before it heard of the first RST; each gets its own.
  const { findings, sent } = await assertJudged(capture, { allow: { rst: ANY }, minFrames: 2 });
  assert.deepEqual(findings.get('rst'), [...sent], 'the second stack sends nothing but RST');
});

test('two stacks in one namespace: the last one removes it', { skip }, async (t) => {
  const bench = new Bench(Lab.open(t));
  const capture = bench.lab.file('second.pcapng');
  const first = await bench.serving('serve', '--echo', '7');
  const second = await bench.serving('echo', '--link', 'tun:lab1', '--addr', '10.9.1.2/24', '-w', capture);
  const busy = await bench.run('echo');
  assert.equal(busy.status, 3);
  assert.match(busy.stderr, /already open in another process/);
  first.child.kill('SIGINT');
  await first.ended;
  assert.equal(bench.namespaceExists, true);
  const echoed = await bench.run('sh', '--', 'sh', '-c', 'echo still here | nc -N 10.9.1.2 7');
  assert.equal(echoed.stdout, 'still here\n');
  second.child.kill('SIGINT');
  await second.ended;
  bench.assertClean();
  await assertJudged(capture, { minFrames: 7 });
});

test('up, http, get, connect, listen, down', { skip }, async (t) => {
  const bench = new Bench(Lab.open(t));
  const { lab } = bench;
  const captures = ['connect', 'listen', 'http'].map((verb) => lab.file(`${verb}.pcapng`));
  await bench.up();
  const device = await bench.run('sh', '--', 'ip', 'link', 'show', 'dev', 'lab0');
  assert.match(device.stdout, / qlen 10000\b/, 'the queue holds the window of a fast sender');
  assert.equal((await bench.run('up')).status, 3);
  const size = 3_000_000;
  const peer = bench.start('sh', '--', process.execPath, PEER, 'server', KERNEL, '4000', String(size), '41');
  await until('the peer listens', () => peer.stdout() !== '');
  const connect = await lab.startOutside(
    bench.words(['connect', KERNEL, '4000', '-N', '-w', '20', '--msl', '100ms', '--capture', captures[0]!]),
    patternStream(42, size),
  ).ended;
  assert.deepEqual(
    [connect.status, connect.bytes, connect.sum],
    [0, size, patternSum(41, size)],
    connect.stderr,
  );
  const said = (await peer.ended).stdout.split('\n');
  assert.deepEqual(JSON.parse(said[1]!), { bytes: size, sum: patternSum(42, size), error: null });

  const listen = lab.startOutside(
    bench.words(['listen', '5000', '-N', '--msl', '100ms', '--capture', captures[1]!]),
    patternStream(43, size),
  );
  await until('it listens', () => /listening on/.test(listen.stderr()));
  const client = await bench.run(
    'sh',
    '--',
    process.execPath,
    PEER,
    'client',
    STACK,
    '5000',
    String(size),
    '44',
  );
  assert.deepEqual(JSON.parse(client.stdout), { bytes: size, sum: patternSum(43, size), error: null });
  const heard = await listen.ended;
  assert.deepEqual([heard.status, heard.bytes, heard.sum], [0, size, patternSum(44, size)], heard.stderr);

  const refused = await bench.run('get', `http://${KERNEL}:81/`);
  assert.equal(refused.status, 4);
  assert.match(refused.stderr, /ECONNREFUSED/);

  const folder = new URL('.', import.meta.url).pathname;
  const http = await bench.serving('http', '--first-close', 'server', folder, '-w', captures[2]!);
  const page = await bench.run('sh', '--', 'curl', '-sS', `http://${STACK}/command.test.js`);
  assert.equal(page.stdout, readFileSync(fileURLToPath(import.meta.url), 'latin1'));
  http.child.kill('SIGINT');
  await http.ended;
  assert.equal(bench.namespaceExists, true, '`up` outlives the verbs');
  assert.equal((await bench.run('down')).status, 0);
  bench.assertClean();
  for (const capture of captures)
    await assertJudged(capture, { allow: FLOW_CONTROL, minFrames: REQUEST_FRAMES });
});

test('without the right to make devices, a user namespace is entered', { skip }, async (t) => {
  const bench = new Bench(Lab.open(t));
  const drop = ['setpriv', '--inh-caps=-net_admin,-sys_admin', '--bounding-set=-net_admin,-sys_admin'];
  const capture = bench.lab.file('inside.pcapng');
  const serve = bench.lab.startOutside([...drop, ...bench.words(['serve', '--echo', '7', '-w', capture])]);
  await until(
    'it serves, or not',
    () => /in another terminal/.test(serve.stderr()) || serve.child.exitCode !== null,
  );
  if (serve.child.exitCode !== null) {
    assert.match(serve.stderr(), /no user namespace either/);
    t.skip('this machine allows no user namespaces');
    return;
  }
  assert.equal(bench.namespaceExists, false, 'the name exists only inside');
  const echoed = await bench.run('sh', '--', 'sh', '-c', `echo inside | nc -N ${STACK} 7`);
  assert.equal(echoed.stdout, 'inside\n', echoed.stderr);
  serve.child.kill('SIGINT');
  assert.equal((await serve.ended).status, 130);
  bench.assertClean();
  await assertJudged(capture, { minFrames: 7 });
});
