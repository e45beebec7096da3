// What Node's own libraries look for behind `_handle`: whether there is one, its number, and a way to start and stop
// reading. There is no libuv handle on this stack; what would need one is not offered.
import { AsyncResource } from 'node:async_hooks';

/** What reading is started and stopped on. */
export interface Reading {
  startReading(): void;
  stopReading(): void;
}

/** `socket._handle` of a socket that connects or is connected. */
export class SocketHandle {
  /** As of a libuv handle that has no descriptor. */
  readonly fd = -1;
  /** A note of Node's own libraries, which write it here. */
  reading = false;
  readonly #connection: () => Reading | null;
  readonly #isReferenced: (handle: SocketHandle) => boolean;
  private scope: AsyncResource | null = null;

  /**
   * @param connection what is read from, or null while there is none
   * @param isReferenced whether it is the handle of its socket still, and `unref` was not called
   */
  constructor(connection: () => Reading | null, isReferenced: (handle: SocketHandle) => boolean) {
    this.#connection = connection;
    this.#isReferenced = isReferenced;
  }

  /** Whether it may hold the process; false once it is closed. */
  hasRef(): boolean {
    return this.#isReferenced(this);
  }

  /** The number by which `async_hooks` know it. */
  getAsyncId(): number {
    this.scope ??= new AsyncResource('SYNWAVEHANDLE');
    return this.scope.asyncId();
  }

  /** Returns 0. */
  readStart(): number {
    this.#connection()?.startReading();
    return 0;
  }

  /** Returns 0. */
  readStop(): number {
    this.#connection()?.stopReading();
    return 0;
  }
}

/** `server._handle` of a server that listens. */
export class ServerHandle {
  readonly fd = -1;

  constructor(
    private readonly scope: AsyncResource,
    private readonly isReferenced: () => boolean,
  ) {}

  /** Whether it holds the process; false once it is closed. */
  hasRef(): boolean {
    return this.isReferenced();
  }

  /** The number by which `async_hooks` know it. */
  getAsyncId(): number {
    return this.scope.asyncId();
  }
}
