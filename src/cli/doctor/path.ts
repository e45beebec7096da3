// Checks of what stands between the stack and its peers: rules of the firewall, and what the kernel offers for faults.
import { run } from '../command.js';
import { HOST, inNamespace, namespaceExists } from '../namespace.js';
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
