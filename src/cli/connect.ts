// `synwave connect`: a connection from the stack, joined with stdin and stdout.
import { ExitCode, networkError, usageError } from './failure.js';
import { isOn, textOf } from './options.js';
import { openSession, type StackSocket } from './session.js';
import { joinStandardStreams } from './standard-streams.js';
import { parseDuration, parsePort } from './values.js';
import type { Context, Verb } from './verb.js';

/** `synwave connect`. */
export const connect: Verb = {
  name: 'connect',
  summary: 'connect to a server, as nc does',
  usage: 'HOST PORT [-N] [-w SEC] [-p SPORT] [--rst]',
  description: `
Connects from the stack to a server on the kernel's side; stdin goes out, what comes is written to stdout, byte for byte.

  synwave sh -- nc -l 8000            in one terminal, after \`synwave up\`
  synwave connect 10.9.0.1 8000       in another

When stdin ends, -N sends our FIN and receiving goes on; without it the connection stays open until the peer ends it.
--rst ends by RST instead.`,
  options: {
    'half-close': { type: 'boolean', short: 'N', help: 'send FIN at the end of stdin' },
    timeout: {
      type: 'string',
      short: 'w',
      value: 'SEC',
      help: 'give up when connecting, or silence, lasts so long',
    },
    'source-port': { type: 'string', short: 'p', value: 'SPORT', help: 'local port' },
    rst: { type: 'boolean', help: 'end by RST instead of FIN' },
  },
  json: { instead: 'the log tells of the connection, as JSON lines in a file: --log FILE' },
  needs: 'stack',
  async run(context) {
    const { values, positionals } = context.args;
    const [host, port, ...rest] = positionals;
    if (host === undefined || port === undefined || rest.length > 0) {
      throw usageError('connect wants a host and a port', 'usage: synwave connect HOST PORT');
    }
    const target = { host, port: parsePort(port, 'PORT') };
    const source = textOf(values, 'source-port');
    const wait = textOf(values, 'timeout');
    const timeoutMs = wait === undefined ? 0 : parseDuration(wait, '-w', 's');
    const localPort = source === undefined ? undefined : parsePort(source, '-p');
    const session = await openSession(context, 'connect', {
      stdoutIsData: true,
      ports: localPort === undefined ? [] : [localPort],
    });
    const socket = session.connect({ ...target, ...(localPort === undefined ? {} : { localPort }) });
    const carried = transfer(context, socket, timeoutMs);
    await Promise.race([carried, session.failed.then(rethrow)]);
    await session.drain();
    return ExitCode.OK;
  },
};

/** A promise that resolves with an error becomes one that rejects. */
function rethrow(error: Error): never {
  throw error;
}

/** Waits for the connection, joins it with the standard streams, and says at the end what it carried. */
export async function transfer(context: Context, socket: StackSocket, timeoutMs: number): Promise<void> {
  const { values } = context.args;
  const { terminal } = context;
  let connected = !socket.connecting;
  socket.once('connect', () => {
    connected = true;
  });
  if (timeoutMs > 0) {
    socket.setTimeout(timeoutMs, () => {
      const seconds = timeoutMs / 1000;
      socket.destroy(
        networkError(connected ? `silent for ${seconds} s` : `no answer within ${seconds} s`, 'see -w SEC'),
      );
    });
  }
  const result = await joinStandardStreams(socket, {
    input: process.stdin,
    output: process.stdout,
    halfClose: isOn(values, 'half-close'),
    reset: isOn(values, 'rst'),
  });
  terminal.say(`sent ${result.sent} bytes, received ${result.received}`);
}
