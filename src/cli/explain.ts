// `synwave explain`: tells the story of the TCP connections in any capture.
import { CaptureFile } from '../explain/capture-file.js';
import { type CaptureStory, observeCapture } from '../explain/capture-observer.js';
import { ANALYSIS_FLAGS, type AnalysisFlag } from '../explain/direction.js';
import { connectionDocument, connectionText } from '../explain/explanation.js';
import type { Lang } from '../observe/lexicon.js';
import { ExitCode, usageError } from './failure.js';
import { isOn, LANGUAGE_OPTION, readLanguage, textOf } from './options.js';
import { parseInteger } from './values.js';
import type { Context, Verb } from './verb.js';

/** Connections whose ladders are kept. */
const DEFAULT_CONNECTIONS = '100';
const DEFAULT_ROWS = '200';
/** Of the rows, those from the beginning; the others are the latest. */
const FIRST_SHARE = 0.75;
const REMARKS_OF_KIND = 100;

/** `synwave explain`. */
export const explain: Verb = {
  name: 'explain',
  summary: 'tell what happened in a capture: ladder, states, rules',
  usage: 'FILE [--stream N] [--rows N] [--judge JSON] [--lang zh]',
  description: `
Reads a capture of any tool (pcap or pcapng, gzipped or not; Ethernet, raw IP, Linux cooked, loopback, PPP; IPv4 and IPv6;
cut off, joined midway) as a stream, - for stdin, and draws each connection as a ladder with the states of both ends, then
says how it opened and closed and what was remarkable, each with its rule. --judge compares the counts with those that are
allowed, under the names of Wireshark's tcp.analysis fields; what is not named is allowed 0 times. Exit code 1 when they
differ.

  synwave explain run.pcapng --stream 0
  synwave explain run.pcapng --judge '{"retransmission":1}'`,
  options: {
    stream: { type: 'string', value: 'N', help: 'only this connection, counted from 0 as tcp.stream' },
    rows: { type: 'string', value: 'N', help: `rows of a ladder at most (default ${DEFAULT_ROWS})` },
    connections: { type: 'string', value: 'N', help: `ladders at most (default ${DEFAULT_CONNECTIONS})` },
    judge: { type: 'string', value: 'JSON', help: 'counts that are allowed: {"retransmission":1}' },
    lang: LANGUAGE_OPTION,
    unicode: { type: 'boolean', help: 'box-drawing characters and arrows' },
    teaching: { type: 'boolean', help: 'the letters x y u v w beside the numbers' },
  },
  json: { prints: 'every connection with its rows, states, counts and remarks' },
  needs: 'nothing',
  run,
};

async function run(context: Context): Promise<number> {
  const { values, positionals } = context.args;
  const [path, ...rest] = positionals;
  if (path === undefined || rest.length > 0) {
    throw usageError('explain wants one capture', 'usage: synwave explain FILE; - reads stdin');
  }
  const number = (name: string, fallback: string) =>
    parseInteger(textOf(values, name) ?? fallback, `--${name}`, 0, 1_000_000);
  const rows = number('rows', DEFAULT_ROWS);
  const firstRows = Math.ceil(rows * FIRST_SHARE);
  const judged = readJudgement(textOf(values, 'judge'));
  const stream = textOf(values, 'stream');
  const story = await observeCapture(new CaptureFile(path === '-' ? process.stdin : path), {
    stream: stream === undefined ? null : parseInteger(stream, '--stream', 0, Number.MAX_SAFE_INTEGER),
    connections: number('connections', DEFAULT_CONNECTIONS),
    firstRows,
    lastRows: rows - firstRows,
    remarksOfKind: REMARKS_OF_KIND,
  });
  if (stream !== undefined && story.connections.length === 0) {
    throw usageError(`there is no connection ${stream}`, `the capture has ${story.connectionCount}`);
  }
  const faults = judged === null ? [] : differences(story, judged);
  tell(context, story, faults);
  for (const fault of faults) context.terminal.complain(fault);
  return faults.length > 0 ? ExitCode.FAILED : ExitCode.OK;
}

function tell(context: Context, story: CaptureStory, faults: readonly string[]): void {
  const { values } = context.args;
  const lang = readLanguage(values);
  if (isOn(values, 'json')) {
    const { connections, counts, ...whole } = story;
    context.terminal.document({
      ...whole,
      counts: Object.fromEntries(counts),
      connections: connections.map((each) => connectionDocument(each, lang)),
      judgement: faults,
    });
    return;
  }
  const style = {
    lang,
    color: process.stdout.isTTY === true && context.terminal.color,
    unicode: isOn(values, 'unicode'),
    teaching: isOn(values, 'teaching'),
  };
  for (const connection of story.connections) {
    process.stdout.write(`${connectionText(connection, style).join('\n')}\n\n`);
  }
  for (const line of closingLines(story, lang)) context.terminal.say(line);
}

function closingLines(story: CaptureStory, lang: Lang): string[] {
  const { capture, connectionCount, connections, segments, others, damaged, fragments } = story;
  const zh = lang === 'zh';
  const lines = [
    zh
      ? `${capture.frames} 帧 (${capture.format})：${connectionCount} 个连接，${segments} 个 TCP 报文段，其他 ${others}`
      : `${capture.frames} frames (${capture.format}): ${connectionCount} connections, ${segments} TCP segments, ${others} others`,
  ];
  if (connectionCount > connections.length && connections.length > 1) {
    const more = connectionCount - connections.length;
    lines.push(
      zh
        ? `另有 ${more} 个连接未显示：--connections N`
        : `${more} more connections not shown: --connections N`,
    );
  }
  if (damaged > 0) lines.push(zh ? `${damaged} 个分组无法读取` : `${damaged} packets could not be read`);
  if (fragments > 0) {
    lines.push(zh ? `${fragments} 个后续分片未重组` : `${fragments} later fragments were not put together`);
  }
  if (story.unknownLinkTypes.length > 0) {
    const types = story.unknownLinkTypes.join(', ');
    lines.push(zh ? `不认识的链路类型：${types}` : `link types that are not known: ${types}`);
  }
  if (capture.isTruncated)
    lines.push(zh ? '文件在一个块的中间结束' : 'the file ends in the midst of a block');
  return lines;
}

/** Allowed counts by flag. @throws CliFailure `ERR_SYNWAVE_USAGE` */
function readJudgement(text: string | undefined): ReadonlyMap<AnalysisFlag, number> | null {
  if (text === undefined) return null;
  const example = `write --judge '{"retransmission":1}'`;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw usageError(`--judge: ${text} is no JSON`, example);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw usageError('--judge: an object is wanted', example);
  }
  const allowed = new Map<AnalysisFlag, number>();
  for (const [name, count] of Object.entries(parsed)) {
    if (!(ANALYSIS_FLAGS as readonly string[]).includes(name)) {
      throw usageError(`--judge: there is no ${name}`, `there are ${ANALYSIS_FLAGS.join(', ')}`);
    }
    if (!Number.isInteger(count) || count < 0) throw usageError(`--judge: ${name} wants a count`, example);
    allowed.set(name as AnalysisFlag, count);
  }
  return allowed;
}

function differences(story: CaptureStory, allowed: ReadonlyMap<AnalysisFlag, number>): string[] {
  const counted =
    story.connections.length === 1 && story.connectionCount > 1 ? story.connections[0]!.counts : story.counts;
  return ANALYSIS_FLAGS.flatMap((flag) => {
    const expected = allowed.get(flag) ?? 0;
    const got = counted.get(flag) ?? 0;
    return got === expected ? [] : [`judge: ${flag}: ${expected} allowed, ${got} found`];
  });
}
