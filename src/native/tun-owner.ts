// Finds the process that has a TUN device open, by what /proc tells about file descriptors. Looks only, changes nothing.
import { readdir, readFile, readlink, stat } from 'node:fs/promises';

/** A process that holds a TUN device. */
export interface TunOwner {
  readonly pid: number;
  /** Its name as in `ps`; empty when it may not be read. */
  readonly command: string;
  readonly fd: number;
}

/**
 * Searches all processes that may be looked at for an open TUN or TAP device of this name. Interface names repeat in
 * other network namespaces: a process in the wanted namespace is preferred, another is taken when there is none, since a
 * device can be opened from outside its namespace.
 * @param netns path of a namespace file; default the caller's own
 * @returns null when nobody is found, which may also mean that the process belongs to another user
 */
export async function findTunOwner(name: string, netns = '/proc/self/ns/net'): Promise<TunOwner | null> {
  const wanted = await namespaceOf(netns);
  let elsewhere: TunOwner | null = null;
  for (const entry of await entries('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const owner = await holderIn(Number(entry), name);
    if (owner === null) continue;
    if (wanted === null || (await namespaceOf(`/proc/${owner.pid}/ns/net`)) === wanted) return owner;
    elsewhere ??= owner;
  }
  return elsewhere;
}

/** The descriptor of one process that holds the device. Processes and descriptors may vanish meanwhile. */
async function holderIn(pid: number, name: string): Promise<TunOwner | null> {
  for (const fd of await entries(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    if (!target.endsWith('/net/tun')) continue;
    const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => '');
    if (/^iff:\s*(.*)$/m.exec(info)?.[1] !== name) continue;
    const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    return { pid, command: command.trim(), fd: Number(fd) };
  }
  return null;
}

function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Namespaces are the same when their files are: device and inode. */
async function namespaceOf(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  return found === null ? null : `${found.dev}:${found.ino}`;
}
