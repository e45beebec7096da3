// `synwave get`: a small HTTP client over the stack.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { formatEndpoint } from '../wire/address.js';
import { ExitCode, networkError, usageError } from './failure.js';
import { isOn, textOf } from './options.js';
import { openSession, type Session, type StackSocket } from './session.js';
import { parseDuration } from './values.js';
import type { Verb } from './verb.js';

/** `synwave get`. */
export const get: Verb = {
  name: 'get',
  summary: 'fetch a URL over the stack',
  usage: 'URL [-o FILE] [--fail]',
  description: `
Fetches http://HOST[:PORT]/PATH and writes the body to stdout. With --fail a status of 400 and above ends with exit
code 4. With --json the body is counted and summed but not printed; -o still writes it.

  synwave get http://10.9.0.1:8000/ -o page.html`,
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', help: 'write the body there' },
    fail: { type: 'boolean', help: 'exit code 4 for a status of 400 and above' },
    timeout: { type: 'string', value: 'SEC', help: 'give up after so long a silence' },
  },
  json: { prints: 'status, headers, size and SHA-256 of the body, TCP_INFO' },
  needs: 'stack',
  async run(context) {
    const { values, positionals } = context.args;
    const url = parseUrl(positionals);
    const wait = textOf(values, 'timeout');
    const timeoutMs = wait === undefined ? 0 : parseDuration(wait, '--timeout', 's');
    const session = await openSession(context, 'get', { stdoutIsData: true });
    const failed = session.failed.then((error) => Promise.reject(error));
    const socket = connectTo(session, url, timeoutMs);
    const response = await Promise.race([fetchHead(socket, url), failed]);
    context.terminal.say(`HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`);
    const json = isOn(values, 'json');
    const target = bodyTarget(textOf(values, 'output'), json);
    const body = await Promise.race([writeBody(response, target), failed]);
    await session.drain();
    if (json) context.terminal.document(report(url, response, body, socket));
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

function connectTo(session: Session, url: URL, timeoutMs: number): StackSocket {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 80 : Number(url.port);
  const socket = session.connect({ host, port });
  if (timeoutMs > 0) {
    socket.setTimeout(timeoutMs, () => socket.destroy(networkError(`silent for ${timeoutMs / 1000} s`)));
  }
  return socket;
}

function fetchHead(socket: StackSocket, url: URL): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // No agent: one would open a connection of the kernel's, and keep it.
    request(url, { createConnection: () => socket, headers: { 'User-Agent': 'synwave' } })
      .once('response', resolve)
      .once('error', reject)
      .end();
  });
}

/** Where the body goes: a file, stdout, or nowhere. */
function bodyTarget(file: string | undefined, json: boolean): Writable {
  if (file !== undefined) return createWriteStream(file);
  if (json) return new Writable({ write: (_chunk, _encoding, done) => done() });
  // stdout is never ended: the process still prints to it. A reader that left ends the whole run, see main.ts.
  return new Writable({
    write: (chunk, _encoding, done) =>
      void process.stdout.write(chunk, (error) => {
        if (!error) done();
      }),
  });
}

interface Body {
  bytes: number;
  sha256: string;
}

async function writeBody(response: IncomingMessage, target: Writable): Promise<Body> {
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(
    response,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        yield chunk;
      }
    },
    target,
  );
  return { bytes, sha256: hash.digest('hex') };
}

/** What `--json` prints. */
function report(url: URL, response: IncomingMessage, body: Body, socket: StackSocket): object {
  return {
    verb: 'get',
    url: url.href,
    status: response.statusCode,
    headers: response.headers,
    ...body,
    connection: connectionSummary(socket),
    tcpInfo: socket.tcpInfo(),
  };
}

/** The numbers of the log's record of the connection's end. */
function connectionSummary(socket: StackSocket): object | null {
  const { endpoint } = socket;
  if (endpoint === null) return null;
  const { connection } = endpoint;
  const { local, localPort, remote, remotePort } = connection.tuple;
  return {
    local: formatEndpoint(local, localPort),
    remote: formatEndpoint(remote, remotePort),
    bytesIn: connection.bytesReceived,
    bytesOut: connection.bytesAcknowledged,
    segmentsIn: connection.segmentsIn,
    segmentsOut: connection.segmentsOut,
    retransmissions: connection.retransmissions,
    srttMs: connection.status().srttMs,
  };
}
