// What a socket keeps to itself, in an object of its own: of more than a dozen private fields that find no room in the socket
// V8 makes a hash table, and of all that streams look up there too. In a process that accepts and connects that was each one.
import type { Endpoint } from '../stack/endpoint.js';
import type { AddressInfo } from './addresses.js';
import type { LocalEnd } from './bound-socket.js';
import type { Connecting } from './connecting.js';
import type { SocketHandle } from './handles.js';
import type { IdleTimer } from './idle-timer.js';
import { type KeepAlive, probingOf } from './keep-alive.js';
import type { NetContext } from './net-stack.js';
import type { OnRead } from './onread.js';
import type { PendingWrite } from './pending-write.js';
import type { Transport } from './transport.js';

type WriteCallback = (error?: Error | null) => void;

/** The private fields of one socket. */
export class SocketState {
  /** Made by the first `setTimeout`. */
  idle: IdleTimer | null = null;
  willReadOn = false;
  /** While connecting and connected there is a handle; it is made when somebody looks at it. */
  hasHandle = false;
  handle: SocketHandle | null = null;
  attempts: Connecting | null = null;
  transport: Transport | null = null;
  /** Of the latest connection, kept after its end for those who look into it. */
  endpoint: Endpoint | null = null;
  peer: AddressInfo | null = null;
  /** Where it comes from, when that was bound before. */
  bound: LocalEnd | null = null;
  mapped = false;

  probing = probingOf(undefined);
  userTimeoutMs: number | null = null;
  quickAck = false;
  referenced = true;

  /** What was asked for before the connection was there. */
  readWanted = false;
  /** A connection that was opened here, and of which `connect` has not been asked again; see `Standing`. */
  mayRepeatConnect = false;
  waitingWrite: PendingWrite | null = null;
  waitingDone: WriteCallback | null = null;
  /** Tells it that there will be no connection. */
  onCloseWaiting: (() => void) | null = null;
  waitingFinal: WriteCallback | null = null;

  aborting = false;
  peerEnded = false;
  bytesRead = 0;
  bytesWritten = 0;

  constructor(
    readonly context: NetContext,
    public noDelay: boolean,
    public keepAlive: KeepAlive,
    public typeOfService: number | undefined,
    readonly onRead: OnRead | null,
    readonly signal: AbortSignal | undefined,
  ) {}
}
