#!/usr/bin/env node
// The command `synwave`: finds the verb, reads its words, gives it a life, and turns its end into an exit code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../native/load.js';
import { clean } from './clean.js';
import { connect } from './connect.js';
import { doctor } from './doctor/doctor.js';
import { down } from './down.js';
import { drill } from './drill.js';
import { echo } from './echo.js';
import { explain } from './explain.js';
import { type CliFailure, ExitCode, toFailure, usageError } from './failure.js';
import { get } from './get.js';
import { http } from './http.js';
import { lab } from './lab/lab.js';
import { withLifetime } from './lifetime.js';
import { listen } from './listen.js';
import { type Arguments, isOn, readNetns } from './options.js';
import { mayMakeNamespaces, runAgainAsUserRoot } from './privileges.js';
import { serve } from './serve.js';
import { sh } from './sh.js';
import { tap } from './tap.js';
import { createTerminal, paint, type Terminal } from './terminal.js';
import { up } from './up.js';
import { helpOf, readWords, type Verb } from './verb.js';
import { wire } from './wire.js';

const VERBS: readonly Verb[] = [
  doctor,
  echo,
  http,
  serve,
  connect,
  listen,
  get,
  lab,
  explain,
  tap,
  wire,
  drill,
  up,
  down,
  sh,
  clean,
];

function overview(): string {
  const width = Math.max(...VERBS.map((verb) => verb.name.length));
  const rows = VERBS.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`);
  return [
    'usage: synwave VERB [...]',
    '',
    'TCP in user space: a stack of its own beside the kernel, on a TUN device.',
    '',
    ...rows,
    '',
    '`synwave help VERB` tells more. Begin with `synwave doctor`.',
  ].join('\n');
}

function version(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

function verbNamed(name: string): Verb {
  const verb = VERBS.find((candidate) => candidate.name === name);
  if (verb !== undefined) return verb;
  throw usageError(`there is no verb "${name}"`, `one of: ${VERBS.map((one) => one.name).join(', ')}`);
}

async function runVerb(verb: Verb, args: Arguments, terminal: Terminal): Promise<number> {
  const needsRoot = verb.needs !== 'nothing' && !mayMakeNamespaces();
  if (needsRoot && readNetns(args.values) !== 'host') return runAgainAsUserRoot();
  return withLifetime(terminal.complain, (life) => verb.run({ args, terminal, life }));
}

async function main(words: readonly string[]): Promise<number> {
  const [first, ...rest] = words;
  if (first === undefined) {
    process.stderr.write(`${overview()}\n`);
    return ExitCode.USAGE;
  }
  if (first === '--version' || first === '-V') {
    process.stdout.write(`${version()}\n`);
    return ExitCode.OK;
  }
  if (first === 'help' || first === '--help' || first === '-h') {
    process.stdout.write(`${rest[0] === undefined ? overview() : helpOf(verbNamed(rest[0]))}\n`);
    return ExitCode.OK;
  }
  const verb = verbNamed(first);
  const args = readWords(verb, rest);
  if (isOn(args.values, 'help')) {
    process.stdout.write(`${helpOf(verb)}\n`);
    return ExitCode.OK;
  }
  return runVerb(verb, args, createTerminal(isOn(args.values, 'no-color'), isOn(args.values, 'quiet')));
}

/** Says what went wrong and what to do; returns the exit code for it. */
function report(error: unknown): number {
  const failure: CliFailure = toFailure(error);
  const terminal = createTerminal(false, false);
  terminal.complain(`${paint(terminal, 'red', 'synwave:')} ${failure.message}`);
  if (failure.remedy !== '') terminal.complain(`  -> ${failure.remedy}`);
  return failure.exitCode;
}

// A reader that leaves early (`synwave get URL | head`) is no fault of ours, and there is nobody to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.emit('SIGTERM', 'SIGTERM');
  else throw error;
});

main(process.argv.slice(2))
  .catch(report)
  .then((status) => {
    process.exitCode = status;
    // Whatever still holds the event loop (a terminal at stdin) has no say once everything is cleaned up.
    process.stdout.write('', () => process.exit(status));
  });
