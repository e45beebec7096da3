// `synwave drill`: plays packetdrill scripts against the stack, or against the kernel.
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openKernelHost } from '../drill/kernel-host.js';
import type { KernelHost } from '../drill/kernel-subject.js';
import type { DrillResult } from '../drill/outcome.js';
import { failureReport, tapLines } from '../drill/report.js';
import { type DrillOptions, runScript } from '../drill/run.js';
import { ExitCode, usageError } from './failure.js';
import { claimNamespace, namespacePath } from './namespace.js';
import { isOn, textOf } from './options.js';
import { mayMakeNamespaces, runAgainAsUserRoot } from './privileges.js';
import { parseInteger, parseWord } from './values.js';
import type { Context, Verb } from './verb.js';

/** Scripts that meet the kernel at the same time, unless told otherwise: they mostly wait. */
const KERNEL_JOBS = 4;
const MAX_JOBS = 64;

/** `synwave drill`. */
export const drill: Verb = {
  name: 'drill',
  summary: 'play packetdrill scripts against the stack or the kernel',
  usage: 'FILE.pkt... [--strict] [--peer kernel] [--pcap PATH] [--trace]',
  description: `
Plays each script, in virtual time and without any right or device, against the stack, and prints TAP. Matching is lenient
where stacks may differ; --strict wants every field, option and millisecond as the script says. A script that asks for
something unknown is skipped with the reason. With --peer kernel the script plays the remote host over a TUN device in a
namespace of its own, in real time, and the kernel's sockets make its calls. Exit code 1 when a script fails.

  synwave drill test/drill/handshake/*.pkt
  synwave drill --strict --trace my.pkt
  sudo synwave drill --peer kernel my.pkt`,
  options: {
    strict: { type: 'boolean', help: 'everything must be as the script says, to the letter' },
    peer: {
      type: 'string',
      value: 'WHO',
      help: 'stack (default), or kernel: in real time, over a TUN in a namespace',
    },
    jobs: {
      type: 'string',
      value: 'N',
      help: `with --peer kernel: scripts at the same time (default ${KERNEL_JOBS})`,
    },
    pcap: { type: 'string', value: 'PATH', help: 'write a capture; with several scripts PATH is a folder' },
    trace: { type: 'boolean', help: 'print packets and calls as they happen, on stderr' },
  },
  json: { prints: 'the result of every script, with what was expected and what came' },
  needs: 'nothing',
  async run(context) {
    const { args } = context;
    if (args.positionals.length === 0) {
      throw usageError('drill needs scripts', 'name one or more files: synwave drill FILE.pkt');
    }
    const peer = parseWord(textOf(args.values, 'peer') ?? 'stack', '--peer', ['stack', 'kernel'] as const);
    if (peer === 'kernel' && !mayMakeNamespaces()) return runAgainAsUserRoot();
    const printer = new Printer(context);
    printer.begin();
    if (peer === 'kernel') await playAgainstKernel(context, printer);
    else await playAgainstStack(context, printer);
    return printer.end();
  },
};

async function playAgainstStack(context: Context, printer: Printer): Promise<void> {
  for (const [i, file] of context.args.positionals.entries()) {
    if (context.life.isInterrupted) return;
    printer.done(i, await play(context, file, {}));
  }
}

async function playAgainstKernel(context: Context, printer: Printer): Promise<void> {
  const { args, life } = context;
  const queue = [...args.positionals.entries()];
  const asked = textOf(args.values, 'jobs');
  // Lines of several scripts mixed would tell nobody anything.
  const usual = isOn(args.values, 'trace') ? 1 : KERNEL_JOBS;
  const jobs = asked === undefined ? usual : parseInteger(asked, '--jobs', 1, MAX_JOBS);
  const work = async (job: number) => {
    const netns = `synwave-drill-${process.pid}-${job}`;
    claimNamespace(netns, 'drill', life);
    const host = await openKernelHost(namespacePath(netns));
    life.defer(`device ${host.link.name} in ${netns}`, () => host.close());
    for (let next = queue.shift(); next !== undefined && !life.isInterrupted; next = queue.shift()) {
      const [i, file] = next;
      printer.done(i, await play(context, file, withKernel(host, captureOf(context, file))));
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, queue.length) }, (_, job) => work(job)));
}

/** What makes a run meet the kernel. */
function withKernel(host: KernelHost, pcap: string | undefined): DrillOptions {
  return { subject: (settings) => host.begin(settings, pcap ?? null) };
}

function play(context: Context, file: string, extra: DrillOptions): Promise<DrillResult> {
  const { args, terminal } = context;
  const text = readFileSync(file, 'utf8');
  const pcap = captureOf(context, file);
  const options: DrillOptions = { strict: isOn(args.values, 'strict'), ...extra };
  if (pcap !== undefined) options.pcap = pcap;
  if (isOn(args.values, 'trace')) {
    terminal.complain(`# ${file}`);
    options.trace = (line) => terminal.complain(line);
  }
  return runScript(text, options, file);
}

function captureOf({ args }: Context, file: string): string | undefined {
  const pcap = textOf(args.values, 'pcap');
  if (pcap === undefined || args.positionals.length === 1) return pcap;
  mkdirSync(pcap, { recursive: true });
  return join(pcap, `${basename(file, '.pkt')}.pcapng`);
}

/** Prints results in the order of the files, whichever is there first. */
class Printer {
  private readonly results: DrillResult[] = [];
  private printed = 0;
  private readonly isJson: boolean;

  constructor(private readonly context: Context) {
    this.isJson = isOn(context.args.values, 'json');
  }

  begin(): void {
    if (!this.isJson) process.stdout.write(`TAP version 14\n1..${this.context.args.positionals.length}\n`);
  }

  done(index: number, result: DrillResult): void {
    this.results[index] = result;
    for (let next = this.results[this.printed]; next !== undefined; next = this.results[this.printed]) {
      this.printed++;
      if (this.isJson) for (const line of failureReport(next)) this.context.terminal.say(line);
      else process.stdout.write(`${tapLines(next, this.printed).join('\n')}\n`);
    }
  }

  /** The summary, and the exit code. */
  end(): number {
    const { terminal } = this.context;
    const scripts = this.results.filter((result) => result !== undefined);
    const count = (verdict: DrillResult['verdict']) =>
      scripts.filter((one) => one.verdict === verdict).length;
    const [passed, failed, skipped] = [count('pass'), count('fail'), count('skip')];
    if (this.isJson) terminal.document({ ok: failed === 0, passed, failed, skipped, scripts });
    terminal.say(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    return failed === 0 ? ExitCode.OK : ExitCode.FAILED;
  }
}
