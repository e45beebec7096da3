// The controllers that come with the stack, by name. A program may as well pass a factory of its own.
import { bbr } from './bbr.js';
import type { ControllerFactory } from './controller.js';
import { cubic } from './cubic.js';
import { dctcp } from './dctcp.js';
import { newReno } from './newreno.js';

/** A controller joins the stack by one line here. */
const FACTORIES: ReadonlyMap<string, ControllerFactory> = new Map<string, ControllerFactory>([
  ['cubic', cubic],
  ['newreno', newReno],
  ['dctcp', dctcp],
  ['bbr', bbr],
]);

/** Other names for the same, such as Linux's. */
const ALIASES: ReadonlyMap<string, string> = new Map([['reno', 'newreno']]);

/** Names that `controllerNamed` knows, aliases apart: `cubic`, `newreno`, `dctcp`, `bbr`. */
export const CONTROLLER_NAMES: readonly string[] = [...FACTORIES.keys()];

/**
 * The factory of a controller by its name; `reno` is `newreno`.
 * @returns null for a name that is not known
 */
export function controllerNamed(name: string): ControllerFactory | null {
  return FACTORIES.get(ALIASES.get(name) ?? name) ?? null;
}
