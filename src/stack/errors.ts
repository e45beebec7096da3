// Errors of `listen` and `connect`, shaped like those of `node:net`: `code`, `errno`, `syscall`, `address`, `port`.
import { constants } from 'node:os';
import { formatEndpoint, type IpAddress } from '../wire/address.js';

/** Codes that a stack throws. */
export type StackErrorCode =
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'EINVAL'
  | 'EHOSTUNREACH'
  | 'ENETDOWN'
  | 'ENETUNREACH'
  | 'ENOBUFS';

/** What they carry. */
export interface StackError extends Error {
  code: StackErrorCode;
  /** Negative, as libuv has it. */
  errno: number;
  syscall: string;
  address?: string;
  port?: number;
}

const TEXT: Record<StackErrorCode, string> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'address not available',
  EINVAL: 'invalid argument',
  EHOSTUNREACH: 'host is unreachable',
  ENETDOWN: 'network is down',
  ENETUNREACH: 'network is unreachable',
  ENOBUFS: 'no buffer space available',
};

/**
 * Makes such an error.
 * @param remedy what the caller can do, added to the message
 */
export function systemError(
  code: StackErrorCode,
  syscall: string,
  address: IpAddress | string | undefined,
  port: number | undefined,
  remedy = '',
): StackError {
  const where =
    address === undefined
      ? ''
      : port === undefined
        ? ` ${address}`
        : typeof address === 'string'
          ? ` ${address}:${port}`
          : ` ${formatEndpoint(address, port)}`;
  const message = `${syscall} ${code}: ${TEXT[code]}${where}${remedy === '' ? '' : ` (${remedy})`}`;
  const error = Object.assign(new Error(message), { code, errno: -constants.errno[code], syscall });
  if (address !== undefined) Object.assign(error, { address: String(address) });
  if (port !== undefined) Object.assign(error, { port });
  return error;
}
