// The socket calls that scripts make, in one form for every subject: what a script writes is translated to it by calls.ts,
// and sockets of the stack or of the kernel carry it out.

/** Events of `poll`, by their names there. */
export type PollEvent = 'POLLIN' | 'POLLOUT' | 'POLLERR' | 'POLLHUP' | 'POLLRDHUP' | 'POLLPRI' | 'POLLNVAL';

/** One call. File descriptors are those of the script. */
export type SocketCall =
  | { readonly name: 'socket'; readonly family: 4 | 6; readonly nonblocking: boolean; readonly fd: number }
  | { readonly name: 'bind'; readonly fd: number; readonly port: number | null }
  | { readonly name: 'listen'; readonly fd: number; readonly backlog: number }
  | { readonly name: 'accept'; readonly fd: number; readonly newFd: number; readonly nonblocking: boolean }
  | { readonly name: 'connect'; readonly fd: number; readonly port: number | null }
  | { readonly name: 'read'; readonly fd: number; readonly length: number; readonly flags: readonly string[] }
  | {
      readonly name: 'write';
      readonly fd: number;
      readonly length: number;
      /** Given by the script; null for octets of the pattern. */
      readonly text: string | null;
      readonly flags: readonly string[];
    }
  | { readonly name: 'shutdown'; readonly fd: number; readonly how: 'SHUT_RD' | 'SHUT_WR' | 'SHUT_RDWR' }
  | { readonly name: 'close'; readonly fd: number }
  | { readonly name: 'fcntl'; readonly fd: number; readonly command: string; readonly nonblocking: boolean }
  | { readonly name: 'setsockopt'; readonly fd: number; readonly option: string; readonly value: OptionValue }
  | { readonly name: 'getsockopt'; readonly fd: number; readonly option: string }
  | { readonly name: 'ioctl'; readonly fd: number; readonly request: 'SIOCINQ' | 'SIOCOUTQ' }
  | {
      readonly name: 'poll';
      readonly fds: readonly { readonly fd: number; readonly events: readonly string[] }[];
      readonly timeoutMs: number;
    };

/** What an option is set to, or what was read: a number, a word, or on and time of SO_LINGER. */
export type OptionValue = number | string | { readonly onoff: number; readonly linger: number };

/** How a call returned. */
export interface CallResult {
  /** -1 for an error. */
  readonly value: number;
  readonly errno: string | null;
  /** Read by getsockopt or ioctl; the events found by poll. */
  readonly out?: OptionValue | readonly (readonly string[])[];
  /** Position in the stream of the first octet read that is not the one sent; null when all are right. */
  readonly corruptAt?: number | null;
}

/** A call on its way. */
export interface PendingCall {
  readonly call: SocketCall;
  /** Null while it blocks. */
  settled: { readonly result: CallResult; readonly atMs: number } | null;
}
