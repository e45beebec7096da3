#!/usr/bin/env node
// The program that Wireshark calls to list running stacks among its interfaces and to capture from one: its extcap
// protocol. `synwave tap --extcap-install` tells Wireshark of it.
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { describeTap, openTapReader } from './tap.js';
import { findTaps, type TapPlace } from './tap-server.js';

const PREFIX = 'synwave-';

function placeOf(name: string | undefined): TapPlace {
  const place = findTaps().find(({ pid }) => `${PREFIX}${pid}` === name);
  if (place === undefined) throw new Error(`no stack runs as ${name}; list them by --extcap-interfaces`);
  return place;
}

/** What describes an interface is all that Wireshark shows of it. */
function sentence(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `{${name}=${value}}`)
    .join('');
}

async function run(words: string[]): Promise<void> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: words,
    strict: false,
    options: {
      'extcap-interfaces': flag,
      'extcap-interface': text,
      'extcap-dlts': flag,
      'extcap-config': flag,
      capture: flag,
      fifo: text,
    },
  });
  const name = values['extcap-interface'] as string | undefined;
  if (values['extcap-interfaces'] === true) {
    const lines = [`extcap ${sentence({ version: '1.0', display: 'synwave' })}`];
    for (const place of findTaps()) {
      lines.push(
        `interface ${sentence({ value: `${PREFIX}${place.pid}`, display: `synwave ${describeTap(place)}` })}`,
      );
    }
    process.stdout.write(`${lines.join('\n')}\n`);
  } else if (values['extcap-dlts'] === true) {
    const { medium } = placeOf(name);
    const dlt =
      medium === 'ip'
        ? { number: '101', name: 'RAW', display: 'Raw IP' }
        : { number: '1', name: 'EN10MB', display: 'Ethernet' };
    process.stdout.write(`dlt ${sentence(dlt)}\n`);
  } else if (values.capture === true && typeof values.fifo === 'string') {
    const reader = openTapReader(placeOf(name));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => reader.end());
    await pipeline(reader, createWriteStream(values.fifo)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
