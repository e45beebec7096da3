// The list of verbs. Each is loaded when it is asked for: the words of one do not wait for the code of the others.
import { usageError } from './failure.js';
import type { Verb } from './verb.js';

/** What loads a verb, by its name; in the order of the help. */
const LOADERS: Readonly<Record<string, () => Promise<Verb>>> = {
  doctor: async () => (await import('./doctor/doctor.js')).doctor,
  echo: async () => (await import('./echo.js')).echo,
  http: async () => (await import('./http.js')).http,
  serve: async () => (await import('./serve.js')).serve,
  connect: async () => (await import('./connect.js')).connect,
  listen: async () => (await import('./listen.js')).listen,
  get: async () => (await import('./get.js')).get,
  lab: async () => (await import('./lab/lab.js')).lab,
  explain: async () => (await import('./explain.js')).explain,
  tap: async () => (await import('./tap.js')).tap,
  wire: async () => (await import('./wire.js')).wire,
  drill: async () => (await import('./drill.js')).drill,
  up: async () => (await import('./up.js')).up,
  down: async () => (await import('./down.js')).down,
  sh: async () => (await import('./sh.js')).sh,
  clean: async () => (await import('./clean.js')).clean,
};

/** All of them. */
export function allVerbs(): Promise<Verb[]> {
  return Promise.all(Object.values(LOADERS).map((load) => load()));
}

/** One of them. Rejects with CliFailure `ERR_SYNWAVE_USAGE` when there is none of that name. */
export async function verbNamed(name: string): Promise<Verb> {
  if (Object.hasOwn(LOADERS, name)) return LOADERS[name]!();
  throw usageError(`there is no verb "${name}"`, `one of: ${Object.keys(LOADERS).join(', ')}`);
}
