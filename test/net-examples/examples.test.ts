// The examples of Node's documentation for net, http, https, http2 and tls, unmodified on the stack, print what they print
// on the kernel. Each program is run on both, the kernel's in a namespace of its own, as its ports are fixed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeIdentity } from '../programs/identity.js';
import { DOCUMENTED } from './documented.js';

const REGISTER = new URL('../../src/register.js', import.meta.url).href;
const PROGRAMS = fileURLToPath(new URL('../../../test/net-examples/programs/', import.meta.url));
const NETNS = fileURLToPath(new URL('../../../scripts/netns', import.meta.url));

const execute = promisify(execFile);
const scratch = await mkdtemp(join(tmpdir(), 'synwave-examples-'));
after(() => rm(scratch, { recursive: true }));
const identity = makeIdentity('127.0.0.1');
const env = {
  ...process.env,
  KEY: join(scratch, 'key.pem'),
  CERT: join(scratch, 'cert.pem'),
  PFX: join(scratch, 'identity.pfx'),
};
await writeFile(env.KEY, identity.key);
await writeFile(env.CERT, identity.cert);
await promisify(execFile)('openssl', [
  ...['pkcs12', '-export', '-passout', 'pass:sample', '-out', env.PFX],
  ...['-inkey', env.KEY, '-in', env.CERT],
]);

async function outputOf(file: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await execute(file, args, { env, timeout: 60_000 });
  assert.equal(stderr, '');
  return stdout;
}

async function canMakeNamespaces(): Promise<boolean> {
  return execute(NETNS, ['--probe']).then(
    () => true,
    () => false,
  );
}

const hasKernel = await canMakeNamespaces();

const examples = Object.values(DOCUMENTED).flat();
const programs = (await readdir(PROGRAMS)).map((file) => basename(file, '.mjs'));

test('every example runs somewhere, or cannot concern a TCP stack', () => {
  const named = new Set(examples.map((example) => ('program' in example ? example.program : null)));
  named.delete(null);
  assert.deepEqual([...named].sort(), programs.sort());
  for (const example of examples) if ('because' in example) assert.ok(example.because.length > 0);
});

describe('the documented examples', () => {
  for (const name of programs) {
    const program = join(PROGRAMS, `${name}.mjs`);

    test(`${name} on the stack`, async () => {
      const output = await outputOf(process.execPath, ['--import', REGISTER, program]);
      for (const example of examples) {
        if (!('program' in example) || example.program !== name) continue;
        assert.ok(output.includes(example.prints), `${example.under} in:\n${output}`);
      }
      await writeFile(join(scratch, name), output);
    });

    test(`${name} prints the same on the kernel`, {
      skip: !hasKernel && 'no network namespaces',
    }, async () => {
      const kernel = await outputOf(NETNS, [process.execPath, program]);
      assert.equal(kernel, await readFile(join(scratch, name), 'utf8'));
    });
  }
});
