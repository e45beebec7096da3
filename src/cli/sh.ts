// `synwave sh`: a command on the kernel's side of the link, in the namespace of a running stack.
import { exitOf, spawnShared } from './command.js';
import { environmentError } from './failure.js';
import { inNamespace, namespaceExists } from './namespace.js';
import { readNetns } from './options.js';
import { isAlive, type Marker, readMarkers } from './ownership.js';
import type { Verb } from './verb.js';

/** `synwave sh`. */
export const sh: Verb = {
  name: 'sh',
  summary: "run a command on the kernel's side",
  usage: '[--netns NAME] [-- CMD...]',
  description: `
Runs CMD (default: your shell) in the namespace in which a stack runs, that is, as a program of the kernel at the other
end of the link. The exit code is that of CMD.

  synwave http ./site                          in one terminal
  synwave sh -- curl http://10.9.0.2/          in another
  synwave sh -- nc 10.9.0.2 7
  synwave sh -- ss -tan`,
  options: {},
  json: { instead: 'options of the command stand behind two dashes: synwave sh -- CMD --json' },
  needs: 'nothing',
  async run({ args }) {
    const netns = readNetns(args.values);
    const command = args.positionals.length > 0 ? args.positionals : [process.env.SHELL || '/bin/sh'];
    const child = spawnShared(wordsFor(netns, command));
    // The terminal interrupts the command; we only wait for it.
    const ignore = () => {};
    process.on('SIGINT', ignore);
    try {
      return await exitOf(child);
    } catch (error) {
      throw environmentError(
        `cannot start ${command[0]}: ${(error as Error).message}`,
        'is util-linux there?',
      );
    } finally {
      process.off('SIGINT', ignore);
    }
  },
};

function wordsFor(netns: string, command: readonly string[]): string[] {
  const living = readMarkers().filter((file) => file.marker.netns === netns && isAlive(file.marker));
  const inUserNamespace = living.find((file) => file.marker.userNamespace);
  if (inUserNamespace !== undefined) return enterUserNamespace(inUserNamespace.marker, command);
  if (!namespaceExists(netns)) {
    throw environmentError(
      `there is no namespace ${netns}`,
      'start a stack first (`synwave http .`), or `synwave up`; --netns names another',
    );
  }
  return inNamespace(netns, command);
}

/** The namespace of an ordinary user has its name only inside the user namespace of the process that made it. */
function enterUserNamespace(marker: Marker, command: readonly string[]): string[] {
  const enter = ['nsenter', '--user', '--mount', '--preserve-credentials', `--target=${marker.pid}`, '--'];
  return [...enter, ...inNamespace(marker.netns, command)];
}
