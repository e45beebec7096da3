// Which addon is loaded, what the install script does when it cannot compile, and what the user is told.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { addonCandidates, loadBinding, loadFrom, packageRoot } from '../../src/native/load.js';
import { hasTool } from './test-namespace.js';

const linux = process.platform === 'linux';
const skip = linux ? false : 'TUN devices are Linux only';

describe('loadBinding', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'synwave-test-'));
  after(() => rmSync(folder, { recursive: true }));
  const broken = join(folder, 'broken.node');
  writeFileSync(broken, 'no shared object');

  it('finds the package, and looks at the prebuilt addon first', () => {
    const root = packageRoot();
    assert.ok(existsSync(join(root, 'src', 'native', 'binding.gyp')));
    const [first, second] = addonCandidates(root);
    assert.ok(first!.startsWith(join(root, 'prebuilds', `linux-${process.arch}`)));
    assert.ok(second!.includes(join('build', 'Release')));
  });

  it('names the remedy when there is none', () => {
    assert.throws(() => loadFrom([join(folder, 'none.node')]), {
      code: 'ERR_SYNWAVE_NATIVE',
      message: /is not built.*npm rebuild synwave.*npm run build:native/,
    });
  });

  it('gives the reason of the loader when one does not load', () => {
    assert.throws(() => loadFrom([broken]), {
      code: 'ERR_SYNWAVE_NATIVE',
      message: /did not load: .*broken\.node/,
    });
  });

  const built = addonCandidates(packageRoot()).find((file) => existsSync(file));
  it('falls through from one that does not load to one that does', {
    skip: built ? false : 'not built',
  }, () => {
    const binding = loadFrom([broken, built!]);
    assert.equal(typeof binding.Port, 'function');
    assert.equal(binding.interfaceIndex({ name: 'synwave-none' }), 0);
  });

  it('the addon refuses arguments that it cannot use', { skip: built ? false : 'not built' }, () => {
    const { Port, interfaceIndex } = loadBinding();
    const options = {
      name: 'args0',
      flags: 0x1001,
      mtu: 0,
      sendBufferBytes: 0,
      disableIpv6: false,
      offload: false,
      software: false,
      spinUs: 0,
      slab: new Uint8Array(70_000),
      table: new Int32Array(3),
      arena: new Uint8Array(1),
      descriptors: new Int32Array(3),
      control: new Int32Array(5),
      onEvent() {},
    };
    const refuse = (change: object, code = 'ERR_INVALID_ARG_TYPE') =>
      assert.throws(() => new Port({ ...options, ...change }), { code });
    refuse({ name: 5 });
    refuse({ name: 'a\0b' });
    refuse({ netns: 7 });
    refuse({ netns: 'x'.repeat(5000) });
    refuse({ flags: '1' });
    refuse({ mtu: -1 });
    refuse({ disableIpv6: 1 });
    refuse({ offload: 'yes' });
    refuse({ software: 1 });
    refuse({ onEvent: null });
    refuse({ name: 'x'.repeat(16) }, 'ERR_OUT_OF_RANGE');
    assert.throws(() => Reflect.apply(Port, undefined, [options]));
    assert.throws(() => Reflect.construct(Port, []), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => Reflect.apply(Port.prototype.pull, {}, []), TypeError);
    assert.throws(() => Reflect.apply(interfaceIndex, undefined, []), { code: 'ERR_INVALID_ARG_TYPE' });
  });
});

describe('scripts/install-native.mjs', { skip }, () => {
  const root = mkdtempSync(join(tmpdir(), 'synwave-test-'));
  after(() => rmSync(root, { recursive: true }));
  const from = packageRoot();
  mkdirSync(join(root, 'scripts'));
  for (const name of ['install-native.mjs', 'prebuild']) {
    copyFileSync(join(from, 'scripts', name), join(root, 'scripts', name));
  }
  copyFileSync(join(from, 'package.json'), join(root, 'package.json'));
  cpSync(join(from, 'src', 'native'), join(root, 'src', 'native'), {
    recursive: true,
    filter: (file) => !file.endsWith('/build'),
  });
  const [prebuilt, compiled] = addonCandidates(root);
  const run = (script: string, argv: string[], env: NodeJS.ProcessEnv = {}) =>
    spawnSync(process.execPath, [join(root, 'scripts', script), ...argv], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    });
  const withoutCompiler = { CC: 'false', CXX: 'false' };
  const tools = ['make', 'python3', 'cc'].filter((tool) => !hasTool(tool));
  const needs = { skip: tools.length > 0 ? `needs ${tools.join(', ')}` : false };

  it('without a compiler: a warning with the remedy, and npm install goes on', () => {
    const finished = run('install-native.mjs', [], withoutCompiler);
    assert.equal(finished.status, 0, finished.stderr);
    assert.match(finished.stderr, /apt-get install build-essential python3/);
    assert.match(finished.stderr, /everything else does/);
    assert.equal(existsSync(compiled!), false);
  });

  it('without a compiler: --build fails', () => {
    assert.equal(run('install-native.mjs', ['--build'], withoutCompiler).status, 1);
    assert.equal(run('prebuild', []).status, 1);
  });

  it('compiles without a warning what then loads', needs, () => {
    const finished = run('install-native.mjs', []);
    assert.equal(finished.status, 0, finished.stderr);
    assert.doesNotMatch(finished.stdout + finished.stderr, /warning:/);
    assert.equal(typeof loadFrom([compiled!]).Port, 'function');
  });

  it('leaves a working addon alone, and a prebuilt one is enough', needs, () => {
    const finished = run('prebuild', []);
    assert.equal(finished.stdout.trim(), prebuilt);
    rmSync(join(root, 'src', 'native', 'build'), { recursive: true });
    const again = run('install-native.mjs', [], withoutCompiler);
    assert.deepEqual([again.status, again.stdout, again.stderr], [0, '', '']);
    assert.equal(existsSync(compiled!), false);
    assert.equal(typeof loadFrom(addonCandidates(root)).Port, 'function');
  });

  it('compiles when the prebuilt one does not load', needs, () => {
    rmSync(prebuilt!); // It is mapped into this process: to overwrite it would pull the ground away.
    writeFileSync(prebuilt!, 'made for another libc');
    const finished = run('install-native.mjs', []);
    assert.equal(finished.status, 0, finished.stderr);
    assert.equal(typeof loadFrom(addonCandidates(root)).Port, 'function');
  });
});
