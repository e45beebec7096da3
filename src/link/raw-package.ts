// The optional package raw-socket: loaded when a raw link is opened and not before, and used by the part of it that
// works without its queue. Why so stands in native-notes/raw-socket.md.
import { isMainThread } from 'node:worker_threads';
import { RawError } from './raw-errors.js';

/** The native socket below the package's `Socket`. Its calls are synchronous and throw Errors with the text of strerror(3). */
export interface SocketWrap {
  /** Reads one packet into the whole of `buffer`; throws when there is none. */
  recv(buffer: Buffer, done: (buffer: Buffer, bytes: number, source: string) => void): void;
  send(buffer: Buffer, offset: number, length: number, address: string, done: (bytes: number) => void): void;
  on(event: 'recvReady' | 'sendReady' | 'error', listener: (error?: Error) => void): void;
  removeAllListeners(event: string): void;
}

/** The package's socket, as far as it is used. */
export interface RawSocket {
  readonly wrap: SocketWrap;
  setOption(level: number, option: number, value: number | Buffer, length?: number): void;
  pauseRecv(): void;
  resumeRecv(): void;
  pauseSend(): void;
  resumeSend(): void;
  close(): void;
}

/** What the package exports, as far as it is used. */
export interface RawSocketPackage {
  /** `addressFamily` is 1 for IPv4 and 2 for IPv6. */
  createSocket(options: { protocol: number; addressFamily: 1 | 2; bufferSize: number }): RawSocket;
}

/**
 * Loads the package.
 * @throws RawError `ERR_SYNWAVE_RAW_PACKAGE`, `ERR_SYNWAVE_RAW_THREAD`
 */
export async function loadRawSocket(): Promise<RawSocketPackage> {
  if (!isMainThread) {
    throw new RawError(
      'ERR_SYNWAVE_RAW_THREAD',
      'the package raw-socket works on the main thread only, and would crash here. Open the link there, or use tunLink.',
    );
  }
  try {
    // @ts-expect-error the package ships no declarations, and need not be there
    const module = (await import('raw-socket')) as unknown as { default: RawSocketPackage };
    return module.default;
  } catch (error) {
    throw new RawError('ERR_SYNWAVE_RAW_PACKAGE', packageMessage(error), undefined, error);
  }
}

function packageMessage(error: unknown): string {
  const { code, message = String(error) } = error as { code?: string; message?: string };
  const build = 'It is compiled on install: apt-get install build-essential python3 first';
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return (
      'the optional package raw-socket is not installed. Remedy: npm install raw-socket. ' +
      `${build}; npm 12 must be allowed to: npm install-scripts approve raw-socket; ` +
      'on Node 24 and newer with "overrides": { "nan": "^2.28.0" } in your package.json.'
    );
  }
  const first = message.split('\n')[0]!;
  return (
    `the optional package raw-socket is there but does not load: ${first}. Remedy: npm rebuild raw-socket. ${build}; ` +
    'npm 12 must be allowed to: npm install-scripts approve raw-socket.'
  );
}
