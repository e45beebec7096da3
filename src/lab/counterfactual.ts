// Worlds in which a protection of TCP is missing. They exist only here: no option of the stack leads to them.
import type { PlaySettings } from './rig.js';
import { openSimWorld } from './sim-world.js';
import type { PlayedWorld } from './world.js';

/** The simulated world of a variant, with what it takes away. */
export function openCounterfactual(settings: PlaySettings): PlayedWorld {
  return openSimWorld(settings);
}
