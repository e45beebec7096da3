// Checks of what stands between the stack and its peers: rules of the firewall, and what the kernel offers for faults.
import { run } from '../command.js';
import { HOST, inNamespace, isMachineNamespace, namespaceExists } from '../namespace.js';
import { elevated } from '../privileges.js';
import type { Check } from './check.js';

/** Rules that drop what the connection tracking calls invalid. */
export const firewall: Check = ({ netns }) => {
  const check = 'firewall';
  if (netns !== HOST && !namespaceExists(netns)) {
    return { check, verdict: 'ok', found: `a new namespace has no rules` };
  }
  const listed = run(inNamespace(netns, ['nft', 'list', 'ruleset']));
  if (listed.status !== 0) {
    return { check, verdict: 'skip', found: 'the rules cannot be read: no nft, or no right to look' };
  }
  const rule = listed.stdout
    .split('\n')
    .find((line) => /ct state\b.*\binvalid\b.*\b(drop|reject)\b/.test(line));
  if (rule === undefined) return { check, verdict: 'ok', found: 'no rule drops segments for their state' };
  return {
    check,
    verdict: 'warn',
    found: `a rule drops segments that connection tracking calls invalid: ${rule.trim()}`,
    meaning:
      'Simultaneous open and old duplicates do not get through. Connections of a TUN in its own namespace are not affected.',
    remedy:
      'Except the stack’s address from that rule, or work in a namespace of its own (leave --netns out).',
  };
};

/** Whether the kernel could impair the link. Ours does it by itself. */
export const netem: Check = () => {
  const check = 'netem';
  const probe = run(
    elevated(['unshare', '--net', '--', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms']),
  );
  const found =
    probe.status === 0
      ? 'tc netem works here, and is not needed'
      : 'tc netem is not available here; not needed, faults are made by our own link';
  return { check, verdict: 'ok', found };
};

/** Offloads of an interface on which packets are taken as the driver has them. */
export const offloads: Check = ({ netns, device }) => {
  const check = 'offloads';
  const listed = run(inNamespace(netns, ['ethtool', '-k', device]));
  if (listed.status !== 0) {
    const reason = listed.stderr.split('\n')[0] || 'ethtool not found: apt-get install ethtool';
    return { check, verdict: 'skip', found: reason };
  }
  const on = [
    ['tx-checksumming', 'tx'],
    ['tcp-segmentation-offload', 'tso'],
    ['generic-segmentation-offload', 'gso'],
    ['generic-receive-offload', 'gro'],
  ].filter(([feature]) => new RegExp(`^${feature}: on`, 'm').test(listed.stdout));
  if (on.length === 0) return { check, verdict: 'ok', found: `${device}: all off` };
  const argv = ['ethtool', '-K', device, ...on.flatMap(([, letter]) => [letter!, 'off'])];
  const isOurs = netns !== HOST || !isMachineNamespace();
  return {
    check,
    verdict: 'warn',
    found: `${device}: ${on.map(([feature]) => feature).join(', ')} on`,
    meaning:
      'Segments of this host’s kernel arrive with unfinished checksums and up to 64 KB long. The stack takes them so, but ' +
      'a capture shows what no wire would carry.',
    remedy: argv.join(' '),
    ...(isOurs ? { fix: { command: argv.join(' '), apply: () => void run(inNamespace(netns, argv)) } } : {}),
  };
};
