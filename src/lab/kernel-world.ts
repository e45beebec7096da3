// The kernel's world: our stack on a TUN device in a namespace of its own, the kernel's TCP at the other end of it.
import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { tunLink } from '../link/tun.js';
import { SystemClock } from '../stack/clock.js';
import { KernelActor } from './kernel-actor.js';
import { OUR_ADDRESS, PATIENT_RTO_MS, PEER_ADDRESS, type PlaySettings, Rig, SERVER_PORT } from './rig.js';
import type { PlayedWorld } from './world.js';

/** Longest wait for a condition, ms. */
const PATIENCE_MS = 8000;
const POLL_MS = 1;
/** The kernel repeats itself after 200 ms at the soonest; nothing may be held back for longer than this. */
const LONGEST_HOLD_MS = 120;
/** A process that did not get to run for that long has not looked yet, and perhaps not sent either. */
const LEAST_LOOKS = 20;

/**
 * What scenarios count on. Without IPv6 no router is asked for; without tail loss probes only what is lost is repeated.
 */
const KNOBS: Readonly<Record<string, string>> = {
  'net.ipv6.conf.all.disable_ipv6': '1',
  'net.ipv6.conf.default.disable_ipv6': '1',
  'net.ipv4.tcp_early_retrans': '0',
};

/**
 * Opens it.
 * @throws Error when the namespace does not take the settings, with what the machine said; TunError
 */
export async function openKernelWorld(settings: PlaySettings, netns: string): Promise<PlayedWorld> {
  const { variant, clientPort } = settings;
  setKnobs(netns, { ...KNOBS, ...variant.knobs });
  const link = await tunLink({ name: 'lab0', netns, hostAddress: `${PEER_ADDRESS}/24`, offload: false });
  if (variant.repeats !== true) makePatient(netns);
  const rig = new Rig(settings, new SystemClock(), link);
  const peer = new KernelActor({
    netns,
    address: PEER_ADDRESS,
    peer: OUR_ADDRESS,
    clientPort,
    serverPort: SERVER_PORT,
    isClient: variant.ours === 'B',
    python: variant.needs?.includes('python3') ?? false,
    called: (call) => rig.ladder.peerCall(clientPort, call, rig.clock.now()),
  });
  await peer.ready;
  const name = `Linux ${release().split('.').slice(0, 2).join('.')},`;
  return {
    rig,
    peer,
    peerName: { en: name, zh: name },
    patienceMs: PATIENCE_MS,
    readState: async (expected) => {
      const deadline = performance.now() + LONGEST_HOLD_MS;
      for (let looks = 1; ; looks++) {
        const state = peer.kernelState(expected);
        const isLate = looks >= LEAST_LOOKS && performance.now() > deadline;
        if (state === expected || isLate) return state;
        await sleep(POLL_MS);
      }
    },
    until: async (holds, limitMs) => {
      const deadline = performance.now() + limitMs;
      while (!holds()) {
        if (performance.now() > deadline) return false;
        await sleep(POLL_MS);
      }
      return true;
    },
    wait: (ms) => sleep(ms),
    leftovers: () => peer.leftovers(),
    close: async () => {
      await peer.stop();
      await rig.stack.close();
    },
  };
}

/** The kernel, too, is to wait longer before it repeats anything. */
function makePatient(netns: string): void {
  const route = ['10.9.0.0/24', 'dev', 'lab0', 'src', PEER_ADDRESS, 'rto_min', `${PATIENT_RTO_MS}ms`];
  const argv = ['-n', netns, 'route', 'replace', ...route];
  const result = spawnSync('ip', argv, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`ip ${argv.join(' ')}: ${result.stderr}`);
}

function setKnobs(netns: string, knobs: Readonly<Record<string, string>>): void {
  const lines = Object.entries(knobs).map(
    ([name, value]) => `echo '${value}' > /proc/sys/${name.replaceAll('.', '/')}`,
  );
  const argv = [`--net=/run/netns/${netns}`, '--', 'sh', '-ec', lines.join('\n')];
  const result = spawnSync('nsenter', argv, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`cannot set up the namespace ${netns}: ${result.stderr}`);
}
