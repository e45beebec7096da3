// An end of our TCP: a stack on a TUN device of the namespace in which this program runs.
import { controllerNamed, createStack, type SynwaveStack } from '../../../src/index.js';
import { tunLink } from '../../../src/link/tun.js';
import { SilentTrace } from '../../../src/observe/silent-trace.js';
import type { Connection } from '../../../src/tcp/connection.js';
import { defaultConfig } from '../../../src/tcp/defaults.js';
import { Timer } from '../../../src/tcp/timers.js';
import type { CongestionPhase, CongestionTrigger, TimerOp } from '../../../src/tcp/trace.js';
import { answerParent } from '../remote.js';
import { cpuMsSince, type SenderCounters } from './counters.js';
import { type NetLike, Traffic } from './traffic.js';

/** Asked for by the parent. */
export interface OurEndOptions {
  /** Address of the kernel on the device, and ours, with prefix lengths. */
  readonly hostAddress: string;
  readonly address: string;
  /** Name of the congestion controller; one that this stack does not have leaves its default. */
  readonly controller: string;
  /** Size of both buffers of every connection: larger than any path here can fill. */
  readonly bufferBytes: number;
}

/** Counts what makes a transfer slow. */
class Troubles extends SilentTrace {
  timeouts = 0;
  probes = 0;
  recoveries = 0;
  undone = 0;

  override timerChanged(_connection: Connection, timer: Timer, op: TimerOp): void {
    if (op !== 'fire') return;
    if (timer === Timer.RETRANSMISSION) this.timeouts++;
    else if (timer === Timer.LOSS_PROBE) this.probes++;
  }

  override congestionChanged(
    _connection: Connection,
    phase: CongestionPhase,
    trigger: CongestionTrigger,
  ): void {
    if (phase === 'recovery') this.recoveries++;
    if (trigger === 'undo') this.undone++;
  }
}

let troubles = new Troubles();
let cpuBefore = process.cpuUsage();
let controllerName = '';
let stack: SynwaveStack | null = null;
let traffic: Traffic | null = null;

async function open({ hostAddress, address, controller, bufferBytes }: OurEndOptions): Promise<void> {
  const congestion = controllerNamed(controller);
  controllerName = (congestion ?? defaultConfig().congestion)(1460, 10).name;
  troubles = new Troubles();
  cpuBefore = process.cpuUsage();
  stack = await createStack({
    link: await tunLink({ name: 'ours', hostAddress }),
    addresses: [address],
    observers: [troubles],
    config: {
      sendBufferBytes: bufferBytes,
      receiveBufferBytes: bufferBytes,
      ...(congestion === null ? {} : { congestion }),
    },
  });
  traffic = new Traffic(stack.net as unknown as NetLike);
}

function counters(): SenderCounters {
  return {
    controller: controllerName,
    retransmissions: stack!.stats.tcp.retransSegs,
    timeouts: troubles.timeouts,
    probes: troubles.probes,
    recoveries: troubles.recoveries,
    undone: troubles.undone,
    cpuMs: cpuMsSince(cpuBefore),
  };
}

async function close(): Promise<void> {
  traffic?.end();
  await stack?.close();
  stack = null;
  traffic = null;
}

answerParent(
  {
    open,
    sink: (order: never) => traffic!.sink(order),
    source: (order: never) => traffic!.source(order),
    tell: (order: never) => traffic!.tell(order),
    serve: (order: never) => traffic!.serve(order),
    fetch: (order: never) => traffic!.fetch(order),
    counters,
    close,
  },
  close,
);
