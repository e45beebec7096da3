// Socket options of a script as settings of our connections, before and during their life.
import type { ConnectionConfig } from '../tcp/config.js';
import { controllerNamed } from '../tcp/congestion/registry.js';
import { errorNumber } from './calls.js';
import { Unsupported } from './outcome.js';
import type { CallResult, OptionValue } from './socket-call.js';
import { failure, type StackSocket } from './stack-socket.js';

const OK: CallResult = { value: 0, errno: null };
const MS_PER_SECOND = 1000;

/** Writes one option into settings, and into a connection that lives. */
type Setter = (socket: StackSocket, value: number) => void;

const SETTERS: Readonly<Record<string, Setter>> = {
  SO_REUSEADDR: () => {},
  SO_REUSEPORT: () => {},
  SO_OOBINLINE: () => {},
  SO_RCVLOWAT: () => {},
  SO_DEBUG: () => {},
  IP_MTU_DISCOVER: () => {},
  IPV6_V6ONLY: () => {},
  SO_RCVBUF: (socket, value) => change(socket, { receiveBufferBytes: value, receiveBufferMaxBytes: 0 }),
  SO_SNDBUF: (socket, value) => change(socket, { sendBufferBytes: value, sendBufferMaxBytes: 0 }),
  SO_KEEPALIVE: (socket, value) => {
    change(socket, { keepAlive: value !== 0 });
    socket.endpoint?.setKeepAlive(value !== 0, 0);
  },
  TCP_NODELAY: (socket, value) => {
    change(socket, { nagle: value === 0 });
    socket.endpoint?.setNagle(value === 0);
  },
  TCP_MAXSEG: (socket, value) => change(socket, { receiveMss: value, pathMss: value }),
  TCP_CORK: (socket, value) => socket.setCork(value !== 0),
  TCP_KEEPIDLE: (socket, value) => {
    change(socket, { keepAliveIdleMs: value * MS_PER_SECOND });
    const { endpoint } = socket;
    if (endpoint !== null) endpoint.setKeepAlive(endpoint.connection.keepAlive, value * MS_PER_SECOND);
  },
  TCP_KEEPINTVL: (socket, value) => changeProbing(socket, { keepAliveIntervalMs: value * MS_PER_SECOND }),
  TCP_KEEPCNT: (socket, value) => changeProbing(socket, { keepAliveProbes: value }),
  TCP_USER_TIMEOUT: (socket, value) => {
    change(socket, { userTimeoutMs: value });
    socket.endpoint?.setUserTimeout(value);
  },
  TCP_FASTOPEN: (socket, value) => change(socket, { fastOpen: value > 0, fastOpenPending: value }),
  TCP_LINGER2: (socket, value) => change(socket, { finWait2Ms: value * MS_PER_SECOND }),
  IP_TOS: setTrafficClass,
  IPV6_TCLASS: setTrafficClass,
  IP_TTL: (socket, value) => change(socket, { ttl: value }),
  IPV6_UNICAST_HOPS: (socket, value) => change(socket, { ttl: value }),
};

function changeProbing(socket: StackSocket, settings: Partial<ConnectionConfig>): void {
  change(socket, settings);
  const { endpoint } = socket;
  if (endpoint === null) return;
  const { keepAliveIntervalMs, keepAliveProbes } = endpoint.connection.config;
  endpoint.setKeepAliveProbing(keepAliveIntervalMs, keepAliveProbes);
}

function setTrafficClass(socket: StackSocket, value: number): void {
  change(socket, { dscp: value >> 2 });
  socket.endpoint?.setDscp(value >> 2);
}

/**
 * Changes the settings of the connection to come, of those that a listener will hand out, or of the connection itself, which
 * no other shares in a drill.
 */
function change(socket: StackSocket, settings: Partial<ConnectionConfig>): void {
  Object.assign(socket.config, settings);
  if (socket.listener !== null) {
    Object.assign(socket.listener.configs.v4, settings);
    Object.assign(socket.listener.configs.v6, settings);
  }
  if (socket.endpoint !== null) Object.assign(socket.endpoint.connection.config, settings);
}

/** `setsockopt`. @throws Unsupported */
export function setOption(socket: StackSocket, option: string, value: OptionValue): CallResult {
  socket.options.set(option, value);
  if (option === 'SO_LINGER') {
    if (typeof value !== 'object') return failure('EINVAL');
    socket.lingersNot = value.onoff !== 0 && value.linger === 0;
    return OK;
  }
  if (option === 'TCP_CONGESTION') {
    const congestion = controllerNamed(String(value));
    if (congestion === null) return failure('ENOENT');
    if (socket.endpoint !== null)
      throw new Unsupported('the controller of a connection that lives cannot be changed');
    change(socket, { congestion });
    return OK;
  }
  const set = Object.hasOwn(SETTERS, option) ? SETTERS[option] : undefined;
  if (set === undefined) throw new Unsupported(`setsockopt() of ${option} is not supported by the stack`);
  set(socket, Number(value));
  return OK;
}

/** `getsockopt`. @throws Unsupported */
export function getOption(socket: StackSocket, option: string): CallResult {
  const stored = socket.options.get(option);
  const connection = socket.endpoint?.connection;
  switch (option) {
    case 'SO_ERROR':
      return { ...OK, out: errorNumber(socket.takeAnyError()) };
    case 'TCP_MAXSEG':
      return { ...OK, out: connection?.snd.mss ?? stored ?? 536 };
    case 'TCP_NODELAY':
      return { ...OK, out: connection === undefined ? (stored ?? 0) : connection.nagle ? 0 : 1 };
    case 'SO_KEEPALIVE':
      return { ...OK, out: connection === undefined ? (stored ?? 0) : connection.keepAlive ? 1 : 0 };
    case 'TCP_CONGESTION':
      return { ...OK, out: stored ?? connection?.congestion.name ?? 'cubic' };
    case 'SO_ACCEPTCONN':
      return { ...OK, out: socket.listener?.isListening === true ? 1 : 0 };
    case 'SO_RCVBUF':
    case 'SO_SNDBUF':
      return { ...OK, out: stored ?? 0 };
    case 'SO_TYPE':
      return { ...OK, out: 1 };
    default:
      if (stored === undefined)
        throw new Unsupported(`getsockopt() of ${option} is not supported by the stack`);
      return { ...OK, out: stored };
  }
}
