// Makes the native TUN binding usable: keeps a prebuilt one that loads, else compiles it with node-gyp. Run by
// `npm install`, where a failure is a warning (the library and its simulator work without a device), and by
// `npm run build:native` with --build, which always compiles and where a failure is an error.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src', 'native');
const prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'synwave_tun.node');
const built = join(source, 'build', 'Release', 'synwave_tun.node');
const force = process.argv.includes('--build');

function say(text) {
  process.stderr.write(`synwave: ${text}\n`);
}

/** Tries the addon in a process of its own: one made for another libc may do worse than throw. */
function loads(file) {
  if (!existsSync(file)) return false;
  const probe = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', file], { stdio: 'ignore' });
  return probe.status === 0;
}

/** Directory with `include/node` for exactly this Node, or null: then node-gyp finds or downloads the headers. */
function headersBesideNode() {
  const prefix = dirname(dirname(process.execPath));
  const include = join(prefix, 'include', 'node');
  if (!existsSync(join(include, 'node_api.h'))) return null;
  let text;
  try {
    text = readFileSync(join(include, 'node_version.h'), 'utf8');
  } catch {
    return null;
  }
  const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1];
  const version = `v${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}`;
  return version === process.version ? prefix : null;
}

/** The script of node-gyp: npm names it while it runs one; else the copy that came with npm. */
function findNodeGyp() {
  const candidates = [process.env.npm_config_node_gyp];
  const besideNpm = (npmRoot) => join(npmRoot, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  if (process.env.npm_execpath) candidates.push(besideNpm(dirname(dirname(process.env.npm_execpath))));
  const prefix = dirname(dirname(process.execPath));
  candidates.push(besideNpm(join(prefix, 'lib', 'node_modules', 'npm')));
  candidates.push(besideNpm('/usr/share/nodejs/npm'), '/usr/share/nodejs/node-gyp/bin/node-gyp.js');
  try {
    candidates.push(createRequire(join(root, 'package.json')).resolve('node-gyp/bin/node-gyp.js'));
  } catch {
    // Not among our dependencies, which is the usual case.
  }
  for (const folder of (process.env.PATH ?? '').split(delimiter)) candidates.push(join(folder, 'node-gyp'));
  const found = candidates.find((file) => file && existsSync(file));
  if (found) return found;
  const globalRoot = spawnSync('npm', ['root', '-g'], { encoding: 'utf8' }).stdout?.trim();
  const global = globalRoot ? besideNpm(join(globalRoot, 'npm')) : '';
  return existsSync(global) ? global : null;
}

/** Compiles; returns null, or what went wrong. */
function compile() {
  const nodeGyp = findNodeGyp();
  if (nodeGyp === null)
    return 'node-gyp was not found. It comes with npm: install npm, or npm install -g node-gyp.';
  const nodedir = headersBesideNode();
  const options = [
    'rebuild',
    '--loglevel=warn',
    '--directory',
    source,
    ...(nodedir === null ? [] : ['--nodedir', nodedir]),
  ];
  const isScript = nodeGyp.endsWith('.js');
  const result = isScript
    ? spawnSync(process.execPath, [nodeGyp, ...options], { stdio: 'inherit' })
    : spawnSync(nodeGyp, options, { stdio: 'inherit' });
  if (result.error) return `node-gyp did not start: ${result.error.message}`;
  if (result.status !== 0) return 'the native binding did not compile (the output of node-gyp is above).';
  return loads(built) ? null : `${built} was compiled but does not load in Node ${process.version}.`;
}

function main() {
  if (process.platform !== 'linux') {
    say(`TUN devices are used as Linux provides them; skipping the native binding on ${process.platform}.`);
    return 0;
  }
  if (!force && (loads(prebuilt) || loads(built))) return 0;
  const failure = compile();
  if (failure === null) return 0;
  say(failure);
  say(
    "remedy: apt-get install build-essential python3 (or your distribution's C compiler, make and Python 3),",
  );
  say('        then: npm rebuild synwave (in a checkout: npm run build:native)');
  if (force) return 1;
  say('TUN devices will not work until then; everything else does.');
  return 0;
}

process.exitCode = main();
