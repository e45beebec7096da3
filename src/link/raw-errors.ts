// What can go wrong with a raw socket, said so that the reader knows what to do.
import { getSystemErrorMap } from 'node:util';

/**
 * A failure around a raw link. `code` is that of the system (`EPERM`, `EAFNOSUPPORT` …) or one of ours:
 * `ERR_SYNWAVE_RAW_PACKAGE` (the package raw-socket is missing or does not load), `ERR_SYNWAVE_RAW_THREAD` (not on the main
 * thread), `ERR_SYNWAVE_RAW_ADDRESS` (no address, or one whose packets the kernel does not deliver),
 * `ERR_SYNWAVE_RAW_PORT` (the kernel itself uses a port), `ERR_SYNWAVE_NFT_MISSING` (no nftables for the guard),
 * `ERR_SYNWAVE_NFT` (nftables refused).
 */
export class RawError extends Error {
  override readonly name = 'RawError';

  constructor(
    readonly code: string,
    message: string,
    /** The system call that failed, if it was one. */
    readonly syscall?: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

/** Texts of strerror(3) that differ from those of libuv: of glibc, and of musl. */
const TEXTS: readonly (readonly [text: string, code: string])[] = [
  ['no route to host', 'EHOSTUNREACH'],
  ['network unreachable', 'ENETUNREACH'],
  ['host is unreachable', 'EHOSTUNREACH'],
  ['message too large', 'EMSGSIZE'],
  ['address family not supported by protocol', 'EAFNOSUPPORT'],
  ['protocol not supported', 'EPROTONOSUPPORT'],
  ['cannot assign requested address', 'EADDRNOTAVAIL'],
  ['no such device', 'ENODEV'],
];

let codes: Map<string, string> | null = null;

function codeTable(): Map<string, string> {
  const table = new Map<string, string>();
  for (const [code, text] of getSystemErrorMap().values()) table.set(text, code);
  for (const [text, code] of TEXTS) table.set(text, code);
  return table;
}

/** The package throws what strerror(3) says and no number. Returns the code of it, `EUNKNOWN` for an unknown text. */
export function codeOf(error: unknown): string {
  codes ??= codeTable();
  const text = error instanceof Error ? error.message.toLowerCase() : '';
  return codes.get(text) ?? 'EUNKNOWN';
}

/** Rewords what the package threw while it made a socket of a family. */
export function explainSocketError(error: unknown, family: 4 | 6): RawError {
  const code = codeOf(error);
  const what = `cannot make a raw IPv${family} socket`;
  if (code === 'EPERM' || code === 'EACCES') {
    const remedy = 'Run with sudo. In Docker add --cap-add NET_RAW --cap-add NET_ADMIN.';
    return new RawError(
      code,
      `${what}: CAP_NET_RAW is missing in this network namespace. ${remedy}`,
      'socket',
      error,
    );
  }
  if (code === 'EAFNOSUPPORT') {
    const remedy = `Use addresses of the other family.`;
    return new RawError(code, `${what}: this kernel has no IPv${family}. ${remedy}`, 'socket', error);
  }
  const said = error instanceof Error ? error.message : String(error);
  return new RawError(code, `${what}: ${said}. \`synwave doctor\` tells more.`, 'socket', error);
}
