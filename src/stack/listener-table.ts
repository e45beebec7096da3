// From a local address and port to the listener there: an exact address wins over the wildcard.
import type { IpAddress } from '../wire/address.js';
import type { Listener } from './listener.js';

/** All listeners of a stack. */
export class ListenerTable {
  private readonly byPort = new Map<number, Listener[]>();

  /** The listener for packets to this address and port, or null. */
  lookup(w0: number, w1: number, w2: number, w3: number, port: number): Listener | null {
    const listeners = this.byPort.get(port);
    if (listeners === undefined) return null;
    let wildcard: Listener | null = null;
    for (let i = 0; i < listeners.length; i++) {
      const address = listeners[i]!.address;
      if (address === null) wildcard = listeners[i]!;
      else if (address.w3 === w3 && address.w2 === w2 && address.w1 === w1 && address.w0 === w0) {
        return listeners[i]!;
      }
    }
    return wildcard;
  }

  /** Whether a listener on this address (null: all) and port would get in the way of another. */
  conflicts(address: IpAddress | null, port: number): boolean {
    const listeners = this.byPort.get(port);
    if (listeners === undefined) return false;
    return listeners.some(
      (other) => address === null || other.address === null || other.address.equals(address),
    );
  }

  /** Adds a listener; the caller has asked `conflicts`. */
  add(listener: Listener): void {
    const listeners = this.byPort.get(listener.port);
    if (listeners === undefined) this.byPort.set(listener.port, [listener]);
    else listeners.push(listener);
  }

  /** Takes a listener out. */
  remove(listener: Listener): void {
    const rest = this.byPort.get(listener.port)?.filter((other) => other !== listener) ?? [];
    if (rest.length === 0) this.byPort.delete(listener.port);
    else this.byPort.set(listener.port, rest);
  }

  /** All listeners. */
  *[Symbol.iterator](): IterableIterator<Listener> {
    for (const listeners of this.byPort.values()) yield* listeners;
  }
}
