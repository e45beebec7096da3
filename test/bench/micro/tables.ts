// What finds a connection, and what wakes it: the hash table of tuples, the timer wheel.
import { Demux, type DemuxEntry } from '../../../src/stack/demux.js';
import { TableHash } from '../../../src/stack/siphash.js';
import { TimerWheel, WheelEntry } from '../../../src/stack/timer-wheel.js';
import { type FourTuple, IpAddress } from '../../../src/wire/address.js';
import type { Work } from './suite.js';

const LOCAL = IpAddress.parse('10.9.0.2')!;
const PORTS = 60_000;

/** All of it. */
export function tableWork(): Work[] {
  return [...[100, 100_000].map(lookup), ...[100, 100_000].map(rearm), ...[100, 100_000].map(expire)];
}

class Entry implements DemuxEntry {
  demuxNext: DemuxEntry | null = null;
  demuxHash = 0;
  constructor(readonly tuple: FourTuple) {}
}

function lookup(count: number): Work {
  const demux = new Demux<Entry>(new TableHash((n) => new Uint8Array(n).fill(0x5a)));
  for (let i = 0; i < count; i++) {
    const remote = IpAddress.v4(0x0a090100 + Math.floor(i / PORTS));
    demux.add(new Entry({ local: LOCAL, localPort: 7, remote, remotePort: 1024 + (i % PORTS) }));
  }
  let i = 0;
  const run = () => {
    i = (i + 7919) % count;
    const w3 = 0x0a090100 + Math.floor(i / PORTS);
    return demux.lookup(0, 0, 0xffff, LOCAL.w3, 7, 0, 0, 0xffff, w3, 1024 + (i % PORTS));
  };
  return { group: 'demux', name: `lookup among ${count}`, run };
}

class Timed extends WheelEntry {}

/** A wheel with so many entries, and a clock that stands where it is put. */
function wheelOf(count: number) {
  const clock = { time: 0, epochMs: 0, now: () => clock.time, schedule };
  const wheel = new TimerWheel<Timed>(clock, () => {});
  const entries = Array.from({ length: count }, () => new Timed());
  for (const [i, entry] of entries.entries()) wheel.arm(entry, 200 + (i % 1000));
  return { wheel, entries };
}

function schedule() {
  return { cancel: () => {}, ref: () => {}, unref: () => {} };
}

/** What each ACK does: the deadline moves to later. */
function rearm(count: number): Work {
  const { wheel, entries } = wheelOf(count);
  let i = 0;
  let deadline = 2000;
  const run = () => {
    i = (i + 7919) % count;
    deadline += 0.01;
    wheel.arm(entries[i]!, deadline);
    return wheel.size;
  };
  return { group: 'timer wheel', name: `arm later, among ${count}`, run };
}

/** A millisecond passes, and what is due is armed anew. */
function expire(count: number): Work {
  const { wheel } = wheelOf(count);
  let now = 0;
  const again = (entry: Timed, at: number) => wheel.arm(entry, at + 1000);
  const run = () => wheel.advance(++now, count, again);
  return { group: 'timer wheel', name: `a millisecond, among ${count} of a second`, run };
}
