// `node --import synwave/register app.js`: the TCP of an unmodified program runs on the stack that the environment asks
// for (environment.ts). SYNWAVE_BYPASS lists what stays with the kernel.
import { createStack, type SynwaveStack } from './create-stack.js';
import { setDefaultStack } from './default-stack.js';
import { stackOptionsFrom } from './environment.js';
import { Bypass } from './interpose/bypass.js';
import { interpose } from './interpose/interpose.js';

/** The stack of the process. */
export const stack: SynwaveStack = await createStack(await stackOptionsFrom(process.env));

setDefaultStack(stack.core);
interpose(stack.core, new Bypass(process.env.SYNWAVE_BYPASS));
