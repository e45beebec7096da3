// The same conversations over every way onto the wire, and over devices with and without offload. TUN has tests of its own
// throughout this folder.
import { tapLink } from '../../src/link/tap.js';
import { tunLink } from '../../src/link/tun.js';
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
  ...(['packet', 'pcap'] as const).map((driver): LinkKind => {
    return {
      name: driver === 'packet' ? 'ethernet' : 'ethernet by pcap',
      allow: NEEDLESS_PROBES,
      prepare: (t, lab) => {
        const host = NeighbourHost.open(t, lab);
        return () => host.ethernet({ driver });
      },
    };
  }),
  ...([true, 'software', false] as const).flatMap((offload): LinkKind[] => {
    const how = offload === 'software' ? 'with software' : offload ? 'with' : 'without';
    const hostAddress = [`${KERNEL}/24`, `${KERNEL_V6}/64`];
    const addresses = [`${STACK}/24`, `${STACK_V6}/64`];
    return [
      {
        name: `tap ${how} offload`,
        prepare: (_t, lab) => async () => {
          const link = await tapLink({ name: 'tap0', netns: lab.netns, hostAddress, offload });
          makePatient(lab.netns, link.name);
          return { link, addresses };
        },
      },
      {
        name: `tun ${how} offload`,
        prepare: (_t, lab) => async () => {
          const link = await tunLink({ name: 'tun0', netns: lab.netns, hostAddress, offload });
          makePatient(lab.netns, link.name);
          return { link, addresses };
        },
      },
    ];
  }),
];

for (const kind of KINDS) linkSuite(kind);
