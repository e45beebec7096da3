// What workers do in the tests of several queues: echo, a port on which a worker dies, and connections of their own.
import type { Socket } from '../../src/net/socket.js';
import type { StackWorker, WorkerService } from '../../src/workers/worker.js';
import { patternStream, sumOf } from './byte-pattern.js';
import type { PeerReport } from './kernel-peer.js';

/** A connection to this port ends the worker that gets it. */
export const DEADLY_PORT = 13;

/** What a test wants of its workers. */
export interface Order {
  /** Connections that each opens to the kernel's echo server, and how many bytes go there and back on each. */
  readonly outward?: {
    readonly host: string;
    readonly port: number;
    readonly connections: number;
    readonly size: number;
  };
  /** The worker that is to fail at its beginning. */
  readonly unable?: number;
}

/** What a worker has done. */
export interface Done {
  readonly served: number;
  readonly reports: readonly PeerReport[];
  readonly localPorts: readonly number[];
}

/** Seed of the pattern that a worker's n-th connection carries. */
export function seedOf(worker: number, n: number): number {
  return worker * 1000 + n;
}

/** Serves echo, and carries out the order. */
export default function work({ number, stack, data }: StackWorker): WorkerService {
  const { outward, unable } = data as Order;
  if (unable === number) throw Object.assign(new Error('not today'), { code: 'ETODAY' });
  let served = 0;
  const reports: PeerReport[] = [];
  const localPorts: number[] = [];
  for (let n = 0; n < (outward?.connections ?? 0); n++) {
    const socket = stack.net.connect({ host: outward!.host, port: outward!.port, allowHalfOpen: true });
    socket.once('connect', () => localPorts.push(socket.localPort!));
    patternStream(seedOf(number, n), outward!.size).pipe(socket);
    void sumOf(socket).then(
      (all) => reports.push({ ...all, error: null }),
      (error) => reports.push({ bytes: 0, sum: '', error: error.message }),
    );
  }
  return {
    connection(socket: Socket, port: number) {
      socket.on('error', () => {});
      if (port === DEADLY_PORT) throw new Error('a deadly connection');
      served++;
      socket.pipe(socket);
    },
    metrics: (): Done => ({ served, reports, localPorts }),
  };
}
