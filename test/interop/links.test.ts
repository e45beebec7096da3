// The same conversations over every way onto the wire but TUN, which has tests of its own throughout this folder.
import { ECHO_PORT, HTTP_PORT, type LinkKind, linkSuite } from './link-suite.js';
import { NeighbourHost } from './neighbour-host.js';

const KINDS: readonly LinkKind[] = [
  {
    name: 'raw',
    prepare: (t, lab) => {
      const host = NeighbourHost.open(t, lab, { ownsAddresses: true });
      return () => host.raw(ECHO_PORT, HTTP_PORT);
    },
  },
];

for (const kind of KINDS) linkSuite(kind);
