// Runs one script: chooses the subject, plays, and turns every end into a result.
import type { StackTrace } from '../stack/trace.js';
import type { ConnectionConfig } from '../tcp/config.js';
import { obstacleIn } from './feasible.js';
import { type DrillFailure, type DrillResult, Mismatch, Unsupported } from './outcome.js';
import { parseScript } from './parse.js';
import { Play } from './play.js';
import { type Script, ScriptError } from './script.js';
import { type RunSettings, readScriptOptions } from './script-options.js';
import { StackSubject } from './stack-subject.js';
import { StateLines } from './state-lines.js';
import type { Subject } from './subject.js';
import { Transcript } from './transcript.js';

/** Octets of IP and TCP headers without options, by family. */
const HEADER_BYTES = { 4: 40, 6: 60 } as const;

/** Where matching is lenient, a packet takes so many milliseconds to come: next to nothing. */
const LATENCY_MS = 0.001;

/** Settings of `runScript`. */
export interface DrillOptions {
  /** Everything must be as the script says, to the letter and the millisecond. Default: lenient, as stacks differ. */
  strict?: boolean;
  /** Path of a pcapng capture of the run. */
  pcap?: string;
  /** Takes a line for everything that happens, as it does: packets, calls, what snippets print, changes of state. */
  trace?: (line: string) => void;
  /** Settings of every connection, below those that the script asks for. */
  config?: Partial<ConnectionConfig>;
  /** Further listeners of the stack's events. */
  observers?: readonly StackTrace[];
  /** Another subject than our stack, made for one script and closed behind it. */
  subject?: (settings: RunSettings) => Promise<Subject>;
}

/**
 * Plays a script, in virtual time against our stack unless `subject` says otherwise.
 * @param script its text, or what `parseScript` made of it
 * @param name a path or a word for people, for a script given as text
 * @returns how it ended; also for scripts that cannot be read, which fail
 */
export async function runScript(
  script: string | Script,
  options: DrillOptions = {},
  name = 'script',
): Promise<DrillResult> {
  let parsed: Script;
  try {
    parsed = typeof script === 'string' ? parseScript(script, name) : script;
  } catch (error) {
    if (error instanceof ScriptError) return unreadable(name, error);
    throw error;
  }
  const run: Run = {
    script: parsed,
    options,
    transcript: new Transcript(options.trace),
    subject: null,
    play: null,
    tell: options.trace ?? null,
  };
  try {
    const settings = readScriptOptions(parsed);
    const obstacle = obstacleIn(parsed, settings.ends.local.family);
    if (obstacle !== null) throw new Unsupported(obstacle);
    run.subject = await makeSubject(settings, run);
    run.play = new Play(parsed, run.subject, settings, options.strict ?? false, run.transcript);
    await run.play.run();
    return resultOf(run, 'pass', null, null);
  } catch (error) {
    if (error instanceof Unsupported) return resultOf(run, 'skip', error.message, null);
    if (!(error instanceof Mismatch)) throw error;
    const { line, message, expected, got } = error;
    return resultOf(run, 'fail', null, { line, message, expected, got });
  } finally {
    run.tell = null;
    await run.subject?.close();
  }
}

interface Run {
  readonly script: Script;
  readonly options: DrillOptions;
  readonly transcript: Transcript;
  subject: Subject | null;
  play: Play | null;
  /** Takes lines for `trace` until the run is over: what cleaning up does is no part of the play. */
  tell: ((line: string) => void) | null;
}

async function makeSubject(settings: RunSettings, run: Run): Promise<Subject> {
  const { options } = run;
  if (options.subject !== undefined) return options.subject(settings);
  const { ends, mtu, bindPort, connectPort, isn } = settings;
  const mss = settings.mss ?? mtu - HEADER_BYTES[ends.local.family];
  return new StackSubject({
    ends,
    mtu,
    bindPort,
    connectPort,
    pcap: options.pcap ?? null,
    observers: [...(options.observers ?? []), new StateLines((line) => run.tell?.(line))],
    latencyMs: options.strict === true ? 0 : LATENCY_MS,
    config: { receiveMss: mss, pathMss: mss, ...options.config },
    isn,
  });
}

function resultOf(
  { script, transcript, subject, play }: Run,
  verdict: DrillResult['verdict'],
  reason: string | null,
  failure: DrillFailure | null,
): DrillResult {
  return {
    script: script.name,
    verdict,
    reason,
    failure,
    played: play?.played ?? 0,
    events: script.events.length,
    scriptMs: subject === null ? 0 : subject.now(),
    transcript: transcript.lines,
    ladder: subject?.ladder() ?? [],
    proves: script.header.proves,
  };
}

function unreadable(name: string, error: ScriptError): DrillResult {
  const { position, problem } = error;
  return {
    script: name,
    verdict: 'fail',
    reason: null,
    failure: {
      line: position.line,
      message: `syntax error in column ${position.column}: ${problem}`,
      expected: null,
      got: null,
    },
    played: 0,
    events: 0,
    scriptMs: 0,
    transcript: [],
    ladder: [],
    proves: [],
  };
}
