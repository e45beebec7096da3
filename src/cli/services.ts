// The small services that the verbs offer on a stack: echo, discard, chargen. HTTP files stand in static-files.ts.
import { type Duplex, Readable } from 'node:stream';

/** Serves one accepted connection. Errors of the connection are its own affair and end only it. */
export type Service = (socket: Duplex) => void;

/** Sends back what comes, and its FIN when the peer's comes (RFC 862). */
export const echo: Service = (socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
};

/** Reads and forgets (RFC 863). */
export const discard: Service = (socket) => {
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.resume();
};

/** Sends lines of the 95 printable characters, each shifted by one, until the peer leaves (RFC 864). */
export const chargen: Service = (socket) => {
  const source = new Readable({
    read() {
      this.push(PATTERN);
    },
  });
  const stop = () => {
    source.unpipe(socket);
    source.destroy();
  };
  socket.on('error', stop);
  socket.on('close', stop);
  socket.on('end', () => {
    stop();
    socket.end();
  });
  socket.resume();
  source.pipe(socket);
};

const PRINTABLE = 95;
const LINE = 72;

/** One whole turn of the pattern: 95 lines of 72 characters with CR LF. */
const PATTERN = Buffer.from(
  Array.from({ length: PRINTABLE }, (_, shift) => {
    const codes = Array.from({ length: LINE }, (_, column) => 32 + ((shift + column) % PRINTABLE));
    return `${String.fromCharCode(...codes)}\r\n`;
  }).join(''),
);
