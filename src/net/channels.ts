// The diagnostics channels of `node:net`, under its names: who watches sockets there sees ours as well.
import { channel } from 'node:diagnostics_channel';

/** A socket sets out to connect: `{ socket }`. */
export const clientSocket = channel('net.client.socket');
/** A server accepted a connection: `{ socket }`. */
export const serverSocket = channel('net.server.socket');

/** A server was asked to listen: `{ server, options }`; it does: `{ server }`; it cannot: `{ server, error }`. */
export const serverListen = {
  asyncStart: channel('tracing:net.server.listen:asyncStart'),
  asyncEnd: channel('tracing:net.server.listen:asyncEnd'),
  error: channel('tracing:net.server.listen:error'),
} as const;
