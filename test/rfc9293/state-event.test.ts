// State × event: every state meets every class of segment, and what follows is compared with an oracle written from
// RFC 9293 §3.10.7, RFC 5961 and RFC 1337.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fillReset } from '../../src/tcp/segment-arrives/closed.js';
import { classifyListenSegment } from '../../src/tcp/segment-arrives/listen.js';
import { SegmentOut } from '../../src/tcp/segment-out.js';
import { ACK, FIN, RST, SegmentView, SYN } from '../../src/wire/segment.js';
import {
  type Bench,
  type Captured,
  fillRaw,
  PEER_SALT,
  parseFlags,
  pattern,
  printSegment,
} from '../tcp/harness.js';
import {
  type Arriving,
  closedOutcome,
  listenOutcome,
  type Outcome,
  outcomeOf,
  type Situation,
} from './segment-oracle.js';
import { prepare, SHUTTABLE, SITUATIONS } from './situations.js';

const FLAGS = [
  'S',
  'SA',
  'A',
  'PA',
  'UA',
  'FA',
  'FPAU',
  'R',
  'RA',
  'RF',
  'F',
  'FPU',
  '-',
  'SF',
  'SFA',
  'SR',
  'SRA',
  'SFRPAU',
];

function sequenceClasses(c: Situation): Record<string, number> {
  if (c.state === 'SYN-SENT') return { zero: 0, other: 1_000_000 };
  const classes: Record<string, number> = {
    left: c.rcvNxt - 10,
    next: c.rcvNxt,
    inside: c.rcvNxt + 10,
    lastOctet: c.rcvNxt + Math.max(c.rcvWnd, 1) - 1,
    rightEdge: c.rcvNxt + c.rcvWnd,
    beyond: c.rcvNxt + c.rcvWnd + 10,
    farAway: c.rcvNxt + 0x40000000,
  };
  // Overlap needs bytes that were received; after the peer's FIN the octet before RCV.NXT is the FIN.
  if (c.state === 'ESTABLISHED' || c.state.startsWith('FIN-WAIT')) classes.overlap = c.rcvNxt - 2;
  return classes;
}

function acknowledgmentClasses(c: Situation): Record<string, number> {
  return {
    old: c.una - 5,
    una: c.una,
    partial: Math.max(c.una, c.nxt - 1),
    new: c.nxt,
    future: c.nxt + 1,
    farFuture: c.nxt + 0x40000000,
    oldest: c.una - c.maxSndWnd,
    tooOld: c.una - c.maxSndWnd - 1,
    farPast: c.una - 20_000,
  };
}

function arriving(letters: string, seq: number, ack: number, data: number): Arriving {
  const flags = parseFlags(letters);
  return {
    syn: (flags & SYN) !== 0,
    fin: (flags & FIN) !== 0,
    rst: (flags & RST) !== 0,
    hasAck: (flags & ACK) !== 0,
    seq,
    ack,
    data,
  };
}

function injectCase(bench: Bench, letters: string, s: Arriving): void {
  bench.injectRaw({
    flags: parseFlags(letters),
    seq: (s.seq + bench.irs) | 0,
    ack: s.hasAck ? (s.ack + bench.iss) | 0 : 0,
    wnd: 1000,
    urgent: letters.includes('U') ? 3 : 0,
    payload: pattern(s.seq - (s.syn ? 0 : 1), s.data, PEER_SALT),
  });
  bench.flush();
}

/** What the reply should look like, in words, or null when it is as it should be. */
function wrongReply(expected: Outcome, c: Situation, s: Arriving, sent: Captured[]): string | null {
  const got = sent.map(printSegment).join(' ; ') || 'nothing';
  const nxt = Math.max(c.nxt, expected.una);
  const isAck = (x: Captured) =>
    (x.flags & (ACK | SYN | FIN | RST)) === ACK &&
    x.payload.length === 0 &&
    x.seq === nxt &&
    x.ack === expected.rcvNxt;
  const only = sent.length === 1 ? sent[0]! : null;
  if (expected.reply === 'none') return sent.length === 0 ? null : `no reply | ${got}`;
  if (expected.reply === 'ack?' && sent.length === 0) return null;
  if (expected.reply === 'ack' || expected.reply === 'ack?') {
    return only !== null && isAck(only) ? null : `A ${nxt} a${expected.rcvNxt} | ${got}`;
  }
  if (expected.reply === 'rst') {
    const good = only !== null && (only.flags & (RST | ACK)) === RST && only.seq === s.ack;
    return good ? null : `R ${s.ack} | ${got}`;
  }
  const good = only !== null && (only.flags & (SYN | ACK)) === (SYN | ACK) && only.seq === 0;
  return good && only.ack === expected.rcvNxt ? null : `SA 0 a${expected.rcvNxt} | ${got}`;
}

/** Runs one cell; returns what is wrong, or an empty list. */
function cell(name: string, shut: boolean, letters: string, pick: (c: Situation) => Arriving): string[] {
  const { bench, situation } = prepare(name, shut);
  const s = pick(situation);
  const expected = outcomeOf(situation, s);
  const queuedBefore = bench.connection.receiveQueueBytes;
  const wrong: string[] = [];
  try {
    injectCase(bench, letters, s);
  } catch (error) {
    return [`threw ${(error as Error).message}`];
  }
  if (bench.stateName !== expected.state) wrong.push(`state ${expected.state} | ${bench.stateName}`);
  const reply = wrongReply(expected, situation, s, bench.take());
  if (reply !== null) wrong.push(`reply ${reply}`);
  if (['CLOSED', 'LISTEN'].includes(expected.state)) return wrong;
  const delivered = bench.connection.receiveQueueBytes - queuedBefore;
  if (delivered !== expected.delivered) wrong.push(`delivered ${expected.delivered} | ${delivered}`);
  const { sndUna, rcvNxt } = bench.status;
  if (sndUna !== expected.una) wrong.push(`SND.UNA ${expected.una} | ${sndUna}`);
  // In SYN-SENT there is no RCV.NXT before a SYN came, and the number of that SYN is the IRS from then on.
  const origin = situation.state === 'SYN-SENT' ? s.seq : 0;
  const known = expected.state !== 'SYN-SENT';
  if (known && rcvNxt !== expected.rcvNxt - origin) wrong.push(`RCV.NXT ${expected.rcvNxt} | ${rcvNxt}`);
  return wrong;
}

/** A SYN beyond RCV.NXT in TIME-WAIT may found a new connection; the owner asks before. Tested with TIME-WAIT. */
function reopens(c: Situation, s: Arriving): boolean {
  return c.state === 'TIME-WAIT' && s.syn && !s.rst && !s.hasAck && s.seq >= c.rcvNxt;
}

function row(name: string, shut: boolean, letters: string): { cells: number; wrong: string[] } {
  const { situation } = prepare(name, shut);
  const wrong: string[] = [];
  let cells = 0;
  for (const [seqClass, seq] of Object.entries(sequenceClasses(situation))) {
    const acks = letters.includes('A') ? acknowledgmentClasses(situation) : { none: 0 };
    for (const [ackClass, ack] of Object.entries(acks)) {
      for (const data of [0, 5]) {
        const s = arriving(letters, seq, ack, data);
        if (reopens(situation, s)) continue;
        cells++;
        for (const what of cell(name, shut, letters, () => s)) {
          wrong.push(`seq ${seqClass} (${seq}), ack ${ackClass} (${ack}), ${data} bytes: expected ${what}`);
        }
      }
    }
  }
  return { cells, wrong };
}

for (const name of SITUATIONS) {
  for (const shut of SHUTTABLE.includes(name) ? [false, true] : [false]) {
    describe(`RFC9293 §3.10.7: ${name}${shut ? ', receive window shut' : ''}`, () => {
      for (const letters of FLAGS) {
        test(`segments with flags ${letters}`, () => {
          const { cells, wrong } = row(name, shut, letters);
          assert.ok(cells > 0);
          const shown = wrong.slice(0, 12).join('\n  ');
          assert.equal(
            wrong.length,
            0,
            `${wrong.length} deviations in ${cells} cells (expected | got)\n  ${shown}`,
          );
        });
      }
    });
  }
}

function viewOf(letters: string, seq: number, ack: number, data: number): SegmentView {
  const view = new SegmentView();
  fillRaw(view, {
    flags: parseFlags(letters),
    seq: seq | 0,
    ack: letters.includes('A') ? ack | 0 : 0,
    wnd: 1000,
    urgent: 0,
    payload: new Uint8Array(data),
  });
  return view;
}

const RAW_NUMBERS = [0, 1, 12345, 0x7fffffff, -2147483648, -2, -1];

describe('RFC9293 §3.10.7.1: CLOSED', () => {
  for (const letters of FLAGS) {
    test(`RFC9293 §3.10.7.1: segments with flags ${letters}`, () => {
      for (const seq of RAW_NUMBERS) {
        for (const ack of RAW_NUMBERS) {
          for (const data of [0, 5]) {
            const expected = closedOutcome(arriving(letters, seq, ack, data));
            const out = new SegmentOut();
            const answered = fillReset(viewOf(letters, seq, ack, data), out);
            assert.equal(answered, expected !== null);
            if (expected === null) continue;
            assert.equal(out.flags & RST, RST);
            assert.equal(out.flags & (SYN | FIN), 0);
            assert.equal(out.payload.total, 0);
            assert.equal(out.seq | 0, expected.seq === 'segment ack' ? ack : 0);
            assert.equal((out.flags & ACK) !== 0, expected.ack !== null);
            if (expected.ack !== null) assert.equal(out.ack | 0, expected.ack | 0);
          }
        }
      }
    });
  }
});

describe('RFC9293 §3.10.7.2: LISTEN', () => {
  for (const letters of FLAGS) {
    test(`RFC9293 §3.10.7.2: segments with flags ${letters}`, () => {
      for (const seq of RAW_NUMBERS) {
        for (const data of [0, 5]) {
          const expected = listenOutcome(arriving(letters, seq, 99, data));
          assert.equal(classifyListenSegment(viewOf(letters, seq, 99, data)), expected);
        }
      }
    });
  }
});
