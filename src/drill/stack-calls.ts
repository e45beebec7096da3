// The socket layer over a stack: descriptors, and each call of a script carried out on its socket.
import type { Endpoint } from '../stack/endpoint.js';
import type { Stack } from '../stack/stack.js';
import type { ConnectionConfig } from '../tcp/config.js';
import type { IpAddress } from '../wire/address.js';
import { Unsupported } from './outcome.js';
import type { CallResult, SocketCall } from './socket-call.js';
import { getOption, setOption } from './stack-options.js';
import { type Attempt, BLOCKS, failure, StackSocket } from './stack-socket.js';

const OK: CallResult = { value: 0, errno: null };
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;

/** What the calls need of the run. */
export interface StackCallsHost {
  readonly stack: Stack;
  readonly remote: IpAddress;
  /** Ports of `bind` and `connect` that name none. */
  readonly bindPort: number;
  readonly connectPort: number;
  /** Settings that the script has asked for so far. */
  readonly config: () => Partial<ConnectionConfig>;
}

/** Sockets of one script by descriptor. */
export class StackCalls {
  private readonly sockets = new Map<number, StackSocket>();
  /** The connection that was opened or accepted last. */
  underTest: Endpoint | null = null;

  constructor(private readonly host: StackCallsHost) {}

  /** Tries a call once. @param firstTry false when it blocked before @throws Unsupported */
  attempt(call: SocketCall, firstTry: boolean): Attempt {
    if (call.name === 'socket') return this.open(call);
    if (call.name === 'poll') return this.poll(call);
    const socket = this.sockets.get(call.fd);
    if (socket === undefined) return failure('EBADF');
    switch (call.name) {
      case 'bind':
        socket.boundPort = call.port ?? this.host.bindPort;
        return OK;
      case 'listen':
        return this.listen(socket, call.backlog);
      case 'accept':
        return this.accept(socket, call.newFd, call.nonblocking);
      case 'connect':
        return this.connect(socket, call.port, firstTry);
      case 'read':
        return socket.read(call.length, call.flags);
      case 'write':
        return call.flags.includes('MSG_FASTOPEN')
          ? this.sendOpening(socket, call)
          : socket.write(call.length, call.text, call.flags);
      case 'shutdown':
        return socket.shutdown(call.how);
      case 'close':
        this.sockets.delete(call.fd);
        return socket.close();
      case 'fcntl':
        return fcntl(socket, call.command, call.nonblocking);
      case 'setsockopt':
        return setOption(socket, call.option, call.value);
      case 'getsockopt':
        return getOption(socket, call.option);
      case 'ioctl':
        return { ...OK, out: socket.queued(call.request) };
    }
  }

  private open(call: SocketCall & { name: 'socket' }): CallResult {
    this.sockets.set(call.fd, new StackSocket(call.nonblocking));
    return { value: call.fd, errno: null };
  }

  private listen(socket: StackSocket, backlog: number): CallResult {
    const { stack, bindPort, config } = this.host;
    try {
      socket.listener = stack.listen(
        {
          address: null,
          port: socket.boundPort ?? bindPort,
          backlog,
          config: { ...config(), ...socket.config },
        },
        // Connections wait until the script accepts them.
        { onAcceptable: () => {} },
      );
    } catch (error) {
      return failure(codeOf(error));
    }
    return OK;
  }

  private accept(socket: StackSocket, newFd: number, nonblocking: boolean): Attempt {
    const { listener } = socket;
    if (listener === null || !listener.isListening) return failure('EINVAL');
    const endpoint = listener.accept();
    if (endpoint === null) return socket.isNonblocking ? failure('EAGAIN') : BLOCKS;
    const accepted = new StackSocket(nonblocking);
    for (const [name, value] of socket.options) accepted.options.set(name, value);
    accepted.lingersNot = socket.lingersNot;
    accepted.attach(endpoint, false);
    this.sockets.set(newFd, accepted);
    this.underTest = endpoint;
    return { value: newFd, errno: null };
  }

  private connect(socket: StackSocket, port: number | null, firstTry: boolean): Attempt {
    if (socket.listener !== null) return failure('EISCONN');
    if (socket.endpoint !== null) {
      const result = socket.connectResult();
      if (result !== BLOCKS || !socket.isNonblocking) return result;
      return failure(firstTry ? 'EALREADY' : 'EINPROGRESS');
    }
    const { stack, remote, connectPort, config } = this.host;
    try {
      const endpoint = stack.connect(
        {
          remote,
          remotePort: port ?? connectPort,
          ...(socket.boundPort === null ? {} : { localPort: socket.boundPort }),
          config: { ...config(), ...socket.config },
        },
        socket,
      );
      socket.attach(endpoint, true);
      this.underTest = endpoint;
    } catch (error) {
      return failure(codeOf(error));
    }
    return socket.isNonblocking ? failure('EINPROGRESS') : BLOCKS;
  }

  /** `sendto` with MSG_FASTOPEN: opens the connection, if there is none. */
  private sendOpening(socket: StackSocket, call: SocketCall & { name: 'write' }): Attempt {
    if (socket.endpoint !== null) return failure('EISCONN');
    if (!socket.isNonblocking)
      throw new Unsupported('MSG_FASTOPEN is supported on non-blocking sockets only');
    socket.config.fastOpen = true;
    const opened = this.connect(socket, null, true);
    return opened === BLOCKS || opened.errno === 'EINPROGRESS' ? socket.writeEarly(call.length) : opened;
  }

  private poll(call: SocketCall & { name: 'poll' }): Attempt {
    const always = ['POLLERR', 'POLLHUP', 'POLLNVAL'];
    const found = call.fds.map(({ fd, events }) => {
      const now: readonly string[] = this.sockets.get(fd)?.pollEvents() ?? ['POLLNVAL'];
      return now.filter((event) => events.includes(event) || always.includes(event));
    });
    const count = found.filter((events) => events.length > 0).length;
    if (count === 0 && call.timeoutMs !== 0) return BLOCKS;
    return { value: count, errno: null, out: found };
  }
}

function fcntl(socket: StackSocket, command: string, nonblocking: boolean): CallResult {
  if (command === 'F_GETFL') return { value: O_RDWR | (socket.isNonblocking ? O_NONBLOCK : 0), errno: null };
  socket.isNonblocking = nonblocking;
  return OK;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return code;
  throw error instanceof Unsupported ? error : (error as Error);
}
