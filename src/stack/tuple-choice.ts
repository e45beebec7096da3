// Which local address and port a new connection or listener gets, and why one cannot have what it asks for. Nothing is
// reserved here: the caller enters what was chosen into the tables at once.
import { ConnectionTuple, type FourTuple, type IpAddress } from '../wire/address.js';
import type { LocalAddresses } from './addresses.js';
import type { BoundPorts } from './bound-ports.js';
import type { ConnectionTable } from './connection-table.js';
import type { ConnectOptions } from './endpoint.js';
import { systemError } from './errors.js';
import type { LocalPorts } from './link.js';
import type { ListenerTable } from './listener-table.js';
import type { EphemeralPorts } from './ports.js';

/** Chooses the local ends of a stack. */
export class TupleChoice {
  constructor(
    private readonly addresses: LocalAddresses,
    private readonly ports: EphemeralPorts,
    private readonly table: ConnectionTable,
    private readonly listeners: ListenerTable,
    private readonly bound: BoundPorts,
    /** The ports that the link leaves to us; absent: all. */
    private readonly allowed: LocalPorts | undefined,
  ) {}

  /**
   * The tuple of a new connection (RFC 9293 MUST-43, MUST-44, MUST-46).
   * @throws Error as `Stack.connect` does
   */
  forConnect(options: ConnectOptions): FourTuple {
    const { remote, remotePort } = options;
    requirePort('connect', remote, remotePort, 1);
    if (!this.addresses.isValidRemote(remote)) {
      throw systemError(
        'EINVAL',
        'connect',
        remote,
        remotePort,
        'broadcast, multicast and the like have no TCP',
      );
    }
    const local = this.localFor(options);
    const localPort = options.localPort ?? 0;
    requirePort('connect', local, localPort, 0);
    if (localPort === 0) {
      const port = this.ephemeralPort(local, remote, remotePort);
      return new ConnectionTuple(local, port, remote, remotePort);
    }
    this.requireAllowed('connect', local, localPort);
    if (this.listeners.conflicts(local, local.family, localPort, false)) {
      throw systemError('EADDRINUSE', 'connect', local, localPort, 'somebody listens there');
    }
    if (this.table.isChosen(options.local ?? null, localPort)) {
      throw systemError('EADDRINUSE', 'connect', local, localPort, 'a connection was given this port');
    }
    const tuple = new ConnectionTuple(local, localPort, remote, remotePort);
    if (this.table.demux.get(tuple) !== null) {
      throw systemError(
        'EADDRNOTAVAIL',
        'connect',
        remote,
        remotePort,
        'this connection exists, or is in TIME-WAIT',
      );
    }
    return tuple;
  }

  /**
   * The port of a new listener, or of what may become one; `port` 0 asks for an ephemeral one.
   * @param family with address null that of all addresses, 0 for both
   * @param sharesPort with listeners that share it too; an ephemeral one is nobody else's
   * @throws Error as `Stack.listen` does
   */
  forListen(
    syscall: 'listen' | 'bind',
    address: IpAddress | null,
    family: 0 | 4 | 6,
    port: number,
    sharesPort: boolean,
  ): number {
    requirePort(syscall, address ?? undefined, port, 0);
    if (address !== null && !this.addresses.owns(address)) {
      throw systemError('EADDRNOTAVAIL', syscall, address, port, `${syscall} on an address of the stack`);
    }
    const where = address ?? anyOf(family);
    if (port !== 0) {
      this.requireAllowed(syscall, where, port);
      if (!this.listeners.conflicts(address, family, port, sharesPort)) return port;
      throw systemError('EADDRINUSE', syscall, where, port);
    }
    const chosen = this.ports.forListener(
      (candidate) =>
        this.isAllowed(candidate) &&
        !this.bound.has(candidate) &&
        !this.table.isChosen(address, candidate) &&
        !this.listeners.conflicts(address, family, candidate, false),
    );
    if (chosen === 0) {
      throw systemError('EADDRNOTAVAIL', syscall, where, 0, 'all ephemeral ports are in use');
    }
    return chosen;
  }

  private requireAllowed(syscall: string, address: IpAddress | string, port: number): void {
    if (this.isAllowed(port)) return;
    throw systemError('EADDRNOTAVAIL', syscall, address, port, this.allowed!.remedy);
  }

  private isAllowed(port: number): boolean {
    return this.allowed === undefined || this.allowed.has(port);
  }

  private localFor(options: ConnectOptions): IpAddress {
    const { remote, remotePort } = options;
    const local = options.local ?? this.addresses.sourceFor(remote);
    if (local === null) {
      throw systemError('EHOSTUNREACH', 'connect', remote, remotePort, 'the stack has no address for it');
    }
    if (!this.addresses.owns(local)) {
      throw systemError(
        'EADDRNOTAVAIL',
        'connect',
        local,
        options.localPort,
        'bind to an address of the stack',
      );
    }
    if (local.family !== remote.family) {
      throw systemError('EINVAL', 'connect', remote, remotePort, 'both ends must be of one address family');
    }
    return local;
  }

  private ephemeralPort(local: IpAddress, remote: IpAddress, remotePort: number): number {
    const { demux } = this.table;
    const port = this.ports.forConnection(
      local,
      remote,
      remotePort,
      (localPort) =>
        this.isAllowed(localPort) &&
        demux.get({ local, localPort, remote, remotePort }) === null &&
        !this.bound.has(localPort) &&
        !this.listeners.conflicts(local, local.family, localPort, false),
    );
    if (port === 0) {
      throw systemError('EADDRNOTAVAIL', 'connect', remote, remotePort, 'all ephemeral ports are in use');
    }
    return port;
  }
}

function requirePort(syscall: string, address: IpAddress | undefined, port: number, least: number): void {
  if (Number.isInteger(port) && port >= least && port <= 65_535) return;
  throw systemError('EINVAL', syscall, address, port, `the port must be ${least} to 65535`);
}

function anyOf(family: 0 | 4 | 6): string {
  return family === 6 ? '::' : '0.0.0.0';
}
