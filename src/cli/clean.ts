// `synwave clean`: removes what runs left behind that were killed. Only things that carry our claim, and only when
// the process that claimed them is dead.
import { ExitCode } from './failure.js';
import { removeClaimed } from './namespace.js';
import { isOn } from './options.js';
import { isAlive, type MarkerFile, readMarkers } from './ownership.js';
import type { Verb } from './verb.js';

/** The claims whose process has ended without taking them back. */
export function leftovers(): MarkerFile[] {
  return readMarkers().filter((file) => !isAlive(file.marker));
}

/** `synwave clean`. */
export const clean: Verb = {
  name: 'clean',
  summary: 'remove what killed runs left behind',
  usage: '',
  description: `
A run that is killed by SIGKILL cannot remove its namespace. This does: it reads the claims under /run/synwave, compares
process number and start time with what runs now, and removes only what belongs to the dead. What \`synwave up\` made
stays; \`synwave down\` removes that.`,
  options: {},
  json: { prints: 'what was removed' },
  needs: 'nothing',
  async run({ args, terminal }) {
    const removed = leftovers().flatMap(removeClaimed);
    terminal.say(removed.length === 0 ? 'nothing to remove' : `removed ${removed.join(', ')}`);
    if (isOn(args.values, 'json')) terminal.document({ removed });
    return ExitCode.OK;
  },
};
