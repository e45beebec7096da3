// The other end of `--link memory`: a second stack in this process, with services for verbs that connect, and a visitor
// for verbs that serve. Works without any right, and where there is no TUN.
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createStack, type SynwaveStack } from '../create-stack.js';
import type { Socket } from '../net/socket.js';
import type { Link } from '../stack/link.js';
import { chargen, discard, echo, type Service } from './services.js';

/** Bytes after which the visitor of a service that never ends has seen enough. */
const ENOUGH_BYTES = 10_000;
const GREETING = 'hello from the other stack\n';
const REQUEST = 'GET / HTTP/1.0\r\n\r\n';

/** What the peer offers, by well-known port; port 80 is HTTP. */
const SERVICES: readonly (readonly [port: number, service: Service])[] = [
  [7, echo],
  [9, discard],
  [19, chargen],
];

/** What a visit found. */
export interface Visit {
  readonly sent: number;
  readonly received: number;
}

/** The second stack. */
export class MemoryPeer {
  private constructor(private readonly stack: SynwaveStack) {}

  /** @param addresses of the peer, with the length of their prefix */
  static async open(link: Link, addresses: readonly string[]): Promise<MemoryPeer> {
    const stack = await createStack({ link, addresses });
    const peer = new MemoryPeer(stack);
    for (const [port, service] of SERVICES) await peer.listen(port, service);
    const http = createHttpServer((_request, response) => response.end(GREETING));
    await peer.listen(80, (socket) => void http.emit('connection', socket));
    return peer;
  }

  /**
   * Connects to a service of the first stack, sends it a greeting and its FIN, or a request over HTTP, and reads what
   * comes.
   * @throws the errors of the connection
   */
  async visit(host: string, port: number, isHttp = false): Promise<Visit> {
    const socket: Socket = this.stack.net.connect({ host, port, allowHalfOpen: true });
    await once(socket, 'connect');
    const text = isHttp ? REQUEST : GREETING;
    // A server of HTTP takes a FIN for the end of interest.
    if (isHttp) socket.write(text);
    else socket.end(text);
    let received = 0;
    for await (const chunk of socket) {
      received += (chunk as Buffer).length;
      if (received >= ENOUGH_BYTES) break;
    }
    socket.end();
    return { sent: text.length, received };
  }

  close(): Promise<void> {
    return this.stack.close();
  }

  private listen(port: number, service: Service): Promise<void> {
    const server = this.stack.net.createServer({ allowHalfOpen: true }, service);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, resolve);
    });
  }
}
