// `synwave wire`: two kernels joined through an impaired link, so that they meet what our stack meets.
import { type Bridge, type BridgeWayStats, bridgeLinks } from '../link/bridge.js';
import { captureLink, type PacketRecorder, type RecordedPacket } from '../link/capture.js';
import { PreciseClock } from '../link/precise-clock.js';
import { PcapngWriter } from '../observe/pcapng.js';
import { type Link, PacketIds } from '../stack/link.js';
import { ExitCode, environmentError, usageError } from './failure.js';
import { IMPAIRMENT_OPTIONS, type Impairment, readImpairment } from './impairment.js';
import { isOn, textOf } from './option-values.js';
import { parseDuration } from './values.js';
import type { Context, Verb } from './verb.js';
import {
  END_OPTIONS,
  openEnd,
  readEnds,
  readMtu,
  type SideName,
  type WireEnd,
  wayInto,
} from './wire-ends.js';

/** `synwave wire`. */
export const wire: Verb = {
  name: 'wire',
  summary: 'join two kernels through an impaired link',
  usage: '[--left NAME[@NETNS]] [--right NAME[@NETNS]] [--seconds N] [--delay 10ms] [--loss 1%] [...]',
  description: `
Makes two network namespaces with a TUN device in each and carries packets between them, through the same impairment
that other verbs put between the stack and the kernel: two kernels then meet what our stack would meet. \`out\` is from
left to right, \`in\` from right to left; the same seed gives the n-th packet of a direction the same fate, whoever sends
it. --netns NAME calls the namespaces NAME-left and NAME-right; NAME@NETNS puts a device into a namespace of yours, and
NAME@host into the current one. Both ends, and all that was made, are gone when the wire ends.

  synwave wire --netns lab --delay 10ms --loss 1% --rate 10mbit --queue 25k
  ip netns exec lab-left ping 10.9.0.2             in another terminal`,
  options: {
    ...END_OPTIONS,
    ...IMPAIRMENT_OPTIONS,
    seconds: { type: 'string', value: 'N', help: 'end after so long (default: when interrupted)' },
    capture: {
      type: 'string',
      short: 'w',
      value: 'FILE',
      help: 'write a pcapng capture of the left end: what it sends before the faults, what it gets after them',
    },
  },
  json: {
    prints: 'the ends; packets, bytes and drops by cause of each direction',
  },
  needs: 'devices',
  run,
};

/** One direction as `--json` and the closing lines tell of it. */
interface WayReport extends BridgeWayStats {
  /** Packets that came in and had neither gone out nor been lost at the end. */
  readonly underway: number;
}

interface Wire {
  readonly left: WireEnd;
  readonly right: WireEnd;
  readonly bridge: Bridge;
  /** Resolves when a device is gone under the wire. */
  readonly failed: Promise<Error>;
}

async function run(context: Context): Promise<number> {
  const { args, life, terminal } = context;
  const { values } = args;
  if (args.positionals.length > 0) {
    throw usageError(`what is "${args.positionals[0]}"?`, 'the ends are options: --left NAME@NETNS');
  }
  if (textOf(values, 'capture') === '-' && isOn(values, 'json')) {
    throw usageError('stdout carries other output already', 'write the capture to a file: -w FILE');
  }
  const secondsText = textOf(values, 'seconds');
  const limitMs = secondsText === undefined ? null : parseDuration(secondsText, '--seconds', 's');
  const impairment = readImpairment(values);
  const wire = await openWire(context, impairment);
  const begun = performance.now();
  let ended: string | null = null;
  // Registered last, so that it comes first: while the devices are there to be asked.
  life.defer('the summary', () => {
    const seconds = (performance.now() - begun) / 1000;
    summarize(context, wire, {
      seed: impairment?.seed ?? 1,
      seconds,
      ended: life.signal ?? ended ?? 'failure',
    });
  });
  announce(context, wire, impairment, limitMs);
  const failure = await Promise.race([
    wire.failed,
    life.interrupted.then(() => null),
    elapsed(context, limitMs),
  ]);
  if (failure !== null) throw environmentError(failure.message, 'start the wire again');
  ended = 'time';
  terminal.say('');
  return ExitCode.OK;
}

async function openWire(context: Context, impairment: Impairment | null): Promise<Wire> {
  const { args, life } = context;
  const settings = readEnds(args.values);
  const mtu = readMtu(args.values);
  const packetIds = new PacketIds();
  const left = await openEnd(settings.left, life, mtu, packetIds);
  const right = await openEnd(settings.right, life, mtu, packetIds);
  const clock = new PreciseClock();
  life.defer('the clock', () => clock.close());
  let announceFailure: (error: Error) => void = () => {};
  const failed = new Promise<Error>((resolve) => {
    announceFailure = resolve;
  });
  const bridge = bridgeLinks(withCapture(context, left, right, clock), right.link, {
    ...(impairment ?? {}),
    clock,
    onFailure: announceFailure,
  });
  life.defer('the wire', () => bridge.close());
  return { left, right, bridge, failed };
}

const STDOUT = 1;

/** The capture shows the left kernel's packets from its own view, as that of a stack shows the stack's. */
function withCapture(context: Context, left: WireEnd, right: WireEnd, clock: PreciseClock): Link {
  const file = textOf(context.args.values, 'capture');
  if (file === undefined) return left.link;
  const names = [left, right].flatMap(({ side, addresses }) =>
    addresses.map((address) => ({ address: address.split('/')[0]!, name: side })),
  );
  const writer = new PcapngWriter({
    target: file === '-' ? STDOUT : file,
    interfaceName: left.link.name,
    addresses: left.addresses,
    names,
    onError: (error) => context.terminal.complain(`the capture ended early: ${error.message}`),
  });
  return captureLink(left.link, new LeftView(writer), { clock });
}

/** Turns directions round: what the wire reads from the left device is what the left kernel sends. */
class LeftView implements PacketRecorder {
  readonly snapLength: number;

  constructor(private readonly recorder: PacketRecorder) {
    this.snapLength = recorder.snapLength;
  }

  packet(packet: RecordedPacket): void {
    this.recorder.packet({ ...packet, direction: packet.direction === 'in' ? 'out' : 'in' });
  }

  event(timeNs: bigint, fields: Readonly<Record<string, string>>): void {
    this.recorder.event(timeNs, fields);
  }

  close(): Promise<void> {
    return this.recorder.close();
  }
}

/** Resolves after so many milliseconds, never for null. */
function elapsed({ life }: Context, limitMs: number | null): Promise<null> {
  return new Promise((resolve) => {
    if (limitMs === null) return;
    const timer = setTimeout(resolve, limitMs, null);
    life.defer('the time limit', () => clearTimeout(timer));
  });
}

function announce(
  { terminal }: Context,
  { left, right }: Wire,
  impairment: Impairment | null,
  limitMs: number | null,
): void {
  for (const { side, device, netns, addresses } of [left, right]) {
    terminal.say(`${side}: ${device} in ${netns}, ${addresses.join(', ') || 'without an address of ours'}`);
  }
  for (const [way, faults] of [
    ['left to right', impairment?.out],
    ['right to left', impairment?.in],
  ] as const) {
    terminal.say(`${way}: ${faultsInWords(faults ?? {})}`);
  }
  if (left.link.mtu !== right.link.mtu) {
    terminal.complain(
      `the MTUs differ: ${left.link.mtu} left, ${right.link.mtu} right; larger packets cross anyway`,
    );
  }
  terminal.say(limitMs === null ? 'until interrupted' : `for ${limitMs / 1000} s`);
  const commands = [
    [left, right],
    [right, left],
  ].map(([own, other]) => `${wayInto(own!.netns)}ping ${other!.addresses[0]?.split('/')[0] ?? 'ADDRESS'}`);
  terminal.say(`in another terminal: ${commands.join('\n               and: ')}`);
}

function faultsInWords(faults: object): string {
  const words = Object.entries(faults).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return words.length === 0 ? 'no faults' : words.join(', ').replaceAll('"', '');
}

function summarize(
  { args, terminal }: Context,
  wire: Wire,
  end: { seed: number; seconds: number; ended: string },
): void {
  const ways = {
    leftToRight: report(wire.bridge.leftToRight, wire.left),
    rightToLeft: report(wire.bridge.rightToLeft, wire.right),
  };
  for (const [name, way] of [
    ['left to right', ways.leftToRight],
    ['right to left', ways.rightToLeft],
  ] as const) {
    terminal.say(`${name}: ${inWords(way)}`);
  }
  if (!isOn(args.values, 'json')) return;
  const describe = ({ device, netns, addresses }: WireEnd) => ({ device, netns, addresses });
  const ends: Record<SideName, object> = { left: describe(wire.left), right: describe(wire.right) };
  terminal.document({ verb: 'wire', ...ends, ...end, ...ways });
}

/** Adds what the kernel lost in front of the device, and what is still on its way. */
function report(stats: BridgeWayStats, from: WireEnd): WayReport {
  const lost = Object.values(stats.drops).reduce((sum, n) => sum + n, 0);
  const { dup = 0, inject = 0 } = stats.acts;
  const underway = stats.packetsIn + dup + inject - lost - stats.packetsOut;
  const queueDrops = from.queueDrops();
  const drops = queueDrops > 0 ? { ...stats.drops, 'device-queue': queueDrops } : stats.drops;
  return { ...stats, drops, underway };
}

function inWords({ packetsIn, packetsOut, bytesOut, drops, acts, underway }: WayReport): string {
  const parts = [`${packetsIn} packets in, ${packetsOut} out (${bytesOut} bytes)`];
  const lost = Object.entries(drops).map(([cause, n]) => `${n} ${cause}`);
  if (lost.length > 0) parts.push(`lost ${lost.join(', ')}`);
  for (const [act, n] of Object.entries(acts)) parts.push(`${act} ${n}`);
  if (underway > 0) parts.push(`${underway} under way`);
  return parts.join('; ');
}
