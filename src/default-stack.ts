// The one stack of the process: that of `synwave/net` and `synwave/register`.
import { nullLink } from './link/null.js';
import { Stack } from './stack/stack.js';

/** The addresses of a host that talks to itself. */
export const LOOPBACK_ADDRESSES: readonly string[] = ['127.0.0.1/8', '::1/128'];

let chosen: Stack | null = null;

/** The stack of the process. Unless one was set, the first call makes a loopback that lives in this process alone. */
export function defaultStack(): Stack {
  if (chosen === null) {
    chosen = new Stack({ link: nullLink(), addresses: LOOPBACK_ADDRESSES });
    // As with `node:net`, it is sockets and servers that keep a process alive.
    chosen.unref();
  }
  return chosen;
}

/**
 * Makes a stack the one of the process: `setDefaultStack((await createStack(…)).core)`.
 * @throws Error with code ERR_SYNWAVE_DEFAULT_STACK when there is one already, be it that it was only used
 */
export function setDefaultStack(stack: Stack): void {
  if (chosen !== null && chosen !== stack) {
    const message =
      'this process has a default stack already; set yours before the first socket of synwave/net is made';
    throw Object.assign(new Error(message), { code: 'ERR_SYNWAVE_DEFAULT_STACK' });
  }
  chosen = stack;
}
