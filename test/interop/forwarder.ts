// A TCP proxy on the stack: what a program of the kernel sends to it goes on to a server of the kernel. So programs that
// know nothing of this stack meet it in both roles at once, as the server that they connect to and as their server's client.
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { KERNEL, type TestStack } from './lab.js';

/** A proxy at work. */
export interface Forwarder {
  /** Where it listens, on the stack's address. */
  readonly port: number;
  /** Connections taken so far. */
  readonly taken: () => number;
  /** What went wrong on connections, other than being broken off. */
  readonly failures: readonly Error[];
}

/** Ends by which a peer breaks a connection off, as programs do that have got what they wanted. */
const BROKEN_OFF = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'];

/** Starts a proxy to a port of the kernel's side. Each direction ends on its own. */
export async function startForwarder(stack: TestStack, target: number): Promise<Forwarder> {
  const failures: Error[] = [];
  let taken = 0;
  const options = { allowHalfOpen: true, noDelay: true };
  const server = stack.net.createServer(options, (client) => {
    taken++;
    const upstream = stack.net.connect({ ...options, host: KERNEL, port: target });
    const pipes = [pipeline(client, upstream), pipeline(upstream, client)];
    for (const pipe of pipes) {
      pipe.catch((error: NodeJS.ErrnoException) => {
        if (!BROKEN_OFF.includes(error.code ?? '')) failures.push(error);
        for (const socket of [client, upstream] as unknown as Socket[]) socket.destroy();
      });
    }
  });
  const port = await stack.listen(server);
  return { port, taken: () => taken, failures };
}
