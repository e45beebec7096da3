// Ports that somebody has bound before it is known whether to listen there or to connect from there. Nobody else is given
// one by chance; who asks for it by its number gets it, until one of them listens, as on Linux with SO_REUSEADDR.
import type { IpAddress } from '../wire/address.js';

/** `Stack.bind`. */
export interface BindOptions {
  /** Local address, or null for all. */
  address: IpAddress | null;
  /** With address null: all of this family only. Default: both. */
  family?: 4 | 6;
  /** 0 chooses an ephemeral port. */
  port: number;
  /** As that of `ListenOptions`. */
  reusePort?: boolean;
}

/** The ports of one stack. */
export class BoundPorts {
  private readonly holders = new Map<number, number>();

  /** Whether a port is bound. */
  has(port: number): boolean {
    return this.holders.has(port);
  }

  /** Binds a port once more. */
  hold(port: number): BoundPort {
    this.holders.set(port, (this.holders.get(port) ?? 0) + 1);
    return new BoundPort(port, () => this.letGo(port));
  }

  private letGo(port: number): void {
    const left = this.holders.get(port)! - 1;
    if (left === 0) this.holders.delete(port);
    else this.holders.set(port, left);
  }
}

/** A port that was bound. */
export class BoundPort {
  private isHeld = true;

  /** @internal Made by the stack. */
  constructor(
    readonly port: number,
    private readonly letGo: () => void,
  ) {}

  /** Lets the port go. Idempotent. */
  close(): void {
    if (this.isHeld) this.letGo();
    this.isHeld = false;
  }
}
