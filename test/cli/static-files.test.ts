// The static file handler over loopback: listings, ranges, and nothing outside of its folder.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileHandler } from '../../src/cli/static-files.js';

const folder = mkdtempSync(join(tmpdir(), 'synwave-files-'));
const root = join(folder, 'root');
const server = createServer(fileHandler({ root, closeAfterResponse: true }));

before(async () => {
  mkdirSync(join(root, 'sub dir'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(root, 'a.txt'), '0123456789');
  writeFileSync(join(root, 'empty.bin'), '');
  writeFileSync(join(root, 'sub dir', '<b>&.html'), '<p>');
  symlinkSync(join(folder, 'secret.txt'), join(root, 'leak'));
  symlinkSync(join(root, 'a.txt'), join(root, 'inside'));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
});

after(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The path goes out as it is: no client tidies `..` away. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body, headers: response.headers }));
    })
      .on('error', reject)
      .end();
  });
}

test('files: content, type, length; HEAD without a body', async () => {
  const got = await ask('/a.txt?x=1');
  assert.deepEqual([got.status, got.body], [200, '0123456789']);
  assert.match(String(got.headers['content-type']), /^text\/plain/);
  const head = await ask('/a.txt', {}, 'HEAD');
  assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '10']);
  assert.deepEqual([(await ask('/empty.bin')).status, (await ask('/empty.bin')).body], [200, '']);
  assert.equal((await ask('/inside')).body, '0123456789');
});

test('files: an unchanged file is not sent again', async () => {
  const first = await ask('/a.txt');
  const again = await ask('/a.txt', { 'If-Modified-Since': String(first.headers['last-modified']) });
  assert.deepEqual([again.status, again.body], [304, '']);
});

test('RFC9110 §14.2: ranges', async () => {
  const ranges: [string, number, string][] = [
    ['bytes=2-4', 206, '234'],
    ['bytes=7-', 206, '789'],
    ['bytes=-3', 206, '789'],
    ['bytes=0-99', 206, '0123456789'],
    ['bytes=5-2', 200, '0123456789'],
    ['bytes=0-1,3-4', 200, '0123456789'],
    ['lines=1-2', 200, '0123456789'],
  ];
  for (const [range, status, body] of ranges) {
    const got = await ask('/a.txt', { Range: range });
    assert.deepEqual([got.status, got.body], [status, body], range);
  }
  const beyond = await ask('/a.txt', { Range: 'bytes=10-' });
  assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */10']);
});

test('folders: a redirect to the slash, and a listing with everything escaped', async () => {
  const bare = await ask('/sub%20dir');
  assert.deepEqual([bare.status, bare.headers.location], [301, '/sub%20dir/']);
  const listing = await ask('/sub%20dir/');
  assert.equal(listing.status, 200);
  assert.match(listing.body, /href="\.\/%3Cb%3E%26\.html">&#60;b&#62;&#38;\.html</);
  assert.equal((await ask('/sub%20dir/%3Cb%3E%26.html')).body, '<p>');
});

test('a redirect never names another host', async () => {
  const got = await ask('//sub%20dir');
  assert.equal(got.headers.location, '/sub%20dir/');
});

test('nothing outside of the folder, by any spelling', async () => {
  const paths = [
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/sub%20dir/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/leak',
    '/..',
    '/../etc/../secret.txt',
  ];
  for (const path of paths) {
    const got = await ask(path);
    assert.ok([400, 404].includes(got.status), `${path}: ${got.status}`);
    assert.doesNotMatch(got.body, /^secret/, path);
  }
  assert.equal((await ask('/a%00.txt')).status, 400);
  assert.equal((await ask('/%zz')).status, 400);
  assert.equal((await ask('/none')).status, 404);
  assert.equal((await ask('/a.txt', {}, 'DELETE')).status, 405);
});
