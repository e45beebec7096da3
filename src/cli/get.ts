// `synwave get`: a small HTTP client over the stack.
import { createWriteStream } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { finished, pipeline } from 'node:stream/promises';
import { ExitCode, networkError, usageError } from './failure.js';
import { isOn, textOf } from './options.js';
import { openSession, type Session } from './session.js';
import { parseDuration } from './values.js';
import type { Verb } from './verb.js';

/** `synwave get`. */
export const get: Verb = {
  name: 'get',
  summary: 'fetch a URL over the stack',
  usage: 'URL [-o FILE] [--fail]',
  description: `
Fetches http://HOST[:PORT]/PATH and writes the body to stdout. With --fail a status of 400 and above ends with exit
code 4.

  synwave get http://10.9.0.1:8000/ -o page.html`,
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', help: 'write the body there' },
    fail: { type: 'boolean', help: 'exit code 4 for a status of 400 and above' },
    timeout: { type: 'string', value: 'SEC', help: 'give up after so long a silence' },
  },
  needs: 'stack',
  async run(context) {
    const { values, positionals } = context.args;
    const url = parseUrl(positionals);
    const wait = textOf(values, 'timeout');
    const timeoutMs = wait === undefined ? 0 : parseDuration(wait, '--timeout', 's');
    const session = await openSession(context, 'get', { stdoutIsData: true });
    const failed = session.failed.then((error) => Promise.reject(error));
    const response = await Promise.race([fetchHead(session, url, timeoutMs), failed]);
    context.terminal.say(`HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`);
    await Promise.race([writeBody(response, textOf(values, 'output')), failed]);
    await session.drain();
    const bad = (response.statusCode ?? 0) >= 400 && isOn(values, 'fail');
    return bad ? ExitCode.NETWORK : ExitCode.OK;
  },
};

function parseUrl(positionals: readonly string[]): URL {
  const [text, ...rest] = positionals;
  if (text === undefined || rest.length > 0) throw usageError('get wants one URL', 'usage: synwave get URL');
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== 'http:') {
    throw usageError(`"${text}" is not an http URL`, 'write http://10.9.0.1:8000/');
  }
  return url;
}

function fetchHead(session: Session, url: URL, timeoutMs: number): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 80 : Number(url.port);
  const socket = session.connect({ host, port });
  if (timeoutMs > 0) {
    socket.setTimeout(timeoutMs, () => socket.destroy(networkError(`silent for ${timeoutMs / 1000} s`)));
  }
  return new Promise((resolve, reject) => {
    // No agent: one would open a connection of the kernel's, and keep it.
    request(url, { createConnection: () => socket, headers: { 'User-Agent': 'synwave' } })
      .once('response', resolve)
      .once('error', reject)
      .end();
  });
}

async function writeBody(response: IncomingMessage, file: string | undefined): Promise<void> {
  if (file !== undefined) {
    await pipeline(response, createWriteStream(file));
    return;
  }
  // stdout is never ended: the process still prints to it, and it may be shared.
  response.pipe(process.stdout, { end: false });
  await finished(response);
}
