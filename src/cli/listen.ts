// `synwave listen`: takes a connection on the stack and joins it with stdin and stdout.
import { transfer } from './connect.js';
import { CliFailure, ExitCode, toFailure, usageError } from './failure.js';
import { isOn, textOf } from './options.js';
import { openSession, type StackSocket } from './session.js';
import { parseDuration, parsePort } from './values.js';
import type { Verb } from './verb.js';

/** `synwave listen`. */
export const listen: Verb = {
  name: 'listen',
  summary: 'take a connection, as nc -l does',
  usage: 'PORT [-k] [-N] [-w SEC]',
  description: `
Takes one connection (-k: one after the other) and joins it with stdin and stdout, byte for byte.

  synwave listen 8000                          in one terminal
  synwave sh -- nc -N 10.9.0.2 8000            in another`,
  options: {
    'keep-open': { type: 'boolean', short: 'k', help: 'take the next connection when one has ended' },
    'half-close': { type: 'boolean', short: 'N', help: 'send FIN at the end of stdin' },
    timeout: {
      type: 'string',
      short: 'w',
      value: 'SEC',
      help: 'give a connection up that is silent so long',
    },
    rst: { type: 'boolean', help: 'end by RST instead of FIN' },
  },
  json: { instead: 'the log tells of the connection, as JSON lines in a file: --log FILE' },
  needs: 'stack',
  async run(context) {
    const { values, positionals } = context.args;
    const [port, ...rest] = positionals;
    if (port === undefined || rest.length > 0)
      throw usageError('listen wants a port', 'usage: synwave listen PORT');
    const number = parsePort(port, 'PORT');
    const wait = textOf(values, 'timeout');
    const timeoutMs = wait === undefined ? 0 : parseDuration(wait, '-w', 's');
    const keep = isOn(values, 'keep-open');
    const session = await openSession(context, 'listen', { stdoutIsData: true, ports: [number] });
    const failed = session.failed.then((error) => Promise.reject(error));
    const queue = new ConnectionQueue();
    await session.listen(number, (socket) => queue.push(socket));
    context.terminal.say(`listening on ${session.address} port ${number}`);
    session.peer
      ?.visit(session.address, number)
      .catch((error: Error) => context.terminal.complain(error.message));
    do {
      const socket = await Promise.race([queue.next(), failed]);
      if (!keep) queue.refuseFurther();
      try {
        await Promise.race([transfer(context, socket, timeoutMs), failed]);
      } catch (error) {
        const failure = toFailure(error);
        if (!keep || !(failure instanceof CliFailure) || failure.exitCode !== ExitCode.NETWORK) throw error;
        context.terminal.complain(failure.message);
      }
    } while (keep);
    await session.drain();
    return ExitCode.OK;
  },
};

/** Connections in the order of their arrival; each waits, unread, until it is its turn. */
class ConnectionQueue {
  private readonly waiting: StackSocket[] = [];
  private waiter: ((socket: StackSocket) => void) | null = null;
  private refusing = false;

  push(socket: StackSocket): void {
    if (this.refusing) {
      socket.resetAndDestroy();
      return;
    }
    socket.pause();
    // Whoever resets while it waits must not bring the program down; `transfer` listens for itself later.
    socket.on('error', () => {});
    if (this.waiter === null) this.waiting.push(socket);
    else this.waiter(socket);
    this.waiter = null;
  }

  next(): Promise<StackSocket> {
    const socket = this.waiting.shift();
    if (socket !== undefined) return Promise.resolve(socket);
    return new Promise((resolve) => {
      this.waiter = resolve;
    });
  }

  refuseFurther(): void {
    this.refusing = true;
    for (const socket of this.waiting.splice(0)) socket.resetAndDestroy();
  }
}
