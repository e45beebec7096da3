// Programs that know nothing of this stack, put onto it by `node --import synwave/register`: express and fastify serve the
// kernel's curl, drivers ask Debian's servers, and a program talks to itself.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeIdentity } from '../programs/identity.js';
import { patternStream } from './byte-pattern.js';
import { postgresqlPrograms, startNginx, startPostgresql, startRedis } from './daemons.js';
import { KERNEL, Lab, obstacle, type Program, STACK, STACK_V6, until } from './lab.js';

const REGISTER = new URL('../../src/register.js', import.meta.url).href;
const postgresql = postgresqlPrograms();
const TUN = {
  SYNWAVE_LINK: 'tun:app0',
  SYNWAVE_ADDRESS: `${STACK}/24,${STACK_V6}/64`,
  SYNWAVE_PEER: `${KERNEL}/24,fd00:9::1/64`,
};

/** Starts a program of `programs/apps` on the stack that `environment` asks for. */
function startApp(lab: Lab, environment: Record<string, string>, name: string, ...argv: string[]): Program {
  const path = fileURLToPath(new URL(`../programs/apps/${name}.js`, import.meta.url));
  const settings = Object.entries(environment).map(([variable, value]) => `${variable}=${value}`);
  return lab.start(['env', ...settings, process.execPath, '--import', REGISTER, path, ...argv]);
}

for (const name of ['express', 'fastify'] as const) {
  test(`${name}, unmodified, serves the kernel`, { skip: obstacle('curl') }, async (t) => {
    const lab = Lab.open(t);
    const app = startApp(lab, TUN, `${name}-app`, '8080');
    await until('the program listens', () => app.stdout().includes('\n') || app.child.exitCode !== null);
    assert.equal(app.stdout(), '{"address":"::","family":"IPv6","port":8080}\n', app.stderr());
    const curl = (path: string, ...argv: string[]) =>
      lab.run(['curl', '-gsS', '--max-time', '20', ...argv, `http://${STACK}:8080${path}`]);
    assert.equal((await curl('/')).stdout, `${name} is here\n`);
    const overIpv6 = await lab.run(['curl', '-gsS', `http://[${STACK_V6}]:8080/from`]);
    assert.equal(JSON.parse(overIpv6.stdout).ip, 'fd00:9::1');
    assert.equal(JSON.parse((await curl('/from')).stdout).ip, `::ffff:${KERNEL}`);
    const words = { words: Array.from({ length: 50_000 }, (_, i) => `word ${i}`) };
    const json = ['-H', 'Content-Type: application/json', '--data-binary', '@-'];
    const echo = lab.run(['curl', '-sS', ...json, `http://${STACK}:8080/echo`], JSON.stringify(words));
    assert.deepEqual(JSON.parse((await echo).stdout), { got: words });
    const numbers = await curl('/numbers/100000');
    assert.equal(numbers.stdout, Array.from({ length: 100_000 }, (_, i) => `${i}\n`).join(''));
    assert.equal((await curl('/none', '-o', '/dev/null', '-w', '%{http_code}')).stdout, '404');
    app.child.kill('SIGTERM');
    assert.equal((await app.ended).status, 0, app.stderr());
  });
}

test('drivers and fetch, unmodified, ask the kernel’s servers', {
  skip: postgresql === null ? 'postgres not found' : obstacle('redis-server', 'nginx', 'openssl'),
}, async (t) => {
  const lab = Lab.open(t);
  // The servers listen on the kernel's end of the device, which the program makes; here it is there before.
  const prepared = await lab.run(['ip', 'addr', 'add', `${KERNEL}/32`, 'dev', 'lo']);
  assert.equal(prepared.status, 0, prepared.stderr);
  const identity = makeIdentity(KERNEL);
  writeFileSync(lab.file('cert.pem'), identity.cert);
  writeFileSync(lab.file('key.pem'), identity.key, { mode: 0o600 });
  mkdirSync(lab.file('site'));
  writeFileSync(
    lab.file('site/file'),
    Buffer.concat(await patternStream(1, 700_000).toArray()).toString('base64'),
  );
  await Promise.all([
    startPostgresql(lab, postgresql!, identity),
    startRedis(lab),
    startNginx(
      lab,
      `server {
        listen ${KERNEL}:80;
        listen ${KERNEL}:443 ssl;
        ssl_certificate ${lab.file('cert.pem')};
        ssl_certificate_key ${lab.file('key.pem')};
        root ${lab.file('site')};
      }`,
    ),
  ]);
  const app = await startApp(lab, TUN, 'drivers-app', KERNEL, identity.cert).ended;
  assert.equal(app.status, 0, app.stderr);
  const size = Math.ceil(700_000 / 3) * 4;
  assert.deepEqual(JSON.parse(app.stdout), {
    redis: 'wave',
    postgresql: { sum: '500500', from: STACK },
    fetch: size,
    https: size,
  });
});

test('a program that serves and asks itself, unmodified, is unknown to the kernel', {
  skip: obstacle('openssl', 'ss'),
}, async (t) => {
  const lab = Lab.open(t);
  const identity = makeIdentity('127.0.0.1');
  const app = await startApp(lab, {}, 'self-app', identity.cert, identity.key).ended;
  assert.equal(app.status, 0, app.stderr);
  const words = { words: ['one', 'two'] };
  assert.deepEqual(JSON.parse(app.stdout), {
    fetch: words,
    undici: words,
    https: words,
    ws: 'heard a word',
    kernel: false,
  });
});
