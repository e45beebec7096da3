// A program with a link, for tests of what surrounds it: run as a worker or as a process, with a mode, a namespace (empty:
// the own one) and a device name.
import { parentPort } from 'node:worker_threads';
import { type TunLink, tunLink } from '../../src/link/tun.js';
import type { LinkReceiver, PacketBatch } from '../../src/stack/link.js';
import { echoReply, echoRequest } from './packets.js';

const [mode, netns, name] = process.argv.slice(2);

const link = await tunLink({
  name: name!,
  hostAddress: '10.9.0.1/24',
  ...(netns ? { netns } : {}),
});

function receiverOf(receive: (batch: PacketBatch) => void): LinkReceiver {
  return {
    receive,
    writable() {},
    failed(error) {
      throw error;
    },
  };
}

function answer(batch: PacketBatch): void {
  for (let i = 0; i < batch.count; i++) {
    const at = batch.offsets[i]!;
    const reply = echoReply(batch.bytes.slice(at, at + batch.lengths[i]!));
    if (reply !== null) link.send(link.packetIds.next(), reply, 0, reply.length, null);
  }
  link.flush();
}

/** Asks the kernel for an echo, so that something arrives. */
function ask(from: TunLink): void {
  const packet = echoRequest(1, 1, new Uint8Array(8));
  from.send(from.packetIds.next(), packet, 0, packet.length, null);
  from.flush();
}

let caught = 0;
let announced = false;

const modes: Record<string, () => void> = {
  echo: () =>
    link.start(
      receiverOf((batch) => {
        answer(batch);
        if (!announced) parentPort?.postMessage('received');
        announced = true;
      }),
    ),
  exit: () => {
    link.start(receiverOf(answer));
    parentPort?.once('message', () => {});
    setImmediate(() => process.exit(0));
  },
  throw: () =>
    link.start(
      receiverOf(() => {
        throw new Error('thrown by the receiver');
      }),
    ),
  'throw-ping': () => {
    modes.throw!();
    ask(link);
  },
  'throw-caught': () => {
    process.on('uncaughtException', () => {
      if (++caught < 3) return ask(link);
      console.log('caught', caught);
      void link.close();
    });
    modes['throw-ping']!();
  },
  'exit-inside': () => {
    link.start(receiverOf(() => process.exit(7)));
    ask(link);
  },
  unref: () => {
    link.start(receiverOf(() => {}));
    process.on('exit', () => console.log('exit'));
    link.unref();
  },
  ticks: () => {
    const order: string[] = [];
    link.start(
      receiverOf(() => {
        order.push('receive');
        process.nextTick(() => order.push('tick'));
        queueMicrotask(() => order.push('microtask'));
        setImmediate(() => {
          console.log([...order, 'immediate'].join(' '));
          void link.close();
        });
      }),
    );
    ask(link);
  },
};

modes[mode!]!();
parentPort?.postMessage('ready');
