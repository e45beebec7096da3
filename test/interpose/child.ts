// Runs programs as processes of their own, with their TCP on a stack by `--import synwave/register`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const REGISTER = new URL('../../src/register.js', import.meta.url).href;
/** Location of `synwave/net`. */
const NET = new URL('../../src/net-module.js', import.meta.url).href;

/** How a program ended. */
export interface Outcome {
  code: number | null;
  signal: string | null;
  output: string;
  /** Standard error. */
  complaints: string;
}

/** Settings of `run`. */
export interface RunOptions {
  env?: Record<string, string>;
  /** Default true. */
  register?: boolean;
  /** Default `module`. */
  type?: 'module' | 'commonjs';
  /** Further options of Node. */
  flags?: readonly string[];
}

/** Runs a program. `NET_MODULE` and `REGISTER_MODULE` in it stand for the locations of `synwave/net` and `synwave/register`. */
export async function run(program: string, options: RunOptions = {}): Promise<Outcome> {
  const { env = {}, register = true, type = 'module', flags = [] } = options;
  const text = program
    .replaceAll('NET_MODULE', type === 'module' ? NET : new URL(NET).pathname)
    .replaceAll('REGISTER_MODULE', REGISTER);
  const args = [...flags, ...(register ? ['--import', REGISTER] : []), `--input-type=${type}`, '-e', text];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: 30_000,
  });
  let output = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    output += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    complaints += part;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, output, complaints };
}
