// The traffic of a measurement, for `node:net` and for ours alike: bulk that is counted where it arrives, and responses
// of which each is timed. Every method is one that `remote.ts` can ask for.
import type { AddressInfo, Server, Socket } from 'node:net';

/** The part of `node:net` that is used; `stack.net` has it too. */
export interface NetLike {
  createServer(options: object, accept: (socket: Socket) => void): Server;
  connect(options: { host: string; port: number }): Socket;
}

/** Width of the bins in which arriving bytes are counted, in milliseconds. */
export const BIN_MS = 100;
/** Bytes of the request for a response. */
const REQUEST_BYTES = 16;
const CHUNK_BYTES = 64 * 1024;

/** What one port received: bytes per bin of `BIN_MS`, the first of which begins with the first byte of any port. */
export interface Received {
  readonly port: number;
  readonly bins: readonly number[];
}

/** How long each response took, in milliseconds from the request to its last byte; connecting is not counted. */
export interface Fetched {
  readonly timesMs: readonly number[];
  /** Connections that ended before their response did. */
  readonly failures: number;
}

/** Sends and receives over one `net`. */
export class Traffic {
  private readonly servers: Server[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly received = new Map<number, number[]>();
  private firstByteAt = Number.POSITIVE_INFINITY;
  private announceFirstByte: () => void = () => {};
  private readonly firstByte = new Promise<void>((resolve) => {
    this.announceFirstByte = resolve;
  });

  constructor(private readonly net: NetLike) {}

  /** Counts what comes on these ports. */
  async sink({ ports }: { ports: readonly number[] }): Promise<void> {
    for (const port of ports) {
      const bins: number[] = [];
      this.received.set(port, bins);
      await this.listen(port, (socket) => {
        socket.on('data', (chunk) => this.count(bins, chunk.length));
        socket.on('end', () => socket.end());
      });
    }
  }

  /** Connects to each port and sends without end. Resolves with the connections' local ports. */
  source({ host, ports }: { host: string; ports: readonly number[] }): Promise<number[]> {
    const chunk = new Uint8Array(CHUNK_BYTES).fill(0x73);
    const open = async (port: number) => {
      const socket = await this.connected(host, port);
      const fill = () => {
        while (!socket.destroyed && socket.write(chunk)) {}
      };
      socket.on('drain', fill);
      socket.resume();
      fill();
      return (socket.address() as AddressInfo).port;
    };
    return Promise.all(ports.map(open));
  }

  /** Waits until `seconds` after the first byte, and tells what has come until then. */
  async tell({ seconds }: { seconds: number }): Promise<Received[]> {
    await this.firstByte;
    const wanted = Math.round((seconds * 1000) / BIN_MS);
    const waitMs = this.firstByteAt + wanted * BIN_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.ceil(waitMs) + 1)));
    return [...this.received].map(([port, bins]) => ({
      port,
      bins: Array.from({ length: wanted }, (_, i) => bins[i] ?? 0),
    }));
  }

  /** Answers each request with so many bytes, as an HTTP server does: without Nagle, and leaving the close to the client. */
  serve({ port, bytes }: { port: number; bytes: number }): Promise<void> {
    const response = new Uint8Array(bytes).fill(0x72);
    return this.listen(port, (socket) => {
      let asked = 0;
      socket.setNoDelay(true);
      socket.on('data', (chunk) => {
        asked += chunk.length;
        if (asked < REQUEST_BYTES) return;
        asked -= REQUEST_BYTES;
        socket.write(response);
      });
      socket.on('end', () => socket.end());
    });
  }

  /** Fetches one response after the other, each on a connection of its own, until `count` or `seconds` is reached. */
  async fetch(order: {
    host: string;
    port: number;
    bytes: number;
    count: number;
    seconds: number;
  }): Promise<Fetched> {
    const timesMs: number[] = [];
    let failures = 0;
    const deadline = performance.now() + order.seconds * 1000;
    while (timesMs.length < order.count && performance.now() < deadline) {
      const ms = await this.fetchOne(order.host, order.port, order.bytes).catch(() => null);
      if (ms === null) failures++;
      else timesMs.push(ms);
    }
    return { timesMs, failures };
  }

  /** Ends everything by RST: what a kernel still had to send would otherwise go out during the next measurement. */
  end(): void {
    for (const server of this.servers.splice(0)) server.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  private async fetchOne(host: string, port: number, bytes: number): Promise<number> {
    const socket = await this.connected(host, port);
    socket.setNoDelay(true);
    const begun = performance.now();
    socket.write(new Uint8Array(REQUEST_BYTES).fill(0x3f));
    let got = 0;
    const ms = await new Promise<number>((resolve, reject) => {
      socket.on('data', (chunk) => {
        got += chunk.length;
        if (got >= bytes) resolve(performance.now() - begun);
      });
      socket.once('close', () => reject(new Error('closed')));
    });
    socket.end();
    return ms;
  }

  private connected(host: string, port: number): Promise<Socket> {
    const socket = this.track(this.net.connect({ host, port }));
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(socket));
      socket.once('close', () => reject(new Error(`no connection to ${host}:${port}`)));
    });
  }

  private listen(port: number, accept: (socket: Socket) => void): Promise<void> {
    const server = this.net.createServer({}, (socket) => accept(this.track(socket)));
    this.servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, () => resolve());
    });
  }

  private track(socket: Socket): Socket {
    this.sockets.add(socket);
    // How a connection ends is seen in what arrived.
    socket.on('error', () => {});
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  }

  private count(bins: number[], bytes: number): void {
    const now = performance.now();
    if (now < this.firstByteAt) {
      this.firstByteAt = now;
      this.announceFirstByte();
    }
    const bin = Math.floor((now - this.firstByteAt) / BIN_MS);
    bins[bin] = (bins[bin] ?? 0) + bytes;
  }
}
