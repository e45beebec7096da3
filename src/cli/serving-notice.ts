// What people are told when services stand ready.
import type { LinkChoice } from './link-choice.js';
import type { Offer } from './offers.js';
import type { StackSettings } from './options.js';
import type { Context } from './verb.js';

/** Tells people what is served, and how it is reached. */
export function announce(context: Context, settings: StackSettings, offers: readonly Offer[]): void {
  const { terminal } = context;
  const { netns, link } = settings;
  const address = String(settings.addresses[0]!.address);
  const what = offers.map(({ kind, port }) => `${kind} on ${port}`).join(', ');
  terminal.say(`${address}: ${what}`);
  if (link.kind === 'memory') return;
  const example = offers.find((offer) => offer.kind === 'http') ?? offers[0]!;
  const shown = address.includes(':') ? `[${address}]` : address;
  const command =
    example.kind === 'http'
      ? `curl http://${shown}${example.port === 80 ? '' : `:${example.port}`}/`
      : `nc -N ${address} ${example.port}`;
  terminal.say(`${whence(link, netns)}${command}`);
}

/** From where the stack can be reached. */
function whence({ kind }: LinkChoice, netns: string): string {
  if (kind === 'raw' || kind === 'ethernet') return 'from another host: ';
  const way = netns === 'host' ? '' : `synwave sh${netns === 'synwave' ? '' : ` --netns ${netns}`} -- `;
  return `in another terminal: ${way}`;
}
