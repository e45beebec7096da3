// A listener of the stack in the place of a libuv handle that was about to listen in the kernel.
import { AsyncResource } from 'node:async_hooks';
import { type AddressInfo, ANY_IPV6 } from '../net/addresses.js';
import { listenBacklog } from '../net/arguments.js';
import { errnoOf, surfaceUncaught, systemCodeOf } from '../net/errors.js';
import { Share } from '../net/liveness.js';
import type { NetContext } from '../net/net-stack.js';
import type { Listener, ListenerHandler } from '../stack/endpoint.js';
import type { NameOut, TcpHandle } from './bindings.js';
import { type Bound, familyOf, nameInto, placeOf, type StackHandleClass } from './stack-handle.js';

/** Lends a handle of Node's its voice: what arrives at the stack comes out of the handle's `onconnection`. */
export class StackListener implements ListenerHandler {
  private readonly scope = new AsyncResource('SYNWAVELISTENER');
  private readonly share: Share;
  private readonly mapped: boolean;
  private listener: Listener | null = null;
  private referenced = true;

  constructor(
    private readonly context: NetContext,
    private readonly Handle: StackHandleClass,
    private readonly handle: TcpHandle,
    private readonly bound: Bound,
  ) {
    this.share = new Share(context.liveness);
    this.mapped = bound.address === ANY_IPV6 && !bound.ipv6Only;
  }

  /** Listens, and answers for the handle from now on. Returns 0 or a negative error number. */
  listen(backlog: number): number {
    const { port, reusePort } = this.bound;
    const { address, family } = placeOf(this.bound);
    const where = { address, port, reusePort, ...(family && { family }) };
    try {
      this.listener = this.context.stack.listen({ ...where, backlog: listenBacklog(backlog) }, this);
    } catch (error) {
      const code = systemCodeOf(error);
      if (code === null) throw error;
      return errnoOf(code);
    }
    this.speakFor(this.handle);
    this.share.set(this.referenced);
    return 0;
  }

  private speakFor(handle: TcpHandle): void {
    const close = handle.close;
    handle.getsockname = (out: NameOut) => nameInto(out, this.address());
    handle.ref = () => this.setReferenced(true);
    handle.unref = () => this.setReferenced(false);
    handle.hasRef = () => this.referenced && this.listener !== null;
    handle.close = (callback) => {
      this.end();
      close.call(handle, callback);
    };
  }

  private address(): AddressInfo {
    const { address } = this.bound;
    return { address, family: familyOf(address), port: this.listener?.port ?? 0 };
  }

  private setReferenced(referenced: boolean): void {
    this.referenced = referenced;
    this.share.set(referenced && this.listener !== null);
  }

  private end(): void {
    const { listener } = this;
    this.listener = null;
    this.share.set(false);
    listener?.close();
  }

  onAcceptable(listener: Listener): void {
    for (;;) {
      if (listener !== this.listener) return;
      const endpoint = listener.accept();
      if (endpoint === null) return;
      const client = this.Handle.accepted(endpoint, this.mapped);
      try {
        this.scope.runInAsyncScope(() => this.handle.onconnection?.call(this.handle, 0, client));
      } catch (error) {
        surfaceUncaught(error);
      }
    }
  }

  onClosed(): void {
    this.end();
  }
}
