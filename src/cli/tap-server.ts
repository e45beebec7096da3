// A running stack's live capture: a Unix socket beside the claims of the runs, where whoever may read the folder gets a
// pcapng of what crosses the link from that moment on. Who reads too slowly loses packets, never the stack's time.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describeLink } from '../create-stack.js';
import { PcapngWriter } from '../observe/pcapng.js';
import type { CaptureSink } from '../observe/pcapng-file.js';
import type { RecorderGroup } from '../observe/recorder-group.js';
import type { Link } from '../stack/link.js';
import type { Lifetime } from './lifetime.js';
import { runtimeDirectory } from './ownership.js';

/** Packets of so many bytes may wait for one reader. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Readers at the same time. */
const MAX_READERS = 16;
const ENDING = '.tap';

/** A stack that can be looked at. */
export interface TapPlace {
  readonly path: string;
  readonly pid: number;
  readonly netns: string;
  readonly verb: string;
  /** Medium of its link. */
  readonly medium: 'ip' | 'ethernet';
  readonly device: string;
}

/** What a live capture tells of its stack. */
export interface TapSubject {
  readonly link: Link;
  readonly addresses: readonly string[];
  readonly netns: string;
  readonly verb: string;
}

/** Opens the socket for the rest of the run. A machine on which it cannot be made goes without. */
export async function openTap(taps: RecorderGroup, subject: TapSubject, life: Lifetime): Promise<void> {
  const { link, netns, verb } = subject;
  removeDeadTaps();
  const path = join(
    runtimeDirectory(),
    `${[process.pid, netns, verb, link.medium, plain(link.name)].join(',')}${ENDING}`,
  );
  const readers = new Set<Socket>();
  const server = createServer((reader) => {
    if (readers.size >= MAX_READERS) {
      reader.destroy();
      return;
    }
    readers.add(reader);
    reader.once('close', () => readers.delete(reader));
    serveReader(reader, taps, subject);
  });
  const isOpen = await new Promise<boolean>((resolve) => {
    mkdirSync(runtimeDirectory(), { recursive: true, mode: 0o700 });
    server.once('error', () => resolve(false));
    server.listen(path, () => resolve(true));
  });
  if (!isOpen) return;
  // It is there for others; the run need not wait for them.
  server.unref();
  const remove = () => rmSync(path, { force: true });
  life.defer(
    'the live capture',
    () => {
      server.close();
      for (const reader of readers) reader.unref();
      remove();
    },
    remove,
  );
}

function serveReader(reader: Socket, taps: RecorderGroup, { link, addresses }: TapSubject): void {
  const writer = new PcapngWriter({
    target: socketSink(reader),
    ...describeLink(link, addresses),
    maxBufferedBytes: MAX_WAITING_BYTES,
  });
  const leave = taps.add(writer);
  reader.unref();
  // What it says does not matter; that it goes does.
  reader.resume();
  reader.on('error', () => reader.destroy());
  reader.once('close', () => {
    leave();
    writer.close().catch(() => {});
  });
}

function socketSink(socket: Socket): CaptureSink {
  return {
    write: (bytes, done) => {
      if (socket.destroyed) done(new Error('the reader is gone'));
      else socket.write(bytes, (error) => done(error ?? null));
    },
    writeSync: (bytes) => void socket.write(bytes),
    close: (done) => {
      if (socket.destroyed) done(null);
      else socket.end(() => done(null));
    },
  };
}

/** A name as a part of a file name. */
function plain(name: string): string {
  return name.replace(/[^\w.-]+/g, '_');
}

/** All stacks that can be looked at: those whose process lives. */
export function findTaps(): TapPlace[] {
  let names: string[];
  try {
    names = readdirSync(runtimeDirectory());
  } catch {
    return [];
  }
  return names.sort().flatMap((name) => parseTap(name) ?? []);
}

/** Removes the sockets that killed runs left behind: nobody could use them. */
export function removeDeadTaps(): void {
  const directory = runtimeDirectory();
  let names: string[] = [];
  try {
    names = readdirSync(directory);
  } catch {
    // Without a folder there is nothing in it.
  }
  for (const name of names) {
    if (name.endsWith(ENDING) && parseTap(name) === null) rmSync(join(directory, name), { force: true });
  }
}

function parseTap(name: string): TapPlace | null {
  if (!name.endsWith(ENDING)) return null;
  const [pid, netns, verb, medium, device] = name.slice(0, -ENDING.length).split(',');
  if (device === undefined || (medium !== 'ip' && medium !== 'ethernet')) return null;
  const place = {
    path: join(runtimeDirectory(), name),
    pid: Number(pid),
    netns: netns!,
    verb: verb!,
    medium,
    device,
  } as const;
  return isRunning(place.pid) ? place : null;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
