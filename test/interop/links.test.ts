// The same conversations over every way onto the wire but TUN, which has tests of its own throughout this folder.
import { tapLink } from '../../src/link/tap.js';
import type { Allowance } from './judge.js';
import { KERNEL, KERNEL_V6, makePatient, STACK, STACK_V6 } from './lab.js';
import { ECHO_PORT, HTTP_PORT, type LinkKind, linkSuite } from './link-suite.js';
import { NeighbourHost } from './neighbour-host.js';

/**
 * On a busy machine the kernel works off what crosses a veth pair some time after it was sent: a tail loss probe goes out
 * although nothing is lost. The peer reports that it came twice, and does so to nobody when that was the end of the connection.
 */
const NEEDLESS_PROBES: Allowance = {
  retransmission: [0, 10],
  spurious_retransmission: [0, 10],
  duplicate_ack: [0, 10],
  rst: [0, 2],
};

const KINDS: readonly LinkKind[] = [
  {
    name: 'raw',
    prepare: (t, lab) => {
      const host = NeighbourHost.open(t, lab, { ownsAddresses: true });
      return () => host.raw(ECHO_PORT, HTTP_PORT);
    },
  },
  {
    name: 'ethernet',
    allow: NEEDLESS_PROBES,
    prepare: (t, lab) => {
      const host = NeighbourHost.open(t, lab);
      return () => host.ethernet();
    },
  },
  {
    name: 'tap',
    prepare: (_t, lab) => async () => {
      const hostAddress = [`${KERNEL}/24`, `${KERNEL_V6}/64`];
      const link = await tapLink({ name: 'tap0', netns: lab.netns, hostAddress });
      makePatient(lab.netns, link.name);
      return { link, addresses: [`${STACK}/24`, `${STACK_V6}/64`] };
    },
  },
];

for (const kind of KINDS) linkSuite(kind);
