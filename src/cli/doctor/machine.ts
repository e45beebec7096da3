// Checks of the machine: system, Node, native binding, rights, the TUN driver.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { mustRun, run } from '../command.js';
import { Capability, hasCapability, mayMakeNamespaces, userNamespaceObstacle } from '../privileges.js';
import type { Check, Finding } from './check.js';

const MIN_KERNEL = [4, 9] as const;
const MIN_NODE = 20;
const TUN_NODE = '/dev/net/tun';

/** Linux, and recent enough. */
export const os: Check = () => {
  const check = 'os';
  if (process.platform !== 'linux') {
    return {
      check,
      verdict: 'FAIL',
      found: process.platform,
      meaning: `This is ${process.platform}. TUN devices are used as Linux provides them.`,
      remedy: 'Use Linux, a virtual machine or WSL2.',
    };
  }
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const old = major < MIN_KERNEL[0] || (major === MIN_KERNEL[0] && minor < MIN_KERNEL[1]);
  if (!old) return { check, verdict: 'ok', found: `Linux ${release()}` };
  return {
    check,
    verdict: 'FAIL',
    found: `Linux ${release()}`,
    meaning: `Kernels before ${MIN_KERNEL.join('.')} were never tried.`,
    remedy: 'Update the system.',
  };
};

/** Node's version. */
export const node: Check = () => {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= MIN_NODE) return { check: 'node', verdict: 'ok', found: `Node ${process.versions.node}` };
  return {
    check: 'node',
    verdict: 'FAIL',
    found: `Node ${process.versions.node}`,
    meaning: `Node is too old (need ${MIN_NODE} or newer).`,
    remedy: 'Install a current Node.',
  };
};

/** Capabilities, or the way around them. */
export const rights: Check = () => {
  const check = 'rights';
  if (mayMakeNamespaces()) {
    const raw = hasCapability(Capability.NET_RAW) ? ', CAP_NET_RAW' : '';
    return { check, verdict: 'ok', found: `CAP_NET_ADMIN, CAP_SYS_ADMIN${raw}` };
  }
  const obstacle = userNamespaceObstacle();
  if (obstacle === '') {
    return {
      check,
      verdict: 'ok',
      found: 'not root, but user namespaces are allowed: verbs enter one by themselves',
    };
  }
  return {
    check,
    verdict: 'FAIL',
    found: `no CAP_NET_ADMIN or CAP_SYS_ADMIN, and no user namespace (${obstacle})`,
    meaning: 'Not allowed to create network devices.',
    remedy: 'Run with sudo. In Docker add --cap-add NET_ADMIN --cap-add SYS_ADMIN --device /dev/net/tun.',
  };
};

/** Capabilities for links that use the interfaces of the present namespace: no namespace of one's own helps there. */
export const linkRights: Check = ({ link }) => {
  const check = 'rights';
  const needed: [name: string, bit: number, use: string][] = [
    ['CAP_NET_RAW', Capability.NET_RAW, 'open raw sockets'],
    [
      'CAP_NET_ADMIN',
      Capability.NET_ADMIN,
      link.kind === 'raw' ? 'keep the kernel from answering' : 'take frames for another MAC address in',
    ],
  ];
  const missing = needed.filter(([, bit]) => !hasCapability(bit));
  if (missing.length === 0) return { check, verdict: 'ok', found: needed.map(([name]) => name).join(', ') };
  return {
    check,
    verdict: 'FAIL',
    found: `no ${missing.map(([name]) => name).join(' and ')}`,
    meaning: `Not allowed to ${missing.map(([, , use]) => use).join(', nor to ')} for --link ${link.kind}.`,
    remedy: 'Run with sudo. In Docker add --cap-add NET_ADMIN --cap-add NET_RAW.',
  };
};

/** The device node of the TUN driver. */
export const tunNode: Check = () => {
  const check = 'tun-node';
  try {
    closeSync(openSync(TUN_NODE, 'r+'));
    return { check, verdict: 'ok', found: TUN_NODE };
  } catch (error) {
    return {
      check,
      verdict: 'FAIL',
      found: `${TUN_NODE}: ${(error as NodeJS.ErrnoException).code}`,
      ...explain(error),
    };
  }
};

function explain(error: unknown): Pick<Finding, 'meaning' | 'remedy' | 'fix'> {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return {
        meaning: `${TUN_NODE} is missing.`,
        remedy: `modprobe tun; if it is still missing: mkdir -p /dev/net && mknod ${TUN_NODE} c 10 200`,
        fix: { command: `modprobe tun || mknod ${TUN_NODE} c 10 200`, apply: makeTunNode },
      };
    case 'EACCES':
    case 'EPERM':
      return { meaning: `${TUN_NODE} is there, but you may not open it.`, remedy: 'Run as root (sudo).' };
    default:
      return {
        meaning: 'The kernel has no TUN driver.',
        remedy: 'modprobe tun; in a container load it on the host.',
      };
  }
}

function makeTunNode(): void {
  run(['modprobe', 'tun']);
  if (existsSync(TUN_NODE)) return;
  mkdirSync('/dev/net', { recursive: true });
  mustRun(['mknod', '-m', '666', TUN_NODE, 'c', '10', '200']);
}

/** Settings of the kernel's TCP that change what one sees on the wire; never a fault. */
export const kernelKnobs: Check = () => {
  const knobs = [
    'tcp_timestamps',
    'tcp_sack',
    'tcp_window_scaling',
    'tcp_syncookies',
    'tcp_fastopen',
    'tcp_tw_reuse',
    'tcp_syn_linear_timeouts',
    'tcp_rfc1337',
  ];
  const values = knobs.flatMap((knob) => {
    try {
      return `${knob.slice(4)}=${readFileSync(`/proc/sys/net/ipv4/${knob}`, 'utf8').trim()}`;
    } catch {
      return [];
    }
  });
  if (values.length === 0)
    return { check: 'kernel-knobs', verdict: 'skip', found: '/proc/sys is not readable here' };
  return { check: 'kernel-knobs', verdict: 'ok', found: values.join(' ') };
};

/** How late timers of this machine are. */
export const clock: Check = async () => {
  const late: number[] = [];
  for (let i = 0; i < 40; i++) {
    const due = performance.now() + 5;
    await new Promise((resolve) => setTimeout(resolve, 5));
    late.push(performance.now() - due);
  }
  late.sort((a, b) => a - b);
  const p99 = Math.max(0, late.at(-1)!);
  const found = `timers are late by ${p99.toFixed(1)} ms (worst of 40)`;
  if (p99 < 50) return { check: 'clock', verdict: 'ok', found };
  return {
    check: 'clock',
    verdict: 'warn',
    found,
    meaning: 'The machine is busy or its timers are coarse: measured delays will be too long.',
    remedy: 'End what keeps the processors busy.',
  };
};
