// The application on the kernel's side: a program of its own in the namespace, on the sockets of node:net. It takes
// commands as lines of JSON on stdin and tells on stdout what happens to it.
import { createServer, Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { pattern } from './payload.js';

/** What the lab asks of the program. */
export type AppCommand =
  | { do: 'listen'; host: string; port: number; backlog: number; atEnd: string }
  | {
      do: 'connect';
      host: string;
      port: number;
      localAddress: string;
      localPort: number;
      data?: string;
      fastOpen?: boolean;
    }
  | { do: 'send'; data: string | number }
  | { do: 'at-end'; what: string }
  | { do: 'shutdown' | 'close' | 'abort' | 'pause' };

/** What the program tells. */
export type AppEvent =
  | { ev: 'ready' | 'listening' | 'accepted' | 'established' | 'end' | 'closed' }
  | { ev: 'sent' | 'data'; hex: string }
  | { ev: 'error'; code: string };

let socket: Socket | null = null;
let atEnd = 'nothing';
let isPaused = false;

function tell(event: AppEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function watch(each: Socket): void {
  socket = each;
  each.setNoDelay(true);
  each.on('data', (bytes: Buffer) => tell({ ev: 'data', hex: bytes.toString('hex') }));
  each.on('end', () => {
    tell({ ev: 'end' });
    if (atEnd === 'close') each.destroy();
  });
  each.on('error', (error: NodeJS.ErrnoException) =>
    tell({ ev: 'error', code: error.code ?? error.message }),
  );
  each.on('close', () => tell({ ev: 'closed' }));
  if (isPaused) each.pause();
}

function send(data: string | number): void {
  const bytes = Buffer.from(typeof data === 'number' ? pattern(data) : data);
  tell({ ev: 'sent', hex: bytes.toString('hex') });
  socket?.write(bytes);
}

function obey(command: AppCommand): void {
  switch (command.do) {
    case 'listen': {
      atEnd = command.atEnd;
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: isPaused }, (each) => {
        tell({ ev: 'accepted' });
        watch(each);
      });
      server.on('error', (error: NodeJS.ErrnoException) => tell({ ev: 'error', code: error.code ?? '' }));
      const { host, port, backlog } = command;
      server.listen({ host, port, backlog }, () => tell({ ev: 'listening' }));
      break;
    }
    case 'connect': {
      const { host, port, localAddress, localPort, data } = command;
      const each = new Socket({ allowHalfOpen: true });
      watch(each);
      each.once('connect', () => tell({ ev: 'established' }));
      each.connect({ host, port, localAddress, localPort });
      if (data !== undefined) send(data);
      break;
    }
    case 'send':
      send(command.data);
      break;
    case 'shutdown':
      socket?.end();
      break;
    case 'close':
      socket?.destroy();
      break;
    case 'abort':
      socket?.resetAndDestroy();
      break;
    case 'pause':
      isPaused = true;
      socket?.pause();
      break;
    case 'at-end':
      atEnd = command.what;
      break;
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => obey(JSON.parse(line) as AppCommand))
  .on('close', () => process.exit(0));
tell({ ev: 'ready' });
