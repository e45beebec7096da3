// From a local address and port to the listener there: an exact address wins over all addresses of a family, these over
// all addresses there are. Also which of them stand in each other's way.
import type { IpAddress } from '../wire/address.js';
import type { Listener } from './listener.js';

/** All listeners of a stack. */
export class ListenerTable {
  private readonly byPort = new Map<number, Listener[]>();

  /** The listener for packets to this address and port, or null. */
  lookup(w0: number, w1: number, w2: number, w3: number, port: number): Listener | null {
    const listeners = this.byPort.get(port);
    if (listeners === undefined) return null;
    const family = w2 === 0xffff && (w0 | w1) === 0 ? 4 : 6;
    let wildcard: Listener | null = null;
    for (let i = 0; i < listeners.length; i++) {
      const listener = listeners[i]!;
      const { address } = listener;
      if (address === null) {
        if (listener.family === 0 || listener.family === family) wildcard ??= listener;
      } else if (address.w3 === w3 && address.w2 === w2 && address.w1 === w1 && address.w0 === w0) {
        return listener;
      }
    }
    return wildcard;
  }

  /**
   * Whether somebody listens already on an address that would be listened on: all addresses, or all of a family, include
   * each single one. As on Linux, `0.0.0.0` and a `::` for IPv6 alone stand beside each other, a `::` for both families
   * beside nothing, unless all of them share the port.
   * @param address null means all of `family`
   * @param family 0 means both; for an address, its own
   */
  conflicts(address: IpAddress | null, family: 0 | 4 | 6, port: number, sharesPort: boolean): boolean {
    const listeners = this.byPort.get(port);
    if (listeners === undefined) return false;
    return listeners.some((other) => {
      if (sharesPort && other.sharesPort) return false;
      if (family !== 0 && other.family !== 0 && other.family !== family) return false;
      return address === null || other.address === null || other.address.equals(address);
    });
  }

  /** Adds a listener; the caller has asked `conflicts`. */
  add(listener: Listener): void {
    const listeners = this.byPort.get(listener.port);
    if (listeners === undefined) this.byPort.set(listener.port, [listener]);
    else listeners.push(listener);
  }

  /** A listener that shares its port has had a SYN: the others have theirs before it is found again. */
  passTurn(listener: Listener): void {
    const listeners = this.byPort.get(listener.port)!;
    listeners.push(...listeners.splice(listeners.indexOf(listener), 1));
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
