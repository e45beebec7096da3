// The simulated world: two stacks of ours on a link in memory, in virtual time. The same seed gives the same bytes.
import { impair } from '../link/impair.js';
import { memoryLinkPair } from '../link/memory.js';
import { TraceHub } from '../observe/trace-hub.js';
import { VirtualClock } from '../stack/clock.js';
import { Stack } from '../stack/stack.js';
import { STATE_NAMES, State } from '../tcp/state.js';
import { IpAddress } from '../wire/address.js';
import { PeerWatch } from './peer-watch.js';
import {
  configOf,
  FIXED_PEER_ISS,
  isnOf,
  limitsOf,
  OUR_ADDRESS,
  PEER_ADDRESS,
  type PlaySettings,
  Rig,
  SERVER_PORT,
  seededRandom,
} from './rig.js';
import { StackActor } from './stack-actor.js';
import type { PlayedWorld } from './world.js';

/** One way, ms. */
const DELAY_MS = 5;
/** Longest wait for a condition, in virtual ms: an hour is nothing. */
const PATIENCE_MS = 3_600_000;

/** Opens it. */
export function openSimWorld(settings: PlaySettings): PlayedWorld {
  const { variant, seed, clientPort } = settings;
  const clock = new VirtualClock();
  const [near, far] = memoryLinkPair({ clock, delayMs: DELAY_MS, names: ['lab0', 'lab1'] });
  const rig = new Rig(settings, clock, near);
  const watch = new PeerWatch(rig.ladder, variant.ours === 'B', () => peer.portState);
  rig.ladder.peerWatch = watch;
  const stack = new Stack({
    link: variant.peerRules === undefined ? far : impair(far, { clock, seed, rules: variant.peerRules }),
    addresses: [`${PEER_ADDRESS}/24`],
    clock,
    trace: new TraceHub([watch]).current,
    config: { ...configOf(settings), ...variant.peerConfig },
    limits: limitsOf(settings),
    random: seededRandom(seed, 2),
    isn: isnOf(variant.peerIsn ?? 'rfc6528', FIXED_PEER_ISS),
    defer: (callback) => void clock.schedule(clock.now(), callback),
  });
  const peer: StackActor = new StackActor(stack, {
    address: IpAddress.parse(PEER_ADDRESS)!,
    peer: IpAddress.parse(OUR_ADDRESS)!,
    clientPort,
    serverPort: SERVER_PORT,
    isClient: variant.ours === 'B',
  });
  return {
    rig,
    peer,
    peerName: { en: 'a second stack of ours', zh: '另一个本协议栈' },
    patienceMs: PATIENCE_MS,
    readState: null,
    until: async (holds, limitMs) => {
      const limit = clock.now() + limitMs;
      while (!holds()) if (!clock.step(limit)) return holds();
      return true;
    },
    wait: async (ms) => clock.advance(ms),
    leftovers: () =>
      [...stack.connections()]
        .map(({ connection }) => connection.state)
        .filter((state) => state !== State.TIME_WAIT)
        .map((state) => STATE_NAMES[state]),
    close: async () => {
      const closed = [rig.stack.close(), stack.close()];
      clock.advance(0);
      await Promise.all(closed);
    },
  };
}
