// Finds and loads the compiled addon: a prebuilt one that fits, else the one compiled on this machine.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TunBinding } from './binding.js';

const ADDON = 'synwave_tun.node';

/** The addon is not there, or does not load. `code` is `ERR_SYNWAVE_NATIVE`; `cause` is the loader's error, if any. */
export class NativeBindingError extends Error {
  override readonly name = 'NativeBindingError';
  readonly code = 'ERR_SYNWAVE_NATIVE';
}

let loaded: TunBinding | null = null;

/**
 * The addon, loaded once per thread.
 * @throws NativeBindingError `ERR_SYNWAVE_NATIVE`, naming the remedy
 */
export function loadBinding(): TunBinding {
  loaded ??= loadFrom(addonCandidates(packageRoot()));
  return loaded;
}

/** The folder of the package.json nearest above this file. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new NativeBindingError('no package.json above the synwave modules: reinstall it');
    folder = parent;
  }
  return folder;
}

/** Where the addon may lie, in the order in which it is tried. */
export function addonCandidates(root: string): string[] {
  return [
    join(root, 'prebuilds', `${process.platform}-${process.arch}`, ADDON),
    join(root, 'src', 'native', 'build', 'Release', ADDON),
  ];
}

/**
 * Loads the first file that is there and loads: a prebuilt addon made for another libc gives way to a compiled one.
 * @throws NativeBindingError `ERR_SYNWAVE_NATIVE`
 */
export function loadFrom(files: readonly string[]): TunBinding {
  if (process.platform !== 'linux') {
    throw new NativeBindingError(`TUN devices are used as Linux provides them; this is ${process.platform}`);
  }
  const require = createRequire(import.meta.url);
  const causes: unknown[] = [];
  for (const file of files) {
    if (!existsSync(file)) continue;
    try {
      return require(file) as TunBinding;
    } catch (error) {
      causes.push(error);
    }
  }
  const remedy =
    'npm rebuild synwave, which npm 12 must be allowed first: npm install-scripts approve synwave ' +
    '(in a checkout: npm run build:native)';
  const first = causes[0];
  if (first === undefined) {
    throw new NativeBindingError(`the native TUN binding is not built. Remedy: ${remedy}`);
  }
  const reason = first instanceof Error ? first.message : String(first);
  throw new NativeBindingError(`the native TUN binding did not load: ${reason}. Remedy: ${remedy}`, {
    cause: first,
  });
}
