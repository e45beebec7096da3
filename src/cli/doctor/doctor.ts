// `synwave doctor`: examines the machine and says what to do.
import { ExitCode } from '../failure.js';
import { isOn, readStackSettings, STACK_OPTIONS } from '../options.js';
import { paint } from '../terminal.js';
import type { Verb } from '../verb.js';
import { nativeBinding } from './binding.js';
import { type Check, type Finding, printFinding, type Subject } from './check.js';
import { clock, kernelKnobs, node, os, rights, tunNode } from './machine.js';
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
import { netcat, tools } from './tools.js';

/** The checks in the order in which a failure explains those after it. */
const CHECKS: readonly Check[] = [
  os,
  node,
  nativeBinding,
  rights,
  tunNode,
  iproute2,
  tunCreate,
  hostNamespace,
  deviceFree,
  addressClash,
  route,
  ipv6Noise,
  tools,
  netcat,
  leftOver,
  kernelKnobs,
  clock,
];

/** `synwave doctor`. */
export const doctor: Verb = {
  name: 'doctor',
  summary: 'check the machine, say what to do',
  usage: '[--fix] [--json]',
  description: `
One line for every check: ok, warn, FAIL or skip; then what it means and what to do. --fix carries out the remedies that
are marked, prints each command first and looks again. Exit code 3 when a check fails.`,
  options: {
    fix: { type: 'boolean', help: 'carry out the marked remedies' },
    link: STACK_OPTIONS.link!,
    addr: STACK_OPTIONS.addr!,
  },
  json: { prints: 'every check with its verdict' },
  needs: 'nothing',
  async run({ args, terminal }) {
    const { netns, device, addresses } = readStackSettings(args.values);
    const subject: Subject = { netns, device, addresses };
    const findings: Finding[] = [];
    for (const check of CHECKS) {
      for (const finding of await examine(check, subject)) {
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
      terminal.document({ ok: failed.length === 0, checks: rows });
    }
    const verdict =
      failed.length === 0 ? paint(terminal, 'green', 'ready') : paint(terminal, 'red', 'not ready');
    terminal.complain(
      failed.length === 0 ? verdict : `${verdict}: ${failed.map((one) => one.check).join(', ')}`,
    );
    return failed.length === 0 ? ExitCode.OK : ExitCode.ENVIRONMENT;
  },
};

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
