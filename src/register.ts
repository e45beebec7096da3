// `node --import synwave/register app.js`: the TCP of an unmodified program runs on the stack that the environment asks
// for (environment.ts). SYNWAVE_BYPASS lists what stays with the kernel.
import { createStack, type SynwaveStack } from './create-stack.js';
import { setDefaultStack } from './default-stack.js';
import { stackOptionsFrom } from './environment.js';
import { Bypass } from './interpose/bypass.js';
import { interpose } from './interpose/interpose.js';
import type { Explanation } from './tcp/explain.js';
import type { TcpInfo } from './tcp/info.js';

declare module 'node:net' {
  interface Socket {
    /** Of a socket on the stack: how its connection performs. Null for the kernel's, and before `connect`. */
    tcpInfo(): TcpInfo | null;
    /** Of a socket on the stack: why it closed, and what makes it slow. Null for the kernel's, and before `connect`. */
    explain(): Explanation | null;
  }
}

/** The stack of the process. */
export const stack: SynwaveStack = await createStack(await stackOptionsFrom(process.env));

setDefaultStack(stack.core);
interpose(stack.core, new Bypass(process.env.SYNWAVE_BYPASS));
