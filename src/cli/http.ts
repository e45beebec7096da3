// `synwave http`: a static file server on the stack.
import { usageError } from './failure.js';
import { textOf } from './options.js';
import { SERVED_DOCUMENT, serve, WORKERS_OPTION } from './serving.js';
import { parsePort, parseWord } from './values.js';
import type { Verb } from './verb.js';

/** `synwave http`. */
export const http: Verb = {
  name: 'http',
  summary: 'serve the files of a folder over HTTP',
  usage: '[DIR] [--port 80]',
  description: `
Serves the files of DIR (the current folder) until interrupted, with listings and byte ranges. From the kernel's side:

  synwave sh -- curl http://10.9.0.2/

--first-close server ends each connection after its response, so that the stack is the one that closes first and
goes through TIME-WAIT; otherwise that is up to the client.`,
  options: {
    ...WORKERS_OPTION,
    port: { type: 'string', value: 'PORT', help: 'default 80' },
    'first-close': { type: 'string', value: 'WHO', help: 'server or client (default client)' },
  },
  json: SERVED_DOCUMENT,
  needs: 'stack',
  async run(context) {
    const { values, positionals } = context.args;
    if (positionals.length > 1) throw usageError(`what is "${positionals[1]}"?`, 'usage: synwave http [DIR]');
    const offer = {
      kind: 'http',
      port: parsePort(textOf(values, 'port') ?? '80', '--port'),
      directory: positionals[0] ?? '.',
    } as const;
    const first = parseWord(textOf(values, 'first-close') ?? 'client', '--first-close', ['client', 'server']);
    return serve(context, 'http', [offer], { closeFirst: first === 'server' });
  },
};
