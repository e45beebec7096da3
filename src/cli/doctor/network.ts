// Checks of the network: iproute2 and namespaces, a TUN that is really made, addresses that clash, leftovers.

import { loadBinding } from '../../native/load.js';
import { findTunOwner } from '../../native/tun-owner.js';
import { leftGuards, leftovers, removeGuard } from '../clean.js';
import { run } from '../command.js';
import {
  HOST,
  inNamespace,
  ipIn,
  isMachineNamespace,
  namespaceExists,
  namespaceFile,
  removeClaimed,
} from '../namespace.js';
import { isAlive, readMarkers } from '../ownership.js';
import { elevated } from '../privileges.js';
import { parseAddress, sameNetwork } from '../values.js';
import type { Check, Finding } from './check.js';

/** iproute2 is there. */
export const iproute2: Check = () => {
  const version = run(['ip', '-V']);
  if (version.status === 0) return { check: 'iproute2', verdict: 'ok', found: version.stdout.trim() };
  return {
    check: 'iproute2',
    verdict: 'FAIL',
    found: 'ip not found',
    meaning: 'Namespaces and addresses are set up with iproute2.',
    remedy: 'apt-get install iproute2',
  };
};

/** Makes the device in a scratch namespace and removes both, as every verb will. */
export const tunCreate: Check = ({ device, link }) => {
  const check = 'tun-create';
  const scratch = `synwave-doctor-${process.pid}`;
  const probe = [
    `ip netns add ${scratch}`,
    `trap 'ip netns del ${scratch}' EXIT`,
    `ip -n ${scratch} tuntap add dev ${device} mode ${link.kind}`,
    `ip -n ${scratch} link set ${device} up`,
  ].join(' && ');
  const result = run(elevated(['sh', '-c', probe]));
  if (result.status === 0) return { check, verdict: 'ok', found: `${device} in a scratch namespace` };
  return {
    check,
    verdict: 'FAIL',
    found: result.stderr || `exit ${result.status}`,
    ...explain(result.stderr),
  };
};

function explain(stderr: string): Pick<Finding, 'meaning' | 'remedy'> {
  if (/Permission denied|not permitted/i.test(stderr)) {
    return {
      meaning:
        'The kernel refused: CAP_NET_ADMIN or CAP_SYS_ADMIN is missing here, or /dev/net/tun is closed to you.',
      remedy: 'Run with sudo. In Docker add --cap-add NET_ADMIN --cap-add SYS_ADMIN --device /dev/net/tun.',
    };
  }
  return { meaning: 'No stack can open its link like this.', remedy: 'Mend what the message above names.' };
}

/** The device is not open in another process. */
export const deviceFree: Check = async ({ netns, device }) => {
  const check = 'device-free';
  if (netns !== HOST && !namespaceExists(netns)) {
    return { check, verdict: 'ok', found: `no namespace ${netns} yet` };
  }
  const user = readMarkers().find(
    ({ marker }) =>
      marker.netns === netns && marker.pid !== 0 && marker.devices.includes(device) && isAlive(marker),
  );
  const place = namespaceFile(netns);
  const isThere =
    loadBinding().interfaceIndex({ name: device, ...(place === undefined ? {} : { netns: place }) }) > 0;
  const owner = isThere ? await findTunOwner(device, place) : null;
  const who =
    user !== undefined
      ? `${user.marker.pid} (${user.marker.verb})`
      : owner !== null
        ? `${owner.pid} (${owner.command})`
        : null;
  if (who === null) return { check, verdict: 'ok', found: `${device} in ${netns} is free` };
  return {
    check,
    verdict: 'warn',
    found: `${device} in ${netns} is open in process ${who}`,
    meaning: 'A TUN has one user.',
    remedy: 'Stop that one, or use another device and network: --link tun:lab1 --addr 10.9.1.2/24',
  };
};

interface HostAddress {
  readonly ifname: string;
  readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number }[];
}

/** The stack's network does not overlap one of the machine's: matters only for `--netns host`. */
export const addressClash: Check = ({ addresses, netns }) => {
  const check = 'address-clash';
  const listed = run(['ip', '-j', 'addr']);
  if (listed.status !== 0) return { check, verdict: 'skip', found: '`ip -j addr` does not work' };
  const clashes: string[] = [];
  for (const iface of JSON.parse(listed.stdout) as HostAddress[]) {
    for (const info of iface.addr_info ?? []) {
      const theirs = parseAddress(`${info.local}/${info.prefixlen}`, iface.ifname);
      for (const own of addresses) {
        if (sameNetwork(theirs, own.address) || sameNetwork(own, theirs.address)) {
          clashes.push(
            `${own.address}/${own.prefix} overlaps ${iface.ifname} ${info.local}/${info.prefixlen}`,
          );
        }
      }
    }
  }
  if (clashes.length === 0) return { check, verdict: 'ok', found: 'no interface has that network' };
  const inHost = netns === 'host';
  return {
    check,
    verdict: inHost ? 'FAIL' : 'warn',
    found: clashes.join('; '),
    meaning: inHost
      ? 'Packets for the stack would leave by that interface.'
      : 'Harmless inside a namespace; with --netns host packets would leave by that interface.',
    remedy: 'Choose another network: --addr 10.77.0.2/24',
  };
};

/** `--netns host` in the machine's first namespace is for those who know why. */
export const hostNamespace: Check = ({ netns }) => {
  const check = 'netns';
  if (netns !== 'host') return { check, verdict: 'ok', found: `${netns}, apart from the host's network` };
  if (!isMachineNamespace())
    return { check, verdict: 'ok', found: 'host: the current namespace, not the machine’s' };
  return {
    check,
    verdict: 'warn',
    found: 'host: the machine’s own network namespace',
    meaning: 'The device and its route will be visible to every program of this machine.',
    remedy: 'Leave --netns out, unless that is what you want.',
  };
};

/** IPv6 on the link makes the kernel talk first. */
export const ipv6Noise: Check = ({ netns, device }) => {
  const check = 'ipv6-noise';
  const knob = `/proc/sys/net/ipv6/conf/${device}/disable_ipv6`;
  if (netns === 'host' || !namespaceExists(netns)) {
    return { check, verdict: 'ok', found: 'switched off on devices that we make, unless --addr has IPv6' };
  }
  const value = run(inNamespace(netns, ['cat', knob]));
  if (value.status !== 0 || value.stdout.trim() === '1')
    return { check, verdict: 'ok', found: 'IPv6 is off' };
  return {
    check,
    verdict: 'warn',
    found: `IPv6 is on for ${device}`,
    meaning: 'Captures begin with router solicitations of the kernel.',
    remedy: `echo 1 > ${knob} in ${netns}`,
    fix: {
      command: `ip netns exec ${netns} sh -c 'echo 1 > ${knob}'`,
      apply: () => void run(inNamespace(netns, ['sh', '-c', 'echo 1 >"$0"', knob])),
    },
  };
};

/** What killed runs left. */
export const leftOver: Check = () => {
  const check = 'leftovers';
  const left = leftovers();
  const guards = leftGuards();
  if (left.length + guards.length === 0) return { check, verdict: 'ok', found: 'none' };
  const names = [
    ...left.map(({ marker }) => `${marker.netns} (${marker.verb}, process ${marker.pid})`),
    ...guards.map(({ table, pid }) => `nftables table ${table} (process ${pid})`),
  ];
  return {
    check,
    verdict: 'warn',
    found: `left by an earlier run: ${names.join(', ')}`,
    meaning: 'A run was killed before it could clean up.',
    remedy: 'synwave clean',
    fix: {
      command: 'synwave clean',
      apply: () => {
        guards.forEach(removeGuard);
        left.forEach(removeClaimed);
      },
    },
  };
};

/** Whether the namespace already routes the stack's address elsewhere. */
export const route: Check = ({ netns, addresses, device }) => {
  const check = 'route';
  if (netns !== HOST && !namespaceExists(netns)) {
    return { check, verdict: 'skip', found: `no namespace ${netns} yet` };
  }
  const address = addresses[0]!.address.toString();
  const result = run(ipIn(netns, '-j', 'route', 'get', address));
  if (result.status !== 0) return { check, verdict: 'ok', found: `nothing in ${netns} claims ${address}` };
  const [way] = JSON.parse(result.stdout) as { dev?: string; type?: string }[];
  if (way?.type === 'local') {
    return {
      check,
      verdict: 'FAIL',
      found: `${address} is an address of the kernel in ${netns}`,
      meaning: 'The kernel would answer for the stack.',
      remedy: 'Give the stack an address of its own with --addr.',
    };
  }
  const good = way?.dev === device;
  return {
    check,
    verdict: good ? 'ok' : 'warn',
    found: `${address} goes by ${way?.dev ?? 'nothing'} in ${netns}`,
    ...(good ? {} : { meaning: 'Packets for the stack take another way.', remedy: 'Choose another --addr.' }),
  };
};
