// TUN links for tests, in a namespace that the test file made.
import { type TunLink, type TunLinkOptions, tunLink } from '../../src/link/tun.js';
import { RecordingReceiver } from '../native/recording-receiver.js';
import type { TestNamespace } from '../native/test-namespace.js';

/** Opens links in `namespace`, with the kernel at 10.9.0.1. */
export function tunFixtures(namespace: TestNamespace) {
  const open = (options: TunLinkOptions = {}) =>
    tunLink({ netns: namespace.name, hostAddress: '10.9.0.1/24', ...options });

  /** Opens a link for the duration of `body`. */
  async function withLink(
    options: TunLinkOptions,
    body: (link: TunLink, receiver: RecordingReceiver) => Promise<void>,
  ): Promise<void> {
    const link = await open(options);
    try {
      await body(link, new RecordingReceiver());
    } finally {
      await link.close();
    }
  }

  return { open, withLink };
}

/** Sends a packet that is in one piece. */
export function sendWhole(link: TunLink, packet: Uint8Array): boolean {
  return link.send(link.packetIds.next(), packet, 0, packet.length, null);
}
