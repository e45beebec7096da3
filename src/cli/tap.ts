// `synwave tap`: the live capture of a running stack, to a file, a pipe or Wireshark; and the set-up of Wireshark for it.
import { createWriteStream } from 'node:fs';
import { connect as connectTo, createServer, isIP, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { ExitCode, environmentError, usageError } from './failure.js';
import { isOn, textOf } from './options.js';
import { findTaps, type TapPlace } from './tap-server.js';
import { parseInteger } from './values.js';
import type { Context, Verb } from './verb.js';
import { installExtcap, installProfile } from './wireshark.js';

/** `synwave tap`. */
export const tap: Verb = {
  name: 'tap',
  summary: 'live capture of a running stack, for Wireshark',
  usage: '[-w FILE|-] [--listen 127.0.0.1:PORT] [--pid N] | --profile-install | --extcap-install',
  description: `
Gives what crosses the link of a running stack as pcapng, with its states as comments, from this moment on, until the stack
ends or you interrupt. The stack does not wait for who reads; what is too much for a reader is counted as dropped.

  synwave tap -w - | wireshark -k -i -
  synwave tap --listen 127.0.0.1:19000        then: wireshark -k -i TCP@127.0.0.1:19000

--profile-install writes a profile for Wireshark (\`wireshark -C synwave\`) with a column for the states and with colours;
--extcap-install lists running stacks among Wireshark's own interfaces.`,
  options: {
    capture: { type: 'string', short: 'w', value: 'FILE', help: 'write there; - is stdout' },
    listen: {
      type: 'string',
      value: 'HOST:PORT',
      help: 'serve everybody who connects; a loopback address only',
    },
    pid: { type: 'string', value: 'N', help: 'of several running stacks, that of this process' },
    'profile-install': { type: 'boolean', help: 'install the profile `synwave` for Wireshark' },
    'extcap-install': { type: 'boolean', help: 'install the extcap program for Wireshark' },
  },
  json: { instead: 'the capture goes to stdout; `synwave explain FILE --json` reads one' },
  needs: 'nothing',
  run,
};

async function run(context: Context): Promise<number> {
  const { values, positionals } = context.args;
  if (positionals.length > 0) throw usageError(`tap takes no ${positionals[0]}`, 'see synwave help tap');
  const installs = [
    ...(isOn(values, 'profile-install') ? [installProfile] : []),
    ...(isOn(values, 'extcap-install') ? [installExtcap] : []),
  ];
  for (const install of installs) context.terminal.say(install());
  if (installs.length > 0) return ExitCode.OK;
  const listen = textOf(values, 'listen');
  const place = choose(textOf(values, 'pid'));
  if (listen !== undefined) return serve(context, place, listen);
  return record(context, place, textOf(values, 'capture'));
}

/** The stack that is meant. @throws CliFailure when there is none, or more than one */
function choose(pid: string | undefined): TapPlace {
  const wanted = pid === undefined ? null : parseInteger(pid, '--pid', 1, 2 ** 31);
  const found = findTaps().filter((place) => wanted === null || place.pid === wanted);
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    const list = found.map((place) => `--pid ${place.pid} (${describeTap(place)})`);
    throw usageError('several stacks run here', `choose one: ${list.join(', ')}`);
  }
  throw environmentError(
    wanted === null ? 'no stack of yours runs here' : `process ${wanted} runs no stack that you may look at`,
    'start one, for instance `synwave http .`; it must be of the same user',
  );
}

/** A stack in a few words. */
export function describeTap({ verb, device, netns }: TapPlace): string {
  return `${verb} on ${device} in ${netns}`;
}

/** Connects to a stack's live capture. */
export function openTapReader(place: TapPlace): Socket {
  return connectTo(place.path);
}

async function record(context: Context, place: TapPlace, target: string | undefined): Promise<number> {
  if (target === undefined && process.stdout.isTTY === true) {
    throw usageError('a capture is nothing for a terminal', 'write it to a file: -w FILE, or pipe it: -w -');
  }
  const reader = openTapReader(place);
  void context.life.interrupted.then(() => reader.end());
  const sink = target === undefined || target === '-' ? process.stdout : createWriteStream(target);
  context.terminal.say(`capturing: ${describeTap(place)}`);
  await pipeline(reader, sink).catch((error: NodeJS.ErrnoException) => {
    // Who reads the pipe may have seen enough.
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
  return context.life.isInterrupted ? ExitCode.INTERRUPTED : ExitCode.OK;
}

async function serve(context: Context, place: TapPlace, text: string): Promise<number> {
  const { host, port } = readListen(text);
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    const reader = openTapReader(place);
    const end = () => {
      clients.delete(client);
      client.destroy();
      reader.destroy();
    };
    client.on('error', end).once('close', end).resume();
    reader.on('error', end).once('close', end).pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  context.life.defer('the server', () => {
    server.close();
    for (const client of clients) client.destroy();
  });
  const { port: actual } = server.address() as { port: number };
  context.terminal.say(`${describeTap(place)}: wireshark -k -i TCP@${host}:${actual}`);
  // The stack's end is ours.
  const watch = openTapReader(place).resume();
  const ended = new Promise<void>((resolve) => watch.once('close', () => resolve()).on('error', () => {}));
  await Promise.race([ended, context.life.interrupted]);
  watch.destroy();
  return context.life.isInterrupted ? ExitCode.INTERRUPTED : ExitCode.OK;
}

/** Captures hold payload: they are served to this machine only. */
function readListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const isLoopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (!isLoopback)
    throw usageError(`--listen: "${text}" is no loopback address with a port`, 'write 127.0.0.1:19000');
  return { host, port: parseInteger(match![3]!, '--listen', 0, 65_535) };
}
