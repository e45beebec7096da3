// The class of Buffers, which `Buffer` itself only makes.
import type { ViewClass } from '../tcp/receive-queue.js';

/** What sockets hand out; of stacks small payloads are made that at once. */
export const BufferView = (Buffer as unknown as Record<symbol, ViewClass>)[Symbol.species]!;
