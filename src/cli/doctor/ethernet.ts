// Checks for a stack on an Ethernet interface: that it is one and up, that its address is free, and what its device leaves
// undone.
import { inspectInterface, offloadRemedy, offloadsOn } from '../../native/host-interface.js';
import { run } from '../command.js';
import { HOST, inNamespace, isMachineNamespace, namespaceFile } from '../namespace.js';
import type { Check, Finding } from './check.js';
import { packetSocketsLack } from './packages.js';
import { ownedAddresses } from './raw.js';

/** The interface is there, of the right kind, and up. */
export const ethernetInterface: Check = async ({ netns, device }) => {
  const check = 'interface';
  const fail = (found: string, meaning: string, remedy: string): Finding => ({
    check,
    verdict: 'FAIL',
    found,
    meaning,
    remedy,
  });
  try {
    const facts = await inspectInterface(device, namespaceFile(netns));
    if (facts === null) {
      return fail(
        `there is no interface ${device}`,
        'A stack needs one to join.',
        '`ip link` shows those that are.',
      );
    }
    const { kind, mac, mtu, up } = facts;
    if (kind !== 'ether') {
      const meaning = 'Only Ethernet carries frames with MAC addresses.';
      return fail(
        `${device} is of kind ${kind}`,
        meaning,
        'Choose an Ethernet interface, or --link tun:NAME.',
      );
    }
    if (!up) return fail(`${device} is down`, 'No frame comes or goes.', `ip link set dev ${device} up`);
    return { check, verdict: 'ok', found: `${device}, ${mac}, MTU ${mtu}` };
  } catch (error) {
    const remedy = 'apt-get install iproute2; is the namespace there?';
    return fail((error as Error).message, 'The interface cannot be looked at.', remedy);
  }
};

/** The kernel does not have the stack's address. */
export const addressFree: Check = async (subject) => {
  const check = 'address-free';
  const owned = await ownedAddresses(subject);
  if (owned.length === 0) return { check, verdict: 'ok', found: 'the host has none of the addresses' };
  const names = owned.map(({ address, device }) => `${address} (${device})`).join(', ');
  return {
    check,
    verdict: 'FAIL',
    found: `already an address of this host: ${names}`,
    meaning: 'The kernel would answer for the stack.',
    remedy: 'Give the stack a free address of that network with --addr, or use --link raw:ADDRESS.',
  };
};

/** What the kernel leaves to the device: checksums and the cutting of segments. With packet sockets it tells what it left. */
export const offloads: Check = async ({ netns, device }) => {
  const check = 'offloads';
  if (packetSocketsLack() === null) {
    return { check, verdict: 'ok', found: 'checksums and joined segments are taken as the kernel has them' };
  }
  let on: string[];
  try {
    on = await offloadsOn(device, namespaceFile(netns));
  } catch (error) {
    return { check, verdict: 'skip', found: (error as Error).message };
  }
  if (on.length === 0) return { check, verdict: 'ok', found: `${device}: tx, tso, gso and gro are off` };
  const command = offloadRemedy(device);
  // Others' throughput depends on the offloads of the machine's own interfaces.
  const isOurs = netns !== HOST || !isMachineNamespace();
  return {
    check,
    verdict: 'warn',
    found: `${device}: ${on.join(', ')} on`,
    meaning:
      'Segments of this host’s kernel arrive with unfinished checksums, which are completed, and up to 64 KB long: a ' +
      'capture then shows what no wire would carry.',
    remedy: command,
    ...(isOurs ? { fix: { command, apply: () => void run(inNamespace(netns, command.split(' '))) } } : {}),
  };
};
