// The optional package cap, a binding of libpcap: loaded when an Ethernet link is opened and not before. Its traits, and
// what is done about them, stand in native-notes/pcap.md.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { EthernetError } from './ethernet-errors.js';

/** The package's capture, as far as it is used. */
export interface Capture {
  /**
   * Opens an interface and begins to emit `packet`, each packet being in `buffer` meanwhile.
   * @returns the kind of frames: `ETHERNET` or another
   */
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  /** Hands a frame to the kernel. Throws Errors with the text of libpcap. */
  send(buffer: Buffer, length: number): void;
  close(): boolean;
  on(event: 'packet', listener: (length: number, truncated: boolean) => void): this;
  removeAllListeners(event: string): this;
}

/** What the package exports, as far as it is used. */
export interface CapPackage {
  readonly Cap: new () => Capture;
}

/**
 * Loads the package.
 * @throws EthernetError `ERR_SYNWAVE_CAP_PACKAGE`, `ERR_SYNWAVE_CAP_THREAD`
 */
export async function loadCap(): Promise<CapPackage> {
  if (!isMainThread) {
    throw new EthernetError(
      'ERR_SYNWAVE_CAP_THREAD',
      'the package cap works on the main thread only, and would crash here. Open the link there, or use tapLink.',
    );
  }
  try {
    // @ts-expect-error the package ships no declarations, and need not be there
    const module = (await import('cap')) as unknown as { default: CapPackage };
    return module.default;
  } catch (error) {
    throw new EthernetError('ERR_SYNWAVE_CAP_PACKAGE', packageMessage(error), { cause: error });
  }
}

/** The text of an assertion that the package makes in its callback, in the compiled file. */
const ASSERTION = 'status == 0';

/**
 * Whether the package was compiled with its assertions, one of which aborts the process when an interface goes down that it
 * captures on. False also when the compiled file is not where it used to be.
 */
export function capAborts(): boolean {
  try {
    const require = createRequire(import.meta.url);
    return readFileSync(require.resolve('cap/build/Release/cap.node')).includes(ASSERTION);
  } catch {
    return false;
  }
}

/** What the reader has to do so that the package loads. */
export function packageMessage(error: unknown): string {
  const { code, message = String(error) } = error as { code?: string; message?: string };
  const build =
    'It is compiled on install: apt-get install libpcap-dev build-essential python3 first; ' +
    'npm 12 must be allowed to: npm install-scripts approve cap.';
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return `the optional package cap is not installed. Remedy: npm install cap. ${build}`;
  }
  const first = message.split('\n')[0]!;
  return `the optional package cap is there but does not load: ${first}. Remedy: npm rebuild cap. ${build}`;
}
