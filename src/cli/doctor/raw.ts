// Checks for a stack on raw sockets: its address, its ports, and what keeps the kernel from answering for it.
import { readFileSync } from 'node:fs';
import { inspectAddress, type RawAddress } from '../../link/raw-address.js';
import { findGuards, probeGuard } from '../../link/raw-guard.js';
import { portConflict, usersOf } from '../../link/raw-port-choice.js';
import { parsePorts } from '../../link/raw-ports.js';
import { run } from '../command.js';
import { HOST, inNamespace, namespaceFile } from '../namespace.js';
import type { Check, Finding, Subject } from './check.js';

/** The kernel delivers what comes for the address. */
export const rawAddress: Check = async (subject) => {
  const findings: Finding[] = [];
  for (const { address } of subject.addresses) findings.push(await examineAddress(String(address), subject));
  return findings;
};

async function examineAddress(text: string, { netns }: Subject): Promise<Finding> {
  const check = 'raw-address';
  try {
    const { device, isOwned } = await inspectAddress(text, namespaceFile(netns));
    const whose = isOwned
      ? `an address of this host (${device})`
      : `delivered by ${device}, not owned by the kernel`;
    return { check, verdict: 'ok', found: `${text} is ${whose}` };
  } catch (error) {
    const { message } = error as Error;
    const [found = '', ...rest] = message.split('. ');
    return {
      check,
      verdict: 'FAIL',
      found,
      meaning: 'Nothing that is sent to it would reach the stack.',
      remedy: rest.join('. ') || 'apt-get install iproute2',
    };
  }
}

/** The addresses that the kernel's own TCP has, too. */
export async function ownedAddresses({ addresses, netns }: Subject): Promise<RawAddress[]> {
  const found: RawAddress[] = [];
  for (const { address } of addresses) {
    try {
      const facts = await inspectAddress(String(address), namespaceFile(netns));
      if (facts.isOwned) found.push(facts);
    } catch {
      // That is the finding of another check.
    }
  }
  return found;
}

/** Something keeps the kernel's RSTs back, or can. */
export const rstGuard: Check = async (subject) => {
  const check = 'rst-guard';
  const owned = (await ownedAddresses(subject)).map(({ address }) => address);
  if (owned.length === 0) {
    return { check, verdict: 'ok', found: 'not needed: the kernel owns none of the addresses' };
  }
  const netns = namespaceFile(subject.netns);
  const ports = subject.ports.length > 0 ? parsePorts(subject.ports) : [{ first: 61_000, last: 65_535 }];
  const error = probeGuard({ addresses: owned, ports, netns });
  if (error === null) {
    const standing = findGuards(netns).filter(({ isAlive }) => isAlive).length;
    const others = standing === 0 ? '' : `; ${standing} of other runs in force`;
    const found = `nftables takes the table that keeps the kernel’s RSTs back${others}`;
    return { check, verdict: 'ok', found };
  }
  const [found = '', remedy = 'apt-get install nftables'] = error.message.split(/(?:\. Remedy: | Remedy: )/);
  return {
    check,
    verdict: 'FAIL',
    found,
    meaning:
      `${owned.join(', ')} belongs to the kernel. It would answer every segment with RST, because it has no such ` +
      'socket. An address that the kernel does not own needs no rule.',
    remedy,
  };
};

/** Neither a program of the kernel's nor another raw link has the ports. */
export const rawPorts: Check = async (subject) => {
  const check = 'ports';
  const { ports, netns } = subject;
  if (ports.length === 0) return { check, verdict: 'skip', found: 'no port was named: --port 80' };
  const owned = (await ownedAddresses(subject)).map(({ address }) => address);
  const { sockets, others } = usersOf(owned, namespaceFile(netns));
  const reason = portConflict(sockets, others, parsePorts(ports));
  if (reason === null) return { check, verdict: 'ok', found: `nobody else has ${ports.join(', ')}` };
  const [found = '', ...remedy] = reason.split('. ');
  return {
    check,
    verdict: 'FAIL',
    found,
    meaning: 'Peers would hear two answers to every segment.',
    remedy: remedy.join('. '),
  };
};

/** A host that forwards may pass on what is meant for a stack on an address that it does not own. */
export const forwarding: Check = async (subject) => {
  const check = 'forwarding';
  const owned = await ownedAddresses(subject);
  if (owned.length === subject.addresses.length) {
    return { check, verdict: 'ok', found: 'of no matter: the addresses are the host’s' };
  }
  const knobs = ['/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/ipv6/conf/all/forwarding'];
  const on = knobs.filter((knob) => knobIn(knob, subject.netns) === '1');
  if (on.length === 0) return { check, verdict: 'ok', found: 'this host does not forward' };
  return {
    check,
    verdict: 'warn',
    found: `${on.map((knob) => knob.split('/').slice(4).join('.')).join(', ')} = 1`,
    meaning: 'The kernel may forward or redirect packets meant for the stack.',
    remedy: 'Give the stack an address of the host, or switch forwarding off.',
  };
};

function knobIn(knob: string, netns: string): string {
  if (netns !== HOST) return run(inNamespace(netns, ['cat', knob])).stdout.trim();
  try {
    return readFileSync(knob, 'utf8').trim();
  } catch {
    return '';
  }
}
