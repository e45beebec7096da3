// What can go wrong with a TUN device, said so that the reader knows what to do. No system call is made here.
import { getSystemErrorName } from 'node:util';
import type { TunOwner } from './tun-owner.js';

/** Properties of a `TunError` beside its message. */
interface TunErrorDetails {
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  readonly path?: string | undefined;
  readonly cause?: unknown;
}

/**
 * A failure around a TUN device. `code` is that of the system (`ENOENT`, `EACCES`, `EPERM`, `EBUSY`, `EINVAL`,
 * `ENODEV` …) or one of ours: `ERR_SYNWAVE_TUN_NAME` (impossible interface name), `ERR_SYNWAVE_TUN_ADDRESS` (a device
 * that is not ours to change lacks an address or is down), `ERR_SYNWAVE_TUN_CONFIG` (`ip` refused), `ERR_SYNWAVE_IP_MISSING` (no
 * iproute2), `ERR_SYNWAVE_TUN_STUCK` (the device did not go away).
 */
export class TunError extends Error {
  override readonly name = 'TunError';
  /** Negative, as in Node's own system errors. */
  readonly errno: number | undefined;
  readonly syscall: string | undefined;
  readonly path: string | undefined;

  constructor(
    readonly code: string,
    message: string,
    details: TunErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.errno = details.errno;
    this.syscall = details.syscall;
    this.path = details.path;
  }
}

/**
 * Checks a name as the kernel would, before the kernel is asked; its own answer to a bad one is a bare EINVAL.
 * @throws TunError `ERR_SYNWAVE_TUN_NAME`
 */
export function checkInterfaceName(name: string): void {
  const reason = badNameReason(name);
  if (reason !== null) {
    throw new TunError('ERR_SYNWAVE_TUN_NAME', `${JSON.stringify(name)} cannot name an interface: ${reason}`);
  }
}

function badNameReason(name: string): string | null {
  if (Buffer.byteLength(name) > 15) return 'interface names have at most 15 letters';
  if (name === '.' || name === '..') return 'the kernel reserves it';
  if (!/^[!-~]*$/.test(name)) return 'only printable ASCII without spaces is allowed';
  if (/[/:]/.test(name)) return '"/" and ":" are not allowed';
  if (!/^[^%]*(%d)?[^%]*$/.test(name)) return '"%" is allowed only once, in "%d" for the first free number';
  return null;
}

/** What the addon throws. */
interface SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'errno' in error && 'code' in error;
}

const MAKE_NODE = 'modprobe tun; if it is still missing: mkdir -p /dev/net && mknod /dev/net/tun c 10 200';
/** What a TUN driver can make: an interface for IP packets, or one for Ethernet frames. */
type DeviceKind = 'TUN' | 'TAP';

const GRANT =
  'Run with sudo. In Docker add --cap-add NET_ADMIN --device /dev/net/tun. A device made for you by ' +
  '`ip tuntap add mode tun user $USER name NAME` (or `mode tap`) needs no capability.';

/**
 * Rewords what the addon threw while it opened `name`.
 * @param owner who has the device open, when that is known
 * @param hasQueues the device was to have several queues
 * @returns a TunError with the same code, errno and syscall, or the error itself when it is none of the system's
 */
export function explainOpenError(
  error: unknown,
  name: string,
  owner: TunOwner | null,
  kind: DeviceKind = 'TUN',
  hasQueues = false,
): unknown {
  if (!isSystemError(error)) return error;
  const { code, errno, syscall, path } = error;
  return new TunError(code, openMessage(error, name, owner, kind, hasQueues), {
    errno,
    syscall,
    path,
    cause: error,
  });
}

function openMessage(
  error: SystemError,
  name: string,
  owner: TunOwner | null,
  kind: DeviceKind,
  hasQueues: boolean,
): string {
  if (error.syscall === 'open' && error.path === '/dev/net/tun') return nodeMessage(error);
  if (error.syscall === 'open' || error.syscall === 'setns') return namespaceMessage(error);
  const device = name === '' ? `a ${kind} device` : `${kind} device ${name}`;
  switch (error.code) {
    case 'EPERM':
      return `not allowed to open ${device}: CAP_NET_ADMIN is missing in this network namespace. ${GRANT}`;
    case 'EBUSY':
      return busyMessage(device, owner);
    case 'EINVAL':
      if (error.syscall === 'SIOCSIFMTU')
        return `${device} does not take this MTU: 68 to 65535 bytes are possible.`;
      if (hasQueues) {
        return (
          `cannot open ${device} with several queues: the interface of that name is of another kind or has only one. ` +
          'Choose another name, or make it so: ' +
          `ip tuntap add mode ${kind.toLowerCase()} multi_queue name ${name === '' ? 'NAME' : name}`
        );
      }
      return (
        `cannot open ${device}: the name belongs to an interface of another kind (not ${kind}, or multi-queue). ` +
        `Choose another name; \`ip -d link show dev ${name}\` tells what it is.`
      );
    case 'E2BIG':
      return `${device} has as many queues as the kernel gives it (256). Open fewer.`;
    default:
      return `cannot open ${device}: ${error.message}`;
  }
}

function busyMessage(device: string, owner: TunOwner | null): string {
  const who = owner === null ? 'another process' : describeOwner(owner);
  return `${device} is already open in ${who}. Stop it, or choose another name.`;
}

/** Somebody has the device open whose queues we may not share, although the kernel would let us. */
export function busyError(name: string, owner: TunOwner): TunError {
  return new TunError('EBUSY', busyMessage(`TUN device ${name}`, owner));
}

function nodeMessage(error: SystemError): string {
  switch (error.code) {
    case 'ENOENT':
      return `/dev/net/tun is missing. ${MAKE_NODE}. In Docker add --device /dev/net/tun.`;
    case 'ENXIO':
    case 'ENODEV':
      return `/dev/net/tun is there, but the kernel has no TUN driver behind it. ${MAKE_NODE}.`;
    case 'EACCES':
    case 'EPERM':
      return `/dev/net/tun is present but not readable by you: run as root. In Docker add --device /dev/net/tun.`;
    default:
      return `cannot open /dev/net/tun: ${error.message}`;
  }
}

function namespaceMessage(error: SystemError): string {
  const path = error.path ?? 'the network namespace';
  if (error.code === 'ENOENT')
    return `network namespace ${path} does not exist. \`ip netns add NAME\` makes one.`;
  if (error.code === 'EPERM') return `not allowed to enter ${path}: CAP_SYS_ADMIN is missing. Run with sudo.`;
  if (error.code === 'EINVAL') return `${path} is not a network namespace.`;
  return `cannot enter network namespace ${path}: ${error.message}`;
}

function describeOwner(owner: TunOwner): string {
  return owner.pid === process.pid ? 'this process' : `another process (pid ${owner.pid}, ${owner.command})`;
}

/** The end of a link whose device is gone. @param errno positive, as the addon reports it */
export function deviceGoneError(name: string, errno: number, kind: DeviceKind = 'TUN'): TunError {
  const code = getSystemErrorName(-errno);
  const message =
    code === 'ENODEV'
      ? `${kind} device ${name} was deleted`
      : `${kind} device ${name} broke: ${code} while reading or writing`;
  return new TunError(code, message, { errno: -errno });
}
