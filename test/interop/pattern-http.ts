// A handler for `node:http` that sends patterns and sums what comes, for servers on either side of the link.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { patternStream, sumOf } from './byte-pattern.js';

/** Serves `/page`, `/bytes/SEED/SIZE` and PUT, which answers with size and sum of what came. */
export async function servePattern(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, kind, seed, size] = (request.url ?? '').split('/');
  if (request.method === 'PUT') {
    const got = await sumOf(request);
    response.end(JSON.stringify(got));
  } else if (kind === 'bytes') {
    response.setHeader('Content-Length', size!);
    patternStream(Number(seed), Number(size)).pipe(response);
  } else {
    response.end('a page from user space\n');
  }
}
