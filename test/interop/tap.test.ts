// The live capture of a running stack: to a file, over TCP and by extcap; and Wireshark's profile.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Bench } from './command-bench.js';
import { Lab, obstacle, STACK, until } from './lab.js';

const skip = obstacle('curl', 'tshark', 'mkfifo');
const EXTCAP = fileURLToPath(new URL('../../src/cli/extcap.js', import.meta.url));

function tshark(file: string, ...words: string[]): string[] {
  const output = execFileSync('tshark', ['-r', file, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return output.split('\n').filter((line) => line !== '');
}

function fetchOnce(bench: Bench) {
  return bench.run('sh', '--', 'curl', '-s', '-o', '/dev/null', `http://${STACK}/`);
}

/** A folder to be served, and a stack that serves it. */
async function serving(lab: Lab): Promise<Bench> {
  const bench = new Bench(lab);
  mkdirSync(lab.file('site'));
  await bench.serving('http', lab.file('site'));
  return bench;
}

test('to a file: from now on, with the states as comments, until interrupted; who comes later gets a capture, too', {
  skip,
}, async (t) => {
  const lab = Lab.open(t);
  const bench = await serving(lab);
  await fetchOnce(bench);
  const file = lab.file('tap.pcapng');
  const tap = bench.start('tap', '-w', file);
  await until('it captures', () => readHead(file) > 100);
  await fetchOnce(bench);
  await until(
    'all of it is there',
    () => tshark(file, '-Y', 'frame.comment contains "LAST-ACK -> CLOSED"').length === 1,
  );
  tap.child.kill('SIGINT');
  assert.equal((await tap.ended).status, 130);
  const opened = tshark(
    file,
    '-Y',
    'tcp.flags.syn==1 && tcp.flags.ack==0',
    '-T',
    'fields',
    '-e',
    'frame.comment',
  );
  assert.equal(opened.length, 1, 'what had been before is not in it');
  assert.match(opened[0]!, /LISTEN -> SYN-RECEIVED/);
});

function readHead(file: string): number {
  try {
    return readFileSync(file).length;
  } catch {
    return 0;
  }
}

test('over TCP, as wireshark -i TCP@… reads it; it ends with the stack', { skip }, async (t) => {
  const lab = Lab.open(t);
  const bench = new Bench(lab);
  mkdirSync(lab.file('site'));
  const http = await bench.serving('http', lab.file('site'));
  const tap = bench.start('tap', '--listen', '127.0.0.1:0');
  await until('it listens', () => /TCP@127\.0\.0\.1:\d+/.test(tap.stderr()));
  const port = Number(/TCP@127\.0\.0\.1:(\d+)/.exec(tap.stderr())![1]);
  const chunks: Buffer[] = [];
  const reader = connect(port, '127.0.0.1').on('data', (chunk) => chunks.push(chunk));
  await until('the header is there', () => chunks.length > 0);
  await fetchOnce(bench);
  await until('the end of the connection is there', () =>
    Buffer.concat(chunks).includes('LAST-ACK -> CLOSED'),
  );
  http.child.kill('SIGINT');
  await http.ended;
  assert.equal((await tap.ended).status, 0, tap.stderr());
  reader.destroy();
  assert.equal(Buffer.concat(chunks).readUInt32LE(0), 0x0a0d0d0a);
  bench.assertClean();
});

test('by extcap: interfaces, link type, capture into a pipe', { skip }, async (t) => {
  const lab = Lab.open(t);
  const bench = await serving(lab);
  const extcap = (...words: string[]) =>
    lab.startOutside(['env', `SYNWAVE_RUNTIME_DIR=${bench.claims}`, process.execPath, EXTCAP, ...words]);
  const listed = await extcap('--extcap-interfaces', '--extcap-version=4.0').ended;
  const name = /interface \{value=(synwave-\d+)\}\{display=synwave http on lab0 in [\w-]+\}/.exec(
    listed.stdout,
  )?.[1];
  assert.ok(name !== undefined, listed.stdout);
  const types = await extcap('--extcap-dlts', '--extcap-interface', name).ended;
  assert.match(types.stdout, /dlt \{number=101\}\{name=RAW\}/);
  const fifo = lab.file('fifo');
  execFileSync('mkfifo', [fifo]);
  const reader = lab.startOutside(['tshark', '-i', fifo, '-c', '4', '-T', 'fields', '-e', 'tcp.flags.str']);
  const capture = extcap('--capture', '--extcap-interface', name, '--fifo', fifo);
  await until('tshark captures', () => /Capturing/.test(reader.stderr()));
  await until('it has seen a connection', async () => {
    await fetchOnce(bench);
    return reader.child.exitCode !== null;
  });
  assert.match((await reader.ended).stdout, /S/);
  capture.child.kill('SIGTERM');
  await capture.ended;
  assert.equal((await extcap('--extcap-dlts', '--extcap-interface', 'synwave-1').ended).status, 1);
});

test('the profile: its columns are shown by tshark, its filters are accepted', { skip }, async (t) => {
  const lab = Lab.open(t);
  const bench = await serving(lab);
  const home = ['env', `HOME=${lab.folder}`, `XDG_CONFIG_HOME=${join(lab.folder, '.config')}`];
  const file = lab.file('profile.pcapng');
  const tap = bench.start('tap', '-w', file);
  await until('it captures', () => readHead(file) > 100);
  await fetchOnce(bench);
  await until(
    'all of it is there',
    () => tshark(file, '-Y', 'frame.comment contains "LAST-ACK -> CLOSED"').length === 1,
  );
  tap.child.kill('SIGINT');
  await tap.ended;
  const installed = await lab.startOutside([
    ...home,
    ...bench.words(['tap', '--profile-install', '--extcap-install']),
  ]).ended;
  assert.equal(installed.status, 0, installed.stderr);
  assert.match(installed.stderr, /profiles\/synwave.*wireshark -C synwave[\s\S]*synwave-extcap/);
  const shown = await lab.startOutside([...home, 'tshark', '-C', 'synwave', '-r', file]).ended;
  assert.match(shown.stdout, /LISTEN -> SYN-RECEIVED/, shown.stderr);
  const filters = readFileSync(`${/^(\S+): use it/m.exec(installed.stderr)![1]!}/colorfilters`, 'utf8');
  for (const [, filter] of filters.matchAll(/^@[^@]+@([^@]+)@/gm)) {
    assert.doesNotThrow(() => tshark(file, '-Y', filter!), filter);
  }
});

test('without a stack, or with a place that is not here, it says what to do', { skip }, async (t) => {
  const bench = new Bench(Lab.open(t));
  const none = await bench.run('tap', '-w', '-');
  assert.deepEqual([none.status, /synwave http/.test(none.stderr)], [3, true]);
  const away = await bench.run('tap', '--listen', '192.0.2.1:19000', '--pid', '1');
  assert.notEqual(away.status, 0);
});
