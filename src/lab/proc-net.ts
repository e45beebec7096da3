// States of the kernel's connections as `ss` shows them, read from the table of a process in that namespace: no program
// is started, so a state can be caught while a segment is held.
import { readFileSync } from 'node:fs';
import { State } from '../tcp/state.js';

/** The kernel's numbers (include/net/tcp_states.h), as /proc/net/tcp prints them in hexadecimal. */
const STATES: Readonly<Record<string, State>> = {
  '01': State.ESTABLISHED,
  '02': State.SYN_SENT,
  '03': State.SYN_RECEIVED,
  '04': State.FIN_WAIT_1,
  '05': State.FIN_WAIT_2,
  '06': State.TIME_WAIT,
  '07': State.CLOSED,
  '08': State.CLOSE_WAIT,
  '09': State.LAST_ACK,
  '0A': State.LISTEN,
  '0B': State.CLOSING,
};

/** One line of the table. */
export interface KernelSocket {
  readonly localPort: number;
  readonly remotePort: number;
  readonly state: State;
}

/** All TCP sockets over IPv4 in the namespace of a process; empty when it has ended. */
export function kernelSockets(pid: number): KernelSocket[] {
  let table: string;
  try {
    table = readFileSync(`/proc/${pid}/net/tcp`, 'utf8');
  } catch {
    return [];
  }
  const sockets: KernelSocket[] = [];
  for (const line of table.split('\n').slice(1)) {
    const [, local, remote, state] = line.trim().split(/\s+/);
    if (local === undefined || remote === undefined || state === undefined) continue;
    sockets.push({
      localPort: Number.parseInt(local.split(':')[1]!, 16),
      remotePort: Number.parseInt(remote.split(':')[1]!, 16),
      state: STATES[state] ?? State.CLOSED,
    });
  }
  return sockets;
}
