// Hooks of the module loader: `module.js?mutation=N` loads a graph of its own, in which one place of one file is changed.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Mutation } from './mutations.js';

type Next<T> = (specifier: string, context: unknown) => Promise<T>;

interface Resolved {
  url: string;
}

interface Loaded {
  format: string;
  source: unknown;
  shortCircuit?: boolean;
}

const QUERY = /[?&]mutation=(\d+)$/;
let mutations: readonly Mutation[] = [];

/** Takes the list of mutations; called once by `module.register`. */
export function initialize(data: { mutations: readonly Mutation[] }): void {
  mutations = data.mutations;
}

/** What a changed module imports belongs to the same graph. */
export async function resolve(
  specifier: string,
  context: { parentURL?: string },
  next: Next<Resolved>,
): Promise<Resolved> {
  const resolved = await next(specifier, context);
  const query = QUERY.exec(context.parentURL ?? '');
  if (query === null || !resolved.url.includes('/dist/src/') || QUERY.test(resolved.url)) return resolved;
  return { ...resolved, url: `${resolved.url}?mutation=${query[1]}` };
}

/** Changes the one place. */
export async function load(url: string, context: unknown, next: Next<Loaded>): Promise<Loaded> {
  const query = QUERY.exec(url);
  if (query === null) return next(url, context);
  const { file, find, replace } = mutations[Number(query[1])]!;
  const path = fileURLToPath(url.replace(/\?.*$/, ''));
  const source = readFileSync(path, 'utf8');
  if (!path.endsWith(`/dist/src/${file}`)) return { format: 'module', source, shortCircuit: true };
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(`${file}: "${find}" stands there ${parts.length - 1} times, not once`);
  return { format: 'module', source: parts.join(replace), shortCircuit: true };
}
