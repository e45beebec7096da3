// The congestion controllers that this stack has, found by name, so that a measurement can ask for one that may not be
// there: each lives in a file of its name in `src/tcp/congestion`, which exports its factory.
import type { ControllerFactory } from '../../../src/tcp/congestion/controller.js';

/** File of a controller whose name on the command line is another. */
const FILES: Record<string, string> = { reno: 'newreno' };

/** The factory, or null when this stack has none of that name. */
export async function ourController(name: string): Promise<ControllerFactory | null> {
  const file = FILES[name] ?? name;
  const url = new URL(`../../../src/tcp/congestion/${file}.js`, import.meta.url).href;
  const module = await import(url).then(
    (found) => found as Record<string, unknown>,
    () => null,
  );
  const exported = Object.entries(module ?? {});
  const factory = exported.find(([key, value]) => key.toLowerCase() === file && typeof value === 'function');
  return (factory?.[1] as ControllerFactory | undefined) ?? null;
}
