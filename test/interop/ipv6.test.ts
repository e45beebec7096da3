// IPv6 against the kernel, and what belongs to IP in both families: fragments, and a router with a narrow link behind it.
import assert from 'node:assert/strict';
import { createServer as createHttpServer, type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { patternStream, patternSum, sumOf } from './byte-pattern.js';
import { type Allowance, ANY, assertJudged } from './judge.js';
import type { PeerReport } from './kernel-peer.js';
import { fewestPackets, KERNEL_V6, Lab, obstacle, STACK, STACK_V6, type TestStack, until } from './lab.js';
import { FarHost } from './narrow-path.js';
import { servePattern } from './pattern-http.js';

const skip = obstacle('curl', 'ping', 'tshark');
const SIZE = 1_000_000;

/** Windows open and close with the reader's pace; nothing may get lost or be sent twice. */
const FLOW_CONTROL: Allowance = { window_full: ANY, window_update: ANY, zero_window: ANY };

const FAMILIES = [
  ['IPv4', STACK, 40, 1300],
  ['IPv6', STACK_V6, 60, 1280],
] as const;

async function ping(lab: Lab, address: string, size: number): Promise<void> {
  const argv = ['ping', '-c', '3', '-i', '0.2', '-W', '5', '-p', 'c3', '-s', String(size), address];
  const { status, stdout, stderr } = await lab.run(argv);
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /3 packets transmitted, 3 received, 0% packet loss/);
  assert.doesNotMatch(stdout, /wrong data byte/);
}

/** Serves patterns over HTTP on a free port. */
async function serve(stack: TestStack): Promise<number> {
  const http = createHttpServer(servePattern);
  const server = stack.net.createServer(
    { allowHalfOpen: true },
    (socket) => void http.emit('connection', socket),
  );
  return stack.listen(server);
}

test('IPv6: curl loads a page, and 1 MB down and up, from our server', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ capture: 'curl6.pcapng' });
  await ping(lab, STACK_V6, 56);
  const url = `http://[${STACK_V6}]:${await serve(stack)}`;
  const page = await lab.run(['curl', '-gsS', '--max-time', '20', `${url}/page`]);
  assert.equal(page.stdout, 'a page from user space\n', page.stderr);
  const got = await lab.run(['curl', '-gsS', `${url}/bytes/61/${SIZE}`]);
  assert.deepEqual([got.status, got.bytes, got.sum], [0, SIZE, patternSum(61, SIZE)], got.stderr);
  const answer = await lab.run(['curl', '-gsS', '-T', '-', `${url}/upload`], patternStream(62, SIZE));
  assert.deepEqual(JSON.parse(answer.stdout), { bytes: SIZE, sum: patternSum(62, SIZE) }, answer.stderr);
  await stack.settled();
  await stack.close();
  await assertJudged(stack.capture!, { allow: FLOW_CONTROL, minFrames: fewestPackets(2 * SIZE, 1440) });
});

test('IPv6: our client loads 1 MB from node:http of the kernel, and sends it back', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ capture: 'client6.pcapng' });
  const server = lab.peer('http', KERNEL_V6, '0');
  await until('the server listens', () => server.stdout().includes('\n'));
  const { port } = JSON.parse(server.stdout()) as { port: number };
  const ask = (method: string, path: string, body: Readable | null) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const createConnection = () => stack.net.connect({ host: KERNEL_V6, port });
      const outgoing = request({ method, path, host: KERNEL_V6, port, createConnection });
      outgoing.once('response', resolve).once('error', reject);
      if (body === null) outgoing.end();
      else body.pipe(outgoing);
    });
  const got = await sumOf(await ask('GET', `/bytes/63/${SIZE}`, null));
  assert.deepEqual(got, { bytes: SIZE, sum: patternSum(63, SIZE) });
  let text = '';
  for await (const chunk of await ask('PUT', '/upload', patternStream(64, SIZE))) text += chunk;
  assert.deepEqual(JSON.parse(text), { bytes: SIZE, sum: patternSum(64, SIZE) });
  await stack.settled();
  await stack.close();
  await assertJudged(stack.capture!, { allow: FLOW_CONTROL, minFrames: fewestPackets(2 * SIZE, 1440) });
});

for (const [family, address] of FAMILIES) {
  test(`fragments: the stack answers pings longer than the link over ${family}`, { skip }, async (t) => {
    const lab = Lab.open(t);
    const stack = await lab.stack({ capture: 'fragments.pcapng' });
    await ping(lab, address, 4000);
    await ping(lab, address, 20_000);
    const { ip } = stack.stack.stats;
    assert.deepEqual([ip.reasmOks, ip.reasmFails, ip.outFragOks], [6, 0, 6]);
    assert.deepEqual([ip.reasmReqds, ip.outFragCreates], [3 * (3 + 14), 3 * (3 + 14)]);
    await stack.close();
    await assertJudged(stack.capture!, { minFrames: 2 * ip.reasmReqds });
  });
}

test('IPv4: 1 MB arrives in segments that a router has cut to pieces', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ capture: 'pieces.pcapng' });
  const host = FarHost.open(t, lab, 1500);
  const noDf = ['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_no_pmtu_disc'];
  assert.equal((await host.start(noDf).ended).status, 0);
  // The stack goes on to offer an MSS of 1460, but the last link on the way to it takes less.
  assert.equal((await lab.run(['ip', 'link', 'set', 'lab0', 'mtu', '600'])).status, 0);
  const heard = new Promise<unknown>((resolve) => {
    const server = stack.net.createServer({ allowHalfOpen: true }, async (socket) => {
      resolve(await sumOf(socket));
      socket.end();
    });
    void stack.listen(server, 5000);
  });
  const sender = await host.peer('client', STACK, '5000', String(SIZE), '67').ended;
  assert.equal((JSON.parse(sender.stdout) as PeerReport).error, null, sender.stderr);
  assert.deepEqual(await heard, { bytes: SIZE, sum: patternSum(67, SIZE) });
  const { reasmOks, reasmFails } = stack.stack.stats.ip;
  assert.ok(reasmOks > SIZE / 1460 - 1, `${reasmOks} segments came in pieces`);
  assert.equal(reasmFails, 0);
  await stack.settled();
  await stack.close();
  await assertJudged(stack.capture!, { allow: FLOW_CONTROL, minFrames: (3 * SIZE) / 1460 });
});

/** What a narrow path explains: the segments that did not fit never reached the peer, and are sent again. */
const TOO_BIG: Allowance = { ...FLOW_CONTROL, retransmission: ANY, out_of_order: ANY };

for (const [family, address, headers, mtu] of FAMILIES) {
  test(`${family}: behind a router with a link of ${mtu} octets 1 MB of ours arrives`, {
    skip,
  }, async (t) => {
    const lab = Lab.open(t);
    const stack = await lab.stack({ capture: 'narrow.pcapng' });
    const host = FarHost.open(t, lab, mtu);
    const pathMss: number[] = [];
    const server = stack.net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.resume();
      patternStream(65, SIZE).pipe(socket);
      const { remotePort } = socket;
      const endpoint = [...stack.stack.connections()].find(({ tuple }) => tuple.remotePort === remotePort);
      socket.once('close', () => pathMss.push(endpoint!.connection.pathMss));
    });
    const port = await stack.listen(server);
    const load = async () => {
      const reader = await host.peer('client', address, String(port)).ended;
      const report = JSON.parse(reader.stdout) as PeerReport;
      assert.deepEqual(report, { bytes: SIZE, sum: patternSum(65, SIZE), error: null }, reader.stderr);
    };
    await load();
    await until('our end has closed', () => pathMss.length > 0);
    const { ip, icmp, tcp } = stack.stack.stats;
    assert.equal(ip.pathMtuLowered, 1);
    assert.ok(icmp.inErrorsMatched >= 1 && tcp.retransSegs >= 1);
    assert.deepEqual(pathMss, [mtu - headers]);
    const [errors, resent] = [icmp.inMsgs, tcp.retransSegs];
    await load();
    assert.deepEqual(
      [icmp.inMsgs, tcp.retransSegs],
      [errors, resent],
      'the next one knows from the beginning',
    );
    const argv = ['ping', '-c', '2', '-i', '0.2', '-W', '5', '-s', '4000', '-p', 'c3', address];
    const large = await host.start(argv).ended;
    assert.match(large.stdout, /2 packets transmitted, 2 received, 0% packet loss/, large.stderr);
    assert.doesNotMatch(large.stdout, /wrong data byte/);
    await stack.settled();
    await stack.close();
    await assertJudged(stack.capture!, { allow: TOO_BIG, minFrames: fewestPackets(2 * SIZE, mtu) });
  });
}

test('IPv4: a link too narrow to be believed gets packets that its router may cut', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ capture: 'narrower.pcapng' });
  const host = FarHost.open(t, lab, 400);
  const server = stack.net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume();
    patternStream(66, SIZE).pipe(socket);
  });
  const port = await stack.listen(server);
  const reader = await host.peer('client', STACK, String(port)).ended;
  const report = JSON.parse(reader.stdout) as PeerReport;
  assert.deepEqual(report, { bytes: SIZE, sum: patternSum(66, SIZE), error: null }, reader.stderr);
  const { inMsgs } = stack.stack.stats.icmp;
  assert.ok(inMsgs > 0 && inMsgs < 20, `${inMsgs} errors: those about the first window, and no more`);
  await stack.settled();
  await stack.close();
  await assertJudged(stack.capture!, { allow: TOO_BIG, minFrames: fewestPackets(SIZE, 512) });
});
