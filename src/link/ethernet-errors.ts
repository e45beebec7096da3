// What can go wrong with an Ethernet link, said so that the reader knows what to do.

/**
 * A failure around an Ethernet link. `code` is that of the system (`ENODEV`, `ENETDOWN`, `EPERM`) or one of ours:
 * `ERR_SYNWAVE_CAP_PACKAGE` (the package cap is missing or does not load), `ERR_SYNWAVE_CAP_THREAD` (not on the main
 * thread), `ERR_SYNWAVE_CAP` (libpcap refused), `ERR_SYNWAVE_ETHERNET_MEDIUM` (an interface of another kind),
 * `ERR_SYNWAVE_ETHERNET_ADDRESS` (the interface's MAC address is to be shared, without saying by which IP addresses).
 */
export class EthernetError extends Error {
  override readonly name = 'EthernetError';

  constructor(
    readonly code: string,
    message: string,
    details: { readonly cause?: unknown } = {},
  ) {
    super(message, details);
  }
}

function notAllowed(name: string, cause: unknown): EthernetError {
  const remedy = 'Run with sudo. In Docker add --cap-add NET_RAW --cap-add NET_ADMIN.';
  return new EthernetError(
    'EPERM',
    `not allowed to capture on ${name}: CAP_NET_RAW is missing in this network namespace. ${remedy}`,
    { cause },
  );
}

/** Rewords what the native binding threw while it opened a packet socket on an interface. */
export function explainSocketError(error: unknown, name: string): Error {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === 'EPERM' && syscall !== 'setns') return notAllowed(name, error);
  if (code === 'ENODEV') return interfaceLostError(name, true);
  if (code === undefined || syscall === undefined) return error as Error;
  return new EthernetError(code, `no packet socket can be opened on ${name}: ${message}`, { cause: error });
}

/** Rewords what the package threw while it opened an interface. */
export function explainCaptureError(error: unknown, name: string): EthernetError {
  const said = error instanceof Error ? error.message : String(error);
  if (/permi|CAP_NET_RAW/i.test(said)) return notAllowed(name, error);
  return new EthernetError(
    'ERR_SYNWAVE_CAP',
    `libpcap cannot capture on ${name}: ${said}. \`synwave doctor\` tells more.`,
    {
      cause: error,
    },
  );
}

/** What a failed `send` means for the link. */
export type SendFailure = 'full' | 'down' | 'gone' | 'packet';

/** Tells by the text of libpcap, which has no number: the kernel has no room, the interface is no more, or the frame is bad. */
export function sendFailureOf(error: unknown): SendFailure {
  const said = error instanceof Error ? error.message : '';
  if (/No buffer space|temporarily unavailable/i.test(said)) return 'full';
  if (/Network is down/i.test(said)) return 'down';
  if (/No such device/i.test(said)) return 'gone';
  return 'packet';
}

/** The end of a link whose interface is down or gone. */
export function interfaceLostError(name: string, isGone: boolean): EthernetError {
  return isGone
    ? new EthernetError('ENODEV', `interface ${name} was deleted`)
    : new EthernetError('ENETDOWN', `interface ${name} is down. Remedy: ip link set dev ${name} up`);
}
