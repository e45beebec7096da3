// `synwave drill`: plays packetdrill scripts against the stack.
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DrillResult } from '../drill/outcome.js';
import { failureReport, tapLines } from '../drill/report.js';
import { runScript } from '../drill/run.js';
import { ExitCode, usageError } from './failure.js';
import { isOn, textOf } from './options.js';
import type { Context, Verb } from './verb.js';

/** `synwave drill`. */
export const drill: Verb = {
  name: 'drill',
  summary: 'play packetdrill scripts against the stack',
  usage: 'FILE.pkt... [--strict] [--pcap PATH] [--trace]',
  description: `
Plays each script, in virtual time and without any right or device, against the stack, and prints TAP. Matching is lenient
where stacks may differ; --strict wants every field, option and millisecond as the script says. A script that asks for
something unknown is skipped with the reason. Exit code 1 when a script fails.

  synwave drill test/drill/handshake/*.pkt
  synwave drill --strict --trace my.pkt`,
  options: {
    strict: { type: 'boolean', help: 'everything must be as the script says, to the letter' },
    pcap: { type: 'string', value: 'PATH', help: 'write a capture; with several scripts PATH is a folder' },
    trace: { type: 'boolean', help: 'print packets and calls as they happen, on stderr' },
  },
  json: { prints: 'the result of every script, with what was expected and what came' },
  needs: 'nothing',
  async run(context) {
    const files = context.args.positionals;
    if (files.length === 0)
      throw usageError('drill needs scripts', 'name one or more files: synwave drill FILE.pkt');
    const results = await playAll(context, files);
    return report(context, results);
  },
};

async function playAll(context: Context, files: readonly string[]): Promise<DrillResult[]> {
  const json = isOn(context.args.values, 'json');
  if (!json) process.stdout.write(`TAP version 14\n1..${files.length}\n`);
  const results: DrillResult[] = [];
  for (const file of files) {
    if (context.life.isInterrupted) break;
    const result = await play(context, file, files.length);
    results.push(result);
    if (!json) process.stdout.write(`${tapLines(result, results.length).join('\n')}\n`);
  }
  return results;
}

function play({ args, terminal }: Context, file: string, count: number): Promise<DrillResult> {
  const text = readFileSync(file, 'utf8');
  const pcap = textOf(args.values, 'pcap');
  if (isOn(args.values, 'trace')) terminal.complain(`# ${file}`);
  return runScript(
    text,
    {
      strict: isOn(args.values, 'strict'),
      ...(pcap === undefined ? {} : { pcap: capturePath(pcap, file, count) }),
      ...(isOn(args.values, 'trace') ? { trace: (line: string) => terminal.complain(line) } : {}),
    },
    file,
  );
}

function capturePath(pcap: string, file: string, count: number): string {
  if (count === 1) return pcap;
  mkdirSync(pcap, { recursive: true });
  return join(pcap, `${basename(file, '.pkt')}.pcapng`);
}

function report({ args, terminal }: Context, results: readonly DrillResult[]): number {
  const count = (verdict: DrillResult['verdict']) =>
    results.filter((result) => result.verdict === verdict).length;
  const [passed, failed, skipped] = [count('pass'), count('fail'), count('skip')];
  if (isOn(args.values, 'json')) {
    for (const result of results) for (const line of failureReport(result)) terminal.say(line);
    terminal.document({ ok: failed === 0, passed, failed, skipped, scripts: results });
  }
  terminal.say(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 ? ExitCode.OK : ExitCode.FAILED;
}
