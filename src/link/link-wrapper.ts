// What every link around a link passes through: its identity. What crosses it is the wrapper's own business.
import type { EthernetIdentity, Link, LocalPorts, PacketIds } from '../stack/link.js';

/** The common part of links that wrap a link. */
export abstract class LinkWrapper {
  protected constructor(protected readonly inner: Link) {}

  get name(): string {
    return this.inner.name;
  }

  get medium(): 'ip' | 'ethernet' {
    return this.inner.medium;
  }

  get mtu(): number {
    return this.inner.mtu;
  }

  get ethernet(): EthernetIdentity | undefined {
    return this.inner.ethernet;
  }

  get packetIds(): PacketIds {
    return this.inner.packetIds;
  }

  get ports(): LocalPorts | undefined {
    return this.inner.ports;
  }

  get ecnBlind(): 4 | 6 | undefined {
    return this.inner.ecnBlind;
  }

  whenDelivered(delivered: () => void): void {
    if (this.inner.whenDelivered === undefined) delivered();
    else this.inner.whenDelivered(delivered);
  }

  declineOffload(): void {
    this.inner.declineOffload?.();
  }

  pull(): number {
    return this.inner.pull?.() ?? 0;
  }

  ref(): void {
    this.inner.ref?.();
  }

  unref(): void {
    this.inner.unref?.();
  }
}
