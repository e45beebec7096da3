// The types of `stack.net` and `synwave/net` are those of `node:net` for the types of each Node, not only of the one that this
// package is built with; so is what `synwave/register` adds to sockets.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COMPILER = join(ROOT, 'node_modules/.bin/tsc');
const BUILT = join(ROOT, 'dist/src');

const PROGRAM = `
import type * as NodeNet from 'node:net';
import own from '${BUILT}/net-module.js';
import type { SynwaveStack } from '${BUILT}/index.js';
import type {} from '${BUILT}/register.js';
declare const stack: SynwaveStack;
export const module: typeof NodeNet = own;
export const net: typeof NodeNet = stack.net;
export const socket: NodeNet.Socket = stack.net.connect(1);
export const server: NodeNet.Server = stack.net.createServer((each) => each.end());
export const told: number | undefined = socket.tcpInfo()?.rttMs;
export const wrong: typeof NodeNet = {};
`;

const scratch = await mkdtemp(join(tmpdir(), 'synwave-types-'));
after(() => rm(scratch, { recursive: true }));

for (const name of ['@types/node', 'types-node-22', 'types-node-24', 'types-node-26']) {
  const types = join(ROOT, 'node_modules', name, 'index.d.ts');
  test(`assignable to node:net of ${name}`, {
    skip: !existsSync(types) && `${name} is not installed`,
  }, async () => {
    const program = join(scratch, 'program.ts');
    const config = join(scratch, 'tsconfig.json');
    await writeFile(program, PROGRAM);
    await writeFile(
      config,
      JSON.stringify({
        compilerOptions: {
          ...{ target: 'es2022', lib: ['es2023'], module: 'nodenext', moduleResolution: 'nodenext' },
          ...{ strict: true, skipLibCheck: true, noEmit: true, types: [] },
        },
        files: [program, types],
      }),
    );
    const failure = await promisify(execFile)(process.execPath, [COMPILER, '-p', config]).then(
      () => ({ stdout: '' }),
      (error: { stdout: string }) => error,
    );
    // The line that is wrong on purpose, and no other: the program was looked at.
    const errors = failure.stdout.split('\n').filter((line) => line.includes('error TS'));
    assert.equal(errors.length, 1, failure.stdout);
    assert.match(errors[0]!, /program\.ts\(12,14\): error TS/);
  });
}
