// Joins a socket with stdin and stdout, byte for byte and with back-pressure, as nc does.
import type { Duplex, Readable, Writable } from 'node:stream';

/** How to join. */
export interface JoinOptions {
  readonly input: Readable & { isTTY?: boolean };
  readonly output: Writable;
  /** Send our FIN when the input ends, and go on receiving. */
  readonly halfClose: boolean;
  /** End by RST instead of FIN. */
  readonly reset: boolean;
}

/** What a joined connection carried. */
export interface JoinResult {
  /** Bytes from the peer, written to the output. */
  readonly received: number;
  /** Bytes of the input, given to the connection. */
  readonly sent: number;
}

type JoinedSocket = Duplex & { resetAndDestroy(): unknown };

/**
 * Copies both ways until both have ended. After the peer's FIN the input still goes out to its end (a half-closed
 * connection is a working one), unless the input is a terminal, at which nobody would know what to wait for.
 * @throws the connection's error, or the output's
 */
export function joinStandardStreams(socket: JoinedSocket, options: JoinOptions): Promise<JoinResult> {
  const { input, output, halfClose, reset } = options;
  let received = 0;
  let sent = 0;
  let inputEnded = false;
  let peerEnded = false;

  return new Promise((resolve, reject) => {
    const countIn = (chunk: Uint8Array) => {
      received += chunk.length;
    };
    const countOut = (chunk: Uint8Array) => {
      sent += chunk.length;
    };
    const leave = () => {
      input.unpipe(socket);
      input.pause();
      input.off('data', countOut);
      input.off('end', onInputEnd);
      output.off('error', fail);
      socket.unpipe(output);
    };
    const fail = (error: Error) => {
      leave();
      socket.destroy();
      reject(error);
    };
    const finish = () => {
      if (reset) socket.resetAndDestroy();
      else socket.end();
    };
    const onInputEnd = () => {
      inputEnded = true;
      if (reset) socket.resetAndDestroy();
      else if (halfClose || peerEnded) socket.end();
    };
    socket.on('data', countIn);
    socket.on('end', () => {
      peerEnded = true;
      if (inputEnded || input.isTTY === true) finish();
    });
    socket.once('error', fail);
    socket.once('close', () => {
      leave();
      afterWrites(output, () => resolve({ received, sent }));
    });
    output.once('error', fail);
    input.on('data', countOut);
    input.once('end', onInputEnd);
    socket.pipe(output, { end: false });
    input.pipe(socket, { end: false });
    if (input.readableEnded) onInputEnd();
  });
}

/** Calls back when everything written so far has left the stream. */
function afterWrites(output: Writable, callback: () => void): void {
  if (output.destroyed || output.writableLength === 0) callback();
  else output.write('', () => callback());
}
