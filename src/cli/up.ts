// `synwave up`: a namespace and a persistent TUN for experiments by hand. They stay until `synwave down`.
import { TX_QUEUE_PACKETS } from '../native/host-interface.js';
import { mustRun, run } from './command.js';
import { ExitCode, environmentError, usageError } from './failure.js';
import { formatLink } from './link-choice.js';
import { claimLasting, HOST, inNamespace, ipIn, removeClaimed } from './namespace.js';
import { isOn, readStackSettings, STACK_OPTIONS, type StackSettings } from './options.js';
import { type Marker, readMarkers, writeMarker } from './ownership.js';
import { mayMakeNamespaces } from './privileges.js';
import type { Verb } from './verb.js';

/** `synwave up`. */
export const up: Verb = {
  name: 'up',
  summary: 'make a namespace and a TUN for experiments by hand',
  usage: '[--netns NAME] [--link tun:NAME]',
  description: `
Makes a network namespace (synwave) with a persistent TUN device (lab0) in it and gives the kernel its address. Verbs
that open a link then attach to that device, and it stays between them. \`synwave down\` removes both.

  synwave up
  synwave http ./site &
  synwave sh -- curl http://10.9.0.2/
  synwave down`,
  options: {
    link: STACK_OPTIONS.link!,
    addr: STACK_OPTIONS.addr!,
    peer: STACK_OPTIONS.peer!,
    mtu: STACK_OPTIONS.mtu!,
  },
  json: { prints: 'namespace, device, addresses of both ends' },
  needs: 'nothing',
  async run({ args, terminal }) {
    const settings = readStackSettings(args.values);
    const device = deviceOf(settings);
    refuseWherePointless(settings);
    const marker = claimLasting(settings.netns);
    try {
      makeDevice(settings, device, marker);
    } catch (error) {
      const own = readMarkers().find((file) => file.marker.netns === marker.netns && file.marker.pid === 0);
      if (own !== undefined) removeClaimed(own);
      throw error;
    }
    const kernel = settings.hostAddresses.join(', ');
    const stack = settings.addresses.map((own) => `${own.address}/${own.prefix}`);
    terminal.say(`namespace ${settings.netns}, device ${device}: the kernel has ${kernel}`);
    terminal.say(`the stack will have ${stack.join(', ')}; start it: synwave http .`);
    terminal.say(`on the kernel's side: synwave sh -- curl http://${settings.addresses[0]!.address}/`);
    terminal.say('remove both: synwave down');
    if (isOn(args.values, 'json')) {
      terminal.document({
        netns: settings.netns,
        device,
        kernel: settings.hostAddresses,
        stack,
      });
    }
    return ExitCode.OK;
  },
};

function deviceOf({ link }: StackSettings): string {
  if (link.kind === 'tun') return link.device;
  throw usageError(`\`up\` has nothing to make for --link ${formatLink(link)}`, 'write --link tun:NAME');
}

function refuseWherePointless(settings: StackSettings): void {
  if (settings.netns === HOST) {
    throw environmentError('`up` makes a namespace; --netns host has none to make', 'leave --netns out');
  }
  if (!mayMakeNamespaces()) {
    throw environmentError(
      '`up` needs root: without it nothing outlives the command, a user namespace ends with its process',
      'leave `up` out: every verb makes what it needs, and `synwave sh -- CMD` reaches it while it runs',
    );
  }
  const standing = readMarkers().find(
    (file) => file.marker.pid === 0 && file.marker.netns === settings.netns,
  );
  if (standing !== undefined) {
    throw environmentError(`${settings.netns} is up already`, '`synwave down` removes it');
  }
}

function makeDevice(settings: StackSettings, device: string, marker: Marker): void {
  const { netns } = settings;
  const ip = (...args: string[]) => void mustRun(ipIn(netns, ...args));
  if (run(ipIn(netns, 'link', 'show', 'dev', device)).status === 0) {
    throw environmentError(
      `device ${device} exists in ${netns} already`,
      'choose another: --link tun:OTHER, or remove what made it',
    );
  }
  marker.devices.push(device);
  writeMarker(marker);
  ip('tuntap', 'add', 'dev', device, 'mode', 'tun');
  if (settings.addresses.every((own) => own.address.family === 4)) {
    // Otherwise every capture begins with the kernel's router solicitations. The knob belongs to the namespace.
    const knob = `/proc/sys/net/ipv6/conf/${device}/disable_ipv6`;
    mustRun(inNamespace(netns, ['sh', '-c', `test ! -e "$0" || echo 1 >"$0"`, knob]));
  }
  const mtu = String(settings.mtu ?? 1500);
  ip('link', 'set', 'dev', device, 'mtu', mtu, 'txqueuelen', String(TX_QUEUE_PACKETS));
  for (const address of settings.hostAddresses) {
    ip('addr', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []));
  }
  ip('link', 'set', 'dev', device, 'up');
}
