// What a verb ends with when it does not end well: exit codes, and errors that name the remedy.

/** Exit codes of `synwave`. */
export const ExitCode = {
  OK: 0,
  /** An assertion, a judge or the program itself failed. */
  FAILED: 1,
  USAGE: 2,
  /** The machine lacks something: `synwave doctor` would say FAIL. */
  ENVIRONMENT: 3,
  /** The peer or the network refused, reset or timed out. */
  NETWORK: 4,
  INTERRUPTED: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** An end that people can act upon: printed as two lines, without a stack trace. */
export class CliFailure extends Error {
  /**
   * @param code stable name, such as `ERR_SYNWAVE_USAGE`
   * @param exitCode what the process ends with
   * @param remedy what to do about it; empty when the message says it all
   */
  constructor(
    message: string,
    readonly code: string,
    readonly exitCode: ExitCode,
    readonly remedy = '',
  ) {
    super(message);
    this.name = 'CliFailure';
  }
}

/** The command line is wrong: exit 2, code `ERR_SYNWAVE_USAGE`. */
export function usageError(message: string, remedy = ''): CliFailure {
  return new CliFailure(message, 'ERR_SYNWAVE_USAGE', ExitCode.USAGE, remedy);
}

/** The machine is not as it must be: exit 3, code `ERR_SYNWAVE_ENVIRONMENT`. */
export function environmentError(message: string, remedy: string): CliFailure {
  return new CliFailure(message, 'ERR_SYNWAVE_ENVIRONMENT', ExitCode.ENVIRONMENT, remedy);
}

/** The peer or the network failed us: exit 4, code `ERR_SYNWAVE_NETWORK`. */
export function networkError(message: string, remedy = ''): CliFailure {
  return new CliFailure(message, 'ERR_SYNWAVE_NETWORK', ExitCode.NETWORK, remedy);
}

const NETWORK_CODES = new Map([
  ['ECONNREFUSED', 'nothing listens on that port: the peer answered with RST'],
  ['ECONNRESET', 'the peer reset the connection'],
  ['ECONNABORTED', 'the connection was aborted'],
  ['ETIMEDOUT', 'the peer did not answer in time; is it up, and the route to it?'],
  ['EHOSTUNREACH', 'a router says that the host cannot be reached'],
  ['ENETUNREACH', 'there is no route to that network; see --addr and --peer'],
  ['EPIPE', 'our side of the connection was closed already'],
  ['ENOTFOUND', 'the name has no address; use a numeric address'],
  ['EADDRINUSE', 'that port is taken on this stack; choose another'],
  ['EADDRNOTAVAIL', 'no address or port of this stack fits; see --addr and -p'],
  ['EPROTO', 'the peer broke the protocol'],
]);

const NO_SUCH_PLACE = 'the file that is named cannot be used; check its path';

const ENVIRONMENT_CODES = new Map([
  ['ENOENT', NO_SUCH_PLACE],
  ['ENOTDIR', NO_SUCH_PLACE],
  ['EISDIR', NO_SUCH_PLACE],
  ['EROFS', NO_SUCH_PLACE],
  ['ENOSPC', 'the disk is full'],
  ['EPERM', 'more rights are needed: run with sudo, or see `synwave doctor`'],
  ['EACCES', 'more rights are needed: run with sudo, or see `synwave doctor`'],
  ['EBUSY', 'the device is open in another process; choose another: --link tun:OTHER'],
  ['ENODEV', 'the device is missing; `synwave doctor` says what to do'],
  ['ENXIO', 'the kernel has no TUN driver; try `modprobe tun`'],
]);

/** Maps any error to the failure that the user sees; an unknown one keeps its stack as a fault of this program. */
export function toFailure(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error;
  const { code, message, remedy } = error as { code?: unknown; message?: string; remedy?: unknown };
  const name = typeof code === 'string' ? code : '';
  const said = typeof remedy === 'string' ? remedy : '';
  const network = NETWORK_CODES.get(name);
  if (network !== undefined) return new CliFailure(message ?? name, name, ExitCode.NETWORK, said || network);
  const environment = ENVIRONMENT_CODES.get(name);
  if (environment !== undefined) {
    return new CliFailure(message ?? name, name, ExitCode.ENVIRONMENT, said || environment);
  }
  if (name === 'ERR_SYNWAVE_RULE') {
    return new CliFailure(
      message ?? name,
      name,
      ExitCode.USAGE,
      said || 'write --rule "drop dir=out flags=FA nth=1"',
    );
  }
  if (/^ERR_(SYNWAVE|TUN|LINK|NATIVE)/.test(name)) {
    return new CliFailure(message ?? name, name, ExitCode.ENVIRONMENT, said || 'run `synwave doctor`');
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CliFailure(text, name || 'ERR_SYNWAVE_INTERNAL', ExitCode.FAILED);
}
