// `synwave down`: removes what `synwave up` made, and nothing else.
import { ExitCode, environmentError } from './failure.js';
import { removeClaimed } from './namespace.js';
import { isOn, readNetns } from './options.js';
import { isAlive, readMarkers } from './ownership.js';
import type { Verb } from './verb.js';

/** `synwave down`. */
export const down: Verb = {
  name: 'down',
  summary: 'remove what `up` made',
  usage: '[--netns NAME] [--force]',
  description: `
Removes the namespace and the device that \`synwave up\` made. While another synwave runs in them it refuses; --force
takes them away under it.`,
  options: { force: { type: 'boolean', help: 'also while a stack runs there' } },
  json: { prints: 'what was removed' },
  needs: 'nothing',
  async run({ args, terminal }) {
    const netns = readNetns(args.values);
    const files = readMarkers().filter((file) => file.marker.netns === netns);
    const standing = files.find((file) => file.marker.pid === 0);
    if (standing === undefined) {
      throw environmentError(
        `\`synwave up\` did not make ${netns}`,
        'a namespace of a running verb ends with it; leftovers of a dead one: `synwave clean`',
      );
    }
    const running = files.filter((file) => file.marker.pid !== 0 && isAlive(file.marker));
    if (running.length > 0 && !isOn(args.values, 'force')) {
      const who = running.map((file) => `${file.marker.verb} (process ${file.marker.pid})`).join(', ');
      throw environmentError(`still in use by ${who}`, 'end it first, or add --force');
    }
    const removed = removeClaimed(standing);
    terminal.say(removed.length === 0 ? 'nothing was left' : `removed ${removed.join(', ')}`);
    if (isOn(args.values, 'json')) terminal.document({ removed });
    return ExitCode.OK;
  },
};
