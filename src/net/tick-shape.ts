// What `process.nextTick` makes for each call. V8 forgets the shape of such objects where a few collections of everything find none of
// them. From then on Node's code asks the runtime for each, and takes five times as long, for as long as the process lives; and
// streams call it some ten times for each connection. So one of them is kept.
import { executionAsyncResource } from 'node:async_hooks';

let kept: object | null = null;

/** Sees to it that the shape is not forgotten. To be called before sockets are made. */
export function keepTickShape(): void {
  if (kept !== null) return;
  kept = {};
  process.nextTick(() => {
    kept = executionAsyncResource();
  });
}
