// `synwave serve`: several services on one stack.
import { usageError } from './failure.js';
import type { Offer } from './offers.js';
import { textsOf } from './options.js';
import { SERVED_DOCUMENT, serve as serveOffers, WORKERS_OPTION } from './serving.js';
import { parsePort, parsePortAndDirectory } from './values.js';
import type { Verb } from './verb.js';

/** `synwave serve`. */
export const serve: Verb = {
  name: 'serve',
  summary: 'several services on one stack',
  usage: '[--http 80:DIR] [--echo 7] [--discard 9] [--chargen 19]',
  description: `
Serves everything that is asked for, until interrupted. Each option may be repeated.

  synwave serve --echo 7 --http 80:./site --discard 9 --chargen 19

--workers N puts a stack on each of N queues of the device, in threads of their own; the kernel gives each connection to
one of them. Each has its own --capture (run.pcapng becomes run-1.pcapng …); the log is one, with the worker's number.`,
  options: {
    ...WORKERS_OPTION,
    http: { type: 'string', multiple: true, value: 'PORT:DIR', help: 'the files of a folder' },
    echo: { type: 'string', multiple: true, value: 'PORT', help: 'sends back what comes (RFC 862)' },
    discard: { type: 'string', multiple: true, value: 'PORT', help: 'reads and forgets (RFC 863)' },
    chargen: {
      type: 'string',
      multiple: true,
      value: 'PORT',
      help: 'sends characters without end (RFC 864)',
    },
  },
  json: SERVED_DOCUMENT,
  needs: 'stack',
  async run(context) {
    const { values, positionals } = context.args;
    if (positionals.length > 0)
      throw usageError(`what is "${positionals[0]}"?`, 'services are options: --echo 7');
    const offers: Offer[] = [];
    for (const text of textsOf(values, 'http')) {
      offers.push({ kind: 'http', ...parsePortAndDirectory(text, '--http') });
    }
    for (const kind of ['echo', 'discard', 'chargen'] as const) {
      for (const text of textsOf(values, kind)) offers.push({ kind, port: parsePort(text, `--${kind}`) });
    }
    if (offers.length === 0) throw usageError('nothing to serve', 'name a service: synwave serve --echo 7');
    return serveOffers(context, 'serve', offers, { closeFirst: false });
  },
};
