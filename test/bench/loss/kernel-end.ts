// An end of the kernel's TCP: `node:net` in its namespace.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { answerParent } from '../remote.js';
import { cpuMsSince, type SenderCounters } from './counters.js';
import { type NetLike, Traffic } from './traffic.js';

/** The ways in which the kernel takes a reduction back. */
const UNDONE = ['TCPFullUndo', 'TCPPartialUndo', 'TCPDSACKUndo', 'TCPLossUndo'];

let traffic = new Traffic(net as NetLike);
let before = kernelCounters();
let cpuBefore = process.cpuUsage();

function open(): void {
  traffic = new Traffic(net as NetLike);
  before = kernelCounters();
  cpuBefore = process.cpuUsage();
}

/** The counters of this namespace, by name: pairs of lines, names above values. */
function kernelCounters(): Map<string, number> {
  const found = new Map<string, number>();
  for (const file of ['/proc/net/snmp', '/proc/net/netstat']) {
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const [names, values] = [lines[i]!.split(' '), lines[i + 1]!.split(' ')];
      for (let j = 1; j < names.length; j++) found.set(names[j]!, Number(values[j]));
    }
  }
  return found;
}

/** The controller of a connection, as the kernel itself names it. */
function controllerInUse(): string {
  const { stdout } = spawnSync('ss', ['-Htin', 'state', 'established'], { encoding: 'utf8' });
  return /^\s+(?:ts |sack |ecn |ecnseen |fastopen )*(\w+) wscale/m.exec(stdout)?.[1] ?? '?';
}

function counters(): SenderCounters {
  const now = kernelCounters();
  const since = (name: string) => (now.get(name) ?? 0) - (before.get(name) ?? 0);
  return {
    controller: controllerInUse(),
    retransmissions: since('RetransSegs'),
    timeouts: since('TCPTimeouts'),
    probes: since('TCPLossProbes'),
    recoveries: since('TCPSackRecovery') + since('TCPRenoRecovery'),
    undone: UNDONE.reduce((sum, name) => sum + since(name), 0),
    cpuMs: cpuMsSince(cpuBefore),
  };
}

answerParent(
  {
    open,
    sink: (order: never) => traffic.sink(order),
    source: (order: never) => traffic.source(order),
    tell: (order: never) => traffic.tell(order),
    serve: (order: never) => traffic.serve(order),
    fetch: (order: never) => traffic.fetch(order),
    counters,
    close: () => traffic.end(),
  },
  async () => traffic.end(),
);
