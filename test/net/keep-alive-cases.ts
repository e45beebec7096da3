// What keep-alive a connection has after calls of `setKeepAlive`, as Linux's socket below `node:net` shows it.
import { Socket } from 'node:net';
import { inspect } from 'node:util';

/** Arguments of one call. */
export type KeepAliveCall = readonly unknown[];

/** Seconds, as the options TCP_KEEPIDLE and TCP_KEEPINTVL have them. */
export interface KeepAliveState {
  readonly on: boolean;
  readonly idle: number;
  readonly interval: number;
  readonly probes: number;
}

/** Those whose calls mean the same to the `net` of this Node. */
function casesOfNode(): readonly (readonly [KeepAliveCall[], KeepAliveState])[] {
  return Socket.prototype.setKeepAlive.length === 4 ? [...PLAIN_CASES, ...PROBING_CASES] : PLAIN_CASES;
}

/** A program in which `socket` is connected by `node:net`; it prints what `show` gives after each of the cases. */
export function keepAliveProgram(show: string): string {
  const cases = casesOfNode().map(([calls]) => calls);
  // JSON has no word for undefined.
  const text = inspect(cases, { depth: null, maxArrayLength: null, breakLength: Number.POSITIVE_INFINITY });
  return `
    import { once } from 'node:events';
    import net from 'node:net';
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    for (const calls of ${text}) {
      const socket = net.connect(server.address().port, '127.0.0.1');
      await once(socket, 'connect');
      for (const args of calls) socket.setKeepAlive(...args);
      ${show}
    }
    process.exit();
  `;
}

/** What the program is to show. */
export function expectedStates(): KeepAliveState[] {
  return casesOfNode().map(([, state]) => state);
}

/** What Linux begins with, as our stack does. */
const UNTIMED = { on: true, idle: 7200, interval: 75, probes: 9 };

/** Calls that every Node understands. */
export const PLAIN_CASES: readonly [KeepAliveCall[], KeepAliveState][] = [
  [[[]], { ...UNTIMED, on: false }],
  [[[true]], UNTIMED],
  [[[true, 400]], UNTIMED],
  [[[true, 5000]], { on: true, idle: 5, interval: 1, probes: 10 }],
  [[[true, 5999]], { on: true, idle: 5, interval: 1, probes: 10 }],
  [[[true, -5000]], UNTIMED],
  [[[true, 'soon']], UNTIMED],
  [[[true, 40_000_000]], UNTIMED],
  [
    [
      [true, 5000],
      [true, 0],
    ],
    { on: true, idle: 5, interval: 1, probes: 10 },
  ],
  [[[true, 5000], [false]], { on: false, idle: 5, interval: 1, probes: 10 }],
];

/** Calls with the interval and the number of probes, which came with Node 24. */
export const PROBING_CASES: readonly [KeepAliveCall[], KeepAliveState][] = [
  [[[true, 5000, 2000, 3]], { on: true, idle: 5, interval: 2, probes: 3 }],
  [[[true, 5000, 3000]], { on: true, idle: 5, interval: 3, probes: 10 }],
  [[[true, 5000, undefined, 3]], { on: true, idle: 5, interval: 1, probes: 3 }],
  [
    [[{ enable: true, initialDelay: 4000, interval: 2000, count: 5 }]],
    { on: true, idle: 4, interval: 2, probes: 5 },
  ],
  [[[{}]], { ...UNTIMED, on: false }],
  [[[true, 0, 3000, 3]], UNTIMED],
  [[[true, 5000, 500, 3]], UNTIMED],
  [[[true, 5000, null, 3]], UNTIMED],
  [[[true, 5000, 2000, 0]], UNTIMED],
  [[[true, 5000, -2000, 4]], { on: true, idle: 5, interval: 1, probes: 4 }],
  [[[true, 5000, 2000, -4]], { on: true, idle: 5, interval: 2, probes: 10 }],
  [[[true, 5000, 2000, '7']], { on: true, idle: 5, interval: 2, probes: 10 }],
  [[[true, 5000, 2000, 4.7]], { on: true, idle: 5, interval: 2, probes: 10 }],
  [[[true, 5000, 40_000_000, 3]], { ...UNTIMED, idle: 5 }],
  [[[true, 5000, 2000, 300]], { on: true, idle: 5, interval: 2, probes: 9 }],
  [
    [
      [true, 4000, 2000, 5],
      [true, 4000],
    ],
    { on: true, idle: 4, interval: 1, probes: 10 },
  ],
  [
    [
      [true, 4000, 2000, 5],
      [true, 8000, 2000, 0],
    ],
    { on: true, idle: 4, interval: 2, probes: 5 },
  ],
];
