// `synwave echo`: the echo service on the stack.
import { usageError } from './failure.js';
import { SERVED_DOCUMENT, serve, WORKERS_OPTION } from './serving.js';
import { parsePort } from './values.js';
import type { Verb } from './verb.js';

/** `synwave echo`. */
export const echo: Verb = {
  name: 'echo',
  summary: 'echo server on the stack',
  usage: '[PORT]',
  description: `
Serves echo on PORT (7) until interrupted. From the kernel's side:

  synwave sh -- nc -N 10.9.0.2 7`,
  options: WORKERS_OPTION,
  json: SERVED_DOCUMENT,
  needs: 'stack',
  async run(context) {
    const [port = '7', ...rest] = context.args.positionals;
    if (rest.length > 0) throw usageError(`what is "${rest[0]}"?`, 'usage: synwave echo [PORT]');
    const offer = { kind: 'echo', port: parsePort(port, 'PORT') } as const;
    return serve(context, 'echo', [offer], { closeFirst: false });
  },
};
