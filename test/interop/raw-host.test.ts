// Raw sockets on an address that the kernel has as well: the kernel stays silent on the stack's ports and answers on all
// others, and nothing of the guard is left afterwards, however the run ended.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { rawLink } from '../../src/link/raw.js';
import { deliveryCommand } from '../../src/link/raw-address.js';
import { IpAddress } from '../../src/wire/address.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { ACK } from '../../src/wire/segment.js';
import { patternStream, patternSum, sumOf } from './byte-pattern.js';
import { PEER } from './command-bench.js';
import { assertJudged, REQUEST_FRAMES } from './judge.js';
import { KERNEL, Lab, obstacle, type Program, STACK, STACK_V6, type TestStack, until } from './lab.js';
import { HOST_DEVICE, KERNEL_DEVICE, NeighbourHost } from './neighbour-host.js';

const skip = obstacle('curl', 'nc', 'nft', 'ping', 'tshark');
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const HOLDER = fileURLToPath(new URL('./raw-holder.js', import.meta.url));
const CONNECTIONS = 500;
const ECHO_PORT = 7;
const HTTP_PORT = 80;
const SIZE = 5_000_000;

/** Rules of the host's own, of which none may change. */
const FIREWALL = `
table ip filter {
  chain input { type filter hook input priority filter; policy accept
    tcp dport 4444 accept
  }
}
table inet other { set ports { type inet_service; elements = { 22, 443 }
  }
}`;

function withFirewall(t: TestContext, lab: Lab): { host: NeighbourHost; before: string } {
  const host = NeighbourHost.open(t, lab, { ownsAddresses: true });
  const script = lab.file('rules.nft');
  writeFileSync(script, FIREWALL);
  host.run('nft', '-f', script);
  return { host, before: host.ruleset() };
}

/** Counts, on the kernel's side of the cable, the RSTs that come from the host. */
async function countResets(lab: Lab): Promise<() => Promise<number>> {
  const rule = 'tcp flags & rst == rst counter';
  const chain = 'chain input { type filter hook prerouting priority -300; policy accept';
  const made = await lab.run(['nft', '-f', '-'], `table inet watch {\n ${chain}\n ${rule}\n }\n}\n`);
  assert.equal(made.status, 0, made.stderr);
  return async () => {
    const listed = await lab.run(['nft', 'list', 'table', 'inet', 'watch']);
    return Number(/counter packets (\d+)/.exec(listed.stdout)?.[1]);
  };
}

async function serve(stack: TestStack): Promise<void> {
  const http = createHttpServer((_request, response) => {
    response.setHeader('Connection', 'close');
    response.end('ok\n');
  });
  const accept = (socket: unknown) => void http.emit('connection', socket);
  await stack.listen(stack.net.createServer({ allowHalfOpen: true }, accept), HTTP_PORT);
}

test(`${CONNECTIONS} connections on the host’s own address without one RST, beside other programs`, {
  skip,
}, async (t) => {
  const lab = Lab.open(t);
  const { host, before } = withFirewall(t, lab);
  const resets = await countResets(lab);
  const stack = await lab.stack({ capture: 'own.pcapng', over: () => host.raw(HTTP_PORT) });
  await serve(stack);
  assert.notEqual(host.ruleset(), before, 'the guard is there');

  const others = host.start([process.execPath, PEER, 'server', STACK, '0', String(SIZE), '31']);
  await until('the other program listens', () => others.stdout().includes('\n'));
  const { port } = JSON.parse(others.stdout()) as { port: number };
  const exchange = lab.peer('client', STACK, String(port), String(SIZE), '32');
  const range = `http://${STACK}/[1-${CONNECTIONS / 2}]`;
  const sequential = await lab.run(['curl', '-sS', range]);
  assert.equal(sequential.stdout, 'ok\n'.repeat(CONNECTIONS / 2), sequential.stderr);
  const atOnce = ['--parallel', '--parallel-immediate', '--parallel-max', '50'];
  const parallel = await lab.run(['curl', '-sS', ...atOnce, `http://[${STACK_V6}]/[1-${CONNECTIONS / 2}]`]);
  assert.equal(parallel.stdout, 'ok\n'.repeat(CONNECTIONS / 2), parallel.stderr);
  assert.equal(await resets(), 0);

  const ended = await exchange.ended;
  assert.deepEqual(JSON.parse(ended.stdout), { bytes: SIZE, sum: patternSum(31, SIZE), error: null });
  const told = (await others.ended).stdout.split('\n')[1]!;
  assert.deepEqual(JSON.parse(told), { bytes: SIZE, sum: patternSum(32, SIZE), error: null });
  const refused = await lab.run(['nc', '-v', '-w', '5', STACK, '4444']);
  assert.match(refused.stderr, /refused/, 'on other ports the kernel answers as ever');
  assert.equal(await resets(), 1);

  await stack.settled();
  await stack.close();
  assert.equal(host.ruleset(), before);
  await assertJudged(stack.capture!, { minFrames: REQUEST_FRAMES * CONNECTIONS });
});

test('without the guard the kernel resets what the stack accepts', { skip }, async (t) => {
  const lab = Lab.open(t);
  const { host, before } = withFirewall(t, lab);
  const resets = await countResets(lab);
  const over = async () => {
    const link = await rawLink({ address: STACK, ports: [HTTP_PORT], netns: host.netns, guard: false });
    assert.equal(link.guardTable, null);
    return { link, addresses: link.addresses };
  };
  const stack = await lab.stack({ over });
  await serve(stack);
  assert.equal(host.ruleset(), before);
  const failed = await lab.run(['curl', '-sS', '--max-time', '20', `http://${STACK}/`]);
  assert.notEqual(failed.status, 0);
  assert.ok((await resets()) > 0);
});

test('an address that the kernel only delivers needs no guard, and pings are answered once', {
  skip,
}, async (t) => {
  const lab = Lab.open(t);
  const host = NeighbourHost.open(t, lab, { ownsAddresses: true });
  const resets = await countResets(lab);
  const unowned = ['10.9.0.77', 'fd00:9::77'] as const;
  // Pings over IPv6 the kernel answers in any case; so that it does from the address that was pinged.
  assert.ok(lab.knob('net.ipv6.anycast_src_echo_reply', '1', host.netns));
  const [{ address: mac }] = JSON.parse(host.run('ip', '-j', 'link', 'show', HOST_DEVICE)) as [
    { address: string },
  ];
  for (const text of unowned) {
    host.run(...deliveryCommand(IpAddress.parse(text)!, HOST_DEVICE).split(' '));
    await lab.run(['ip', 'neigh', 'add', text, 'lladdr', mac, 'dev', KERNEL_DEVICE]);
  }
  const over = async () => {
    const link = await rawLink({ address: unowned, ports: [HTTP_PORT], netns: host.netns });
    assert.equal(link.guardTable, null);
    return { link, addresses: link.addresses };
  };
  const stack = await lab.stack({ over, capture: 'unowned.pcapng' });
  await serve(stack);
  assert.equal(host.ruleset(), '');
  for (const text of unowned) {
    const host = text.includes(':') ? `[${text}]` : text;
    const page = await lab.run(['curl', '-gsS', '--max-time', '20', `http://${host}/`]);
    assert.equal(page.stdout, 'ok\n', page.stderr);
    const pinged = await lab.run(['ping', '-c', '3', '-i', '0.2', '-W', '5', text]);
    assert.match(pinged.stdout, /3 received, 0% packet loss/);
  }
  assert.equal(await resets(), 0);
  await stack.settled();
  await stack.close();
  await assertJudged(stack.capture!, { minFrames: 2 * REQUEST_FRAMES + 6 });
});

test('what cannot work is refused, with the remedy', { skip }, async (t) => {
  const lab = Lab.open(t);
  const { host, before } = withFirewall(t, lab);
  const netns = host.netns;
  const open = (options: object) => rawLink({ address: STACK, netns, ...options });
  await assert.rejects(open({ address: '10.9.0.99' }), {
    code: 'ERR_SYNWAVE_RAW_ADDRESS',
    message: /not an address of this host.*ip route add broadcast 10\.9\.0\.99 dev eth0 table local/,
  });
  await assert.rejects(open({ address: 'localhost' }), { code: 'ERR_SYNWAVE_RAW_ADDRESS' });
  await assert.rejects(open({ address: [] }), { code: 'ERR_SYNWAVE_RAW_ADDRESS' });
  await assert.rejects(open({ ports: ['80-'] }), { code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(open({ mtu: 10 }), { code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(open({ netns: 'no-such-namespace' }), { code: 'ENOENT' });
  const server = host.start([process.execPath, PEER, 'echo', STACK, '4000']);
  await until('the kernel listens', () => server.stdout().includes('\n'));
  await assert.rejects(open({ ports: ['3999-4001'] }), {
    code: 'ERR_SYNWAVE_RAW_PORT',
    message: /listens on TCP port 4000.*ss -tnap/,
  });
  assert.equal(host.ruleset(), before, 'a refusal leaves no rule behind');
});

test('without nft: which rule to set by hand, and nothing is opened', { skip }, async (t) => {
  const lab = Lab.open(t);
  const host = NeighbourHost.open(t, lab, { ownsAddresses: true });
  const hidden = 'mount --bind /dev/null "$(command -v nft)" && exec "$@"';
  const program = host.start([
    'unshare',
    '--mount',
    'sh',
    '-c',
    hidden,
    'sh',
    process.execPath,
    HOLDER,
    STACK,
    '7',
  ]);
  const { status, stderr } = await program.ended;
  assert.equal(status, 1);
  assert.match(stderr, /ERR_SYNWAVE_NFT_MISSING/);
  assert.match(
    stderr,
    /nft was not found.*apt-get install nftables.*iptables -I OUTPUT -s 10\.9\.0\.2 .*--sports 7,61000:\d+/,
  );
});

test('two raw links on one address keep out of each other’s way', { skip }, async (t) => {
  const lab = Lab.open(t);
  const { host, before } = withFirewall(t, lab);
  const resets = await countResets(lab);
  const first = await lab.stack({ over: () => host.raw(ECHO_PORT) });
  const second = await lab.stack({ over: () => host.raw(HTTP_PORT) });
  await assert.rejects(host.raw(HTTP_PORT), {
    code: 'ERR_SYNWAVE_RAW_PORT',
    message: new RegExp(`another raw link of this address \\(process ${process.pid}\\) has TCP ports 80`),
  });
  const server = lab.peer('echo', KERNEL, '0');
  await until('the kernel listens', () => server.stdout().includes('\n'));
  const { port } = JSON.parse(server.stdout()) as { port: number };
  const exchange = async (stack: TestStack, seed: number) => {
    const socket = stack.net.connect({ host: KERNEL, port, allowHalfOpen: true });
    patternStream(seed, 300_000).pipe(socket);
    return (await sumOf(socket)).sum;
  };
  const sums = await Promise.all([first, second, first, second].map(exchange));
  assert.deepEqual(
    sums,
    [0, 1, 2, 3].map((seed) => patternSum(seed, 300_000)),
  );
  assert.equal(await resets(), 0);
  await first.settled();
  await second.settled();
  await first.close();
  await second.close();
  assert.equal(host.ruleset(), before);
});

test('what the kernel refuses to send is counted by its code', { skip }, async (t) => {
  const lab = Lab.open(t);
  const host = NeighbourHost.open(t, lab, { ownsAddresses: true });
  const rule = `ip daddr ${KERNEL} tcp dport 9 drop`;
  host.run('nft', `table ip f { chain o { type filter hook output priority 0; ${rule}; }; }`);
  const link = await rawLink({ address: STACK, ports: [HTTP_PORT], netns: host.netns });
  t.after(() => link.close());
  const send = (to: string, destinationPort: number, bytes = 0) => {
    const ends = { source: IpAddress.parse(STACK)!, destination: IpAddress.parse(to)! };
    const ports = { sourcePort: HTTP_PORT, destinationPort };
    const packet = buildTcpPacket({ ...ends, ...ports, flags: ACK, payload: new Uint8Array(bytes) });
    assert.equal(
      link.send(link.packetIds.next(), packet, 0, packet.length, null),
      true,
      'taken, and dropped',
    );
  };
  send(KERNEL, 8, 2000);
  send(KERNEL, 9);
  send('192.0.2.1', 8);
  assert.deepEqual(
    [...link.sendErrors],
    [
      ['EMSGSIZE', 1],
      ['EPERM', 1],
      ['ENETUNREACH', 1],
    ],
  );
  assert.equal(link.stats.dropped, 3);
  send(KERNEL, 8);
  assert.equal(link.stats.packetsOut, 1);
});

async function ready(program: Program, text: RegExp): Promise<void> {
  const said = () => text.test(program.stdout() + program.stderr());
  await until('it is ready', () => said() || program.child.exitCode !== null);
  assert.equal(program.child.exitCode, null, program.stderr());
}

const ECHO_WORDS = ['echo', '7', '--link', `raw:${STACK}`];

test('SIGINT ends the command and the guard; SIGKILL leaves it to `clean`', { skip }, async (t) => {
  const lab = Lab.open(t);
  const { host, before } = withFirewall(t, lab);
  const synwave = (...words: string[]) =>
    host.start(['env', `SYNWAVE_RUNTIME_DIR=${lab.file('claims')}`, process.execPath, MAIN, ...words]);
  const interrupted = synwave(...ECHO_WORDS);
  await ready(interrupted, /from another host/);
  const echoed = await lab.run(['nc', '-N', STACK, '7'], patternStream(33, SIZE));
  assert.equal(echoed.sum, patternSum(33, SIZE), interrupted.stderr());
  interrupted.child.kill('SIGINT');
  assert.equal((await interrupted.ended).status, 130);
  assert.equal(host.ruleset(), before);

  const killed = synwave(...ECHO_WORDS);
  await ready(killed, /from another host/);
  assert.match((await synwave('clean').ended).stderr, /nothing to remove/, 'its process lives');
  killed.child.kill('SIGKILL');
  await killed.ended;
  assert.notEqual(host.ruleset(), before, 'a killed process cleans nothing up');
  const seen = await synwave('doctor', 'leftovers', '--link', `raw:${STACK}`).ended;
  assert.match(seen.stderr, /warn {2}leftovers[\s\S]*nftables table synwave_\d+/);
  assert.match((await synwave('clean').ended).stderr, /removed nftables table synwave_\d+/);
  assert.equal(host.ruleset(), before);
});

test('a program that listens for no signal still leaves no guard, and dies of the signal', {
  skip,
}, async (t) => {
  const lab = Lab.open(t);
  const { host, before } = withFirewall(t, lab);
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const program = host.start([process.execPath, HOLDER, STACK, '7']);
    await ready(program, /ready/);
    assert.notEqual(host.ruleset(), before);
    program.child.kill(signal);
    assert.equal((await program.ended).status, status);
    assert.equal(host.ruleset(), before, signal);
  }
});

test('an unmodified program on raw sockets, by its environment', { skip }, async (t) => {
  const lab = Lab.open(t);
  const { host, before } = withFirewall(t, lab);
  const register = fileURLToPath(new URL('../../src/register.js', import.meta.url));
  const program = host.start([
    'env',
    `SYNWAVE_LINK=raw:${STACK},${STACK_V6}`,
    `SYNWAVE_PORTS=${HTTP_PORT}`,
    process.execPath,
    '--import',
    register,
    PEER,
    'http',
    '0.0.0.0',
    String(HTTP_PORT),
  ]);
  await ready(program, /"port":80/);
  assert.notEqual(host.ruleset(), before);
  assert.equal(host.run('ss', '-Htln'), '', 'the kernel knows of no listener');
  const page = await lab.run(['curl', '-sS', '--max-time', '20', `http://${STACK}/page`]);
  assert.equal(page.stdout, 'a page from user space\n', page.stderr);
  program.child.kill('SIGTERM');
  await program.ended;
  assert.equal(host.ruleset(), before);
});
