// `synwave doctor`: examines the machine and says what to do.
import { ExitCode, usageError } from '../failure.js';
import { formatLink, type LinkChoice } from '../link-choice.js';
import { isOn, readStackSettings, STACK_OPTIONS, textsOf } from '../options.js';
import { paint } from '../terminal.js';
import { parsePort } from '../values.js';
import type { Verb } from '../verb.js';
import { type Check, type Finding, printFinding, type Subject, subjectOf } from './check.js';
import { addressFree, ethernetInterface, offloads } from './ethernet.js';
import { clock, kernelKnobs, linkRights, node, os, rights, tunNode } from './machine.js';
import {
  addressClash,
  deviceFree,
  hostNamespace,
  iproute2,
  ipv6Noise,
  leftOver,
  route,
  tunCreate,
} from './network.js';
import { ethernetDriver, nativeBinding, rawPackage } from './packages.js';
import { firewall, netem } from './path.js';
import { forwarding, rawAddress, rawPorts, rstGuard } from './raw.js';
import { netcat, TOOL_NAMES, tools } from './tools.js';

type Kind = LinkChoice['kind'];

const DEVICES: readonly Kind[] = ['tun', 'tap'];
const BESIDE_KERNEL: readonly Kind[] = ['raw', 'ethernet'];
const ON_THE_WIRE: readonly Kind[] = [...DEVICES, ...BESIDE_KERNEL];
const ALL: readonly Kind[] = [...ON_THE_WIRE, 'memory'];

/** A check, the names of its findings, and the links that it concerns. */
type Entry = readonly [check: Check, names: readonly string[], kinds: readonly Kind[]];

/** The checks in the order in which a failure explains those after it. */
const CHECKS: readonly Entry[] = [
  [os, ['os'], ON_THE_WIRE],
  [node, ['node'], ALL],
  [nativeBinding, ['native'], DEVICES],
  [rawPackage, ['raw-socket'], ['raw']],
  [ethernetDriver, ['driver'], ['ethernet']],
  [rights, ['rights'], DEVICES],
  [linkRights, ['rights'], BESIDE_KERNEL],
  [tunNode, ['tun-node'], DEVICES],
  [iproute2, ['iproute2'], ON_THE_WIRE],
  [tunCreate, ['tun-create'], DEVICES],
  [hostNamespace, ['netns'], DEVICES],
  [deviceFree, ['device-free'], DEVICES],
  [addressClash, ['address-clash'], DEVICES],
  [route, ['route'], DEVICES],
  [ipv6Noise, ['ipv6-noise'], DEVICES],
  [ethernetInterface, ['interface'], ['ethernet']],
  [addressFree, ['address-free'], ['ethernet']],
  [offloads, ['offloads'], ['ethernet']],
  [rawAddress, ['raw-address'], ['raw']],
  [rawPorts, ['ports'], ['raw']],
  [rstGuard, ['rst-guard'], ['raw']],
  [forwarding, ['forwarding'], ['raw']],
  [firewall, ['firewall'], ON_THE_WIRE],
  [netem, ['netem'], ON_THE_WIRE],
  [tools, TOOL_NAMES, ON_THE_WIRE],
  [netcat, ['nc'], ON_THE_WIRE],
  [leftOver, ['leftovers'], ON_THE_WIRE],
  [kernelKnobs, ['kernel-knobs'], ON_THE_WIRE],
  [clock, ['clock'], ALL],
];

/** `synwave doctor`. */
export const doctor: Verb = {
  name: 'doctor',
  summary: 'check the machine, say what to do',
  usage: '[CHECK...] [--link LINK] [--fix] [--json]',
  description: `
One line for every check: ok, warn, FAIL or skip; then what it means and what to do. Which checks there are depends on the
link: --link raw:192.0.2.7 --port 80 asks about raw sockets there. Names of checks leave the others out. --fix carries out
the remedies that are marked, prints each command first and looks again. Exit code 3 when a check fails.`,
  options: {
    fix: { type: 'boolean', help: 'carry out the marked remedies' },
    link: STACK_OPTIONS.link!,
    addr: STACK_OPTIONS.addr!,
    port: { type: 'string', multiple: true, value: 'PORT', help: 'a port on which a raw stack is to listen' },
  },
  json: { prints: 'every check with its verdict' },
  needs: 'nothing',
  async run({ args, terminal }) {
    const ports = textsOf(args.values, 'port').map((text) => parsePort(text, '--port'));
    const subject = subjectOf(readStackSettings(args.values), ports);
    const { link } = subject;
    const findings: Finding[] = [];
    for (const [check, names] of chosen(args.positionals, link.kind)) {
      for (const finding of await examine(check, subject)) {
        if (!names.includes(finding.check)) continue;
        const last = isOn(args.values, 'fix')
          ? await mend(check, subject, finding, terminal.complain)
          : finding;
        findings.push(last);
        printFinding(terminal, last);
      }
    }
    const failed = findings.filter((finding) => finding.verdict === 'FAIL');
    if (isOn(args.values, 'json')) {
      const rows = findings.map(({ fix, ...row }) => ({ ...row, fix: fix?.command ?? null }));
      terminal.document({ ok: failed.length === 0, link: formatLink(link), checks: rows });
    }
    const verdict =
      failed.length === 0 ? paint(terminal, 'green', 'ready') : paint(terminal, 'red', 'not ready');
    terminal.complain(
      failed.length === 0 ? verdict : `${verdict}: ${failed.map((one) => one.check).join(', ')}`,
    );
    return failed.length === 0 ? ExitCode.OK : ExitCode.ENVIRONMENT;
  },
};

/** The checks for a link: those that are named, or all. */
function chosen(named: readonly string[], kind: Kind): [check: Check, names: readonly string[]][] {
  const concerned = CHECKS.filter(([, , kinds]) => kinds.includes(kind));
  const known = concerned.flatMap(([, names]) => names);
  const stranger = named.find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw usageError(`there is no check "${stranger}" for this link`, `one of: ${known.join(', ')}`);
  }
  return concerned.flatMap(([check, names]) => {
    const wanted = named.length === 0 ? names : names.filter((name) => named.includes(name));
    return wanted.length === 0 ? [] : [[check, wanted]];
  });
}

async function examine(check: Check, subject: Subject): Promise<Finding[]> {
  const found = await check(subject);
  return Array.isArray(found) ? found : [found];
}

/** Carries out a remedy and examines again. */
async function mend(
  check: Check,
  subject: Subject,
  finding: Finding,
  print: (text: string) => void,
): Promise<Finding> {
  if (finding.fix === undefined || finding.verdict === 'ok') return finding;
  print(`fix   ${finding.check.padEnd(14)} ${finding.fix.command}`);
  try {
    finding.fix.apply();
  } catch (error) {
    return { ...finding, found: `${finding.found}; the remedy failed: ${(error as Error).message}` };
  }
  const again = (await examine(check, subject)).find((one) => one.check === finding.check);
  return again ?? finding;
}
