#!/usr/bin/env node
// The command `synwave`: finds the verb, reads its words, gives it a life, and turns its end into an exit code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../native/load.js';
import { type CliFailure, ExitCode, toFailure } from './failure.js';
import { withLifetime } from './lifetime.js';
import { type Arguments, isOn, readNetns } from './options.js';
import { mayMakeNamespaces, runAgainAsUserRoot } from './privileges.js';
import { createTerminal, paint, type Terminal } from './terminal.js';
import { helpOf, readWords, type Verb } from './verb.js';
import { allVerbs, verbNamed } from './verbs.js';

async function overview(): Promise<string> {
  const verbs = await allVerbs();
  const width = Math.max(...verbs.map((verb) => verb.name.length));
  const rows = verbs.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`);
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

async function runVerb(verb: Verb, args: Arguments, terminal: Terminal): Promise<number> {
  const needsRoot = verb.needs !== 'nothing' && !mayMakeNamespaces();
  if (needsRoot && readNetns(args.values) !== 'host') return runAgainAsUserRoot();
  return withLifetime(terminal.complain, (life) => verb.run({ args, terminal, life }));
}

async function main(words: readonly string[]): Promise<number> {
  const [first, ...rest] = words;
  if (first === undefined) {
    process.stderr.write(`${await overview()}\n`);
    return ExitCode.USAGE;
  }
  if (first === '--version' || first === '-V') {
    process.stdout.write(`${version()}\n`);
    return ExitCode.OK;
  }
  if (first === 'help' || first === '--help' || first === '-h') {
    process.stdout.write(`${rest[0] === undefined ? await overview() : helpOf(await verbNamed(rest[0]))}\n`);
    return ExitCode.OK;
  }
  const verb = await verbNamed(first);
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
