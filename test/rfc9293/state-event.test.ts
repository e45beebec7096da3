// State × event: every state meets every class of segment, and what follows is compared with an oracle written from
// RFC 9293 §3.10.7, RFC 5961 and RFC 1337.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ACK, FIN, RST, SYN } from '../../src/wire/segment.js';
import { type Bench, type Captured, PEER_SALT, parseFlags, pattern, printSegment } from '../tcp/harness.js';
import { eventsOf, FLAGS } from './segment-classes.js';
import { type Arriving, type Outcome, outcomeOf, type Situation } from './segment-oracle.js';
import { type Named, prepare, SITUATIONS } from './situations.js';
import { writeStateEventPage } from './state-event-page.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

function injectCase(bench: Bench, letters: string, s: Arriving): void {
  bench.injectRaw({
    flags: parseFlags(letters),
    seq: (s.seq + bench.irs) | 0,
    ack: s.hasAck ? (s.ack + bench.iss) | 0 : 0,
    wnd: s.wnd,
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
function cell(named: Named, letters: string, s: Arriving): string[] {
  const { situation } = named;
  const bench = prepare(named);
  const expected = outcomeOf(situation, s);
  const queuedBefore = bench.connection.receiveQueueBytes;
  const wrong: string[] = [];
  const { recorder } = bench;
  const before = { verdicts: recorder.verdicts.length, drops: recorder.drops.length };
  try {
    injectCase(bench, letters, s);
  } catch (error) {
    return [`threw ${(error as Error).message}`];
  }
  if (bench.stateName !== expected.state) wrong.push(`state ${expected.state} | ${bench.stateName}`);
  const drops = recorder.drops.slice(before.drops).map(({ reason, reply }) => `${reason}, ${reply}`);
  const rules = recorder.rules.slice(before.drops);
  const told = [recorder.verdicts.slice(before.verdicts).join(), [...drops, ...rules].join(', ')];
  const words = told[1] === '' ? told[0] : told.join(': ');
  if (words !== expected.told) wrong.push(`the log says ${expected.told} | ${words}`);
  const reply = wrongReply(expected, situation, s, bench.take());
  if (reply !== null) wrong.push(`reply ${reply}`);
  if (['CLOSED', 'LISTEN'].includes(expected.state)) return wrong;
  const delivered = bench.connection.receiveQueueBytes - queuedBefore;
  if (delivered !== expected.delivered) wrong.push(`delivered ${expected.delivered} | ${delivered}`);
  const { sndUna, sndWnd, rcvNxt } = bench.status;
  if (sndUna !== expected.una) wrong.push(`SND.UNA ${expected.una} | ${sndUna}`);
  if (sndWnd !== expected.sndWnd) wrong.push(`SND.WND ${expected.sndWnd} | ${sndWnd}`);
  // In SYN-SENT there is no RCV.NXT before a SYN came, and the number of that SYN is the IRS from then on.
  const origin = situation.state === 'SYN-SENT' ? s.seq : 0;
  const known = expected.state !== 'SYN-SENT';
  if (known && rcvNxt !== expected.rcvNxt - origin) wrong.push(`RCV.NXT ${expected.rcvNxt} | ${rcvNxt}`);
  return wrong;
}

for (const named of SITUATIONS) {
  describe(`RFC9293 §3.10.7: ${named.name}`, () => {
    for (const letters of FLAGS) {
      test(`segments with flags ${letters}`, () => {
        const wrong: string[] = [];
        let cells = 0;
        for (const { segment: s, seqClass, ackClass } of eventsOf(named.situation, letters)) {
          cells++;
          for (const what of cell(named, letters, s)) {
            const segment = `seq ${seqClass} (${s.seq}), ack ${ackClass} (${s.ack}), ${s.data} bytes, window ${s.wnd}`;
            wrong.push(`${segment}: expected ${what}`);
          }
        }
        assert.ok(cells > 0);
        const shown = wrong.slice(0, 12).join('\n  ');
        const summary = `${wrong.length} deviations in ${cells} cells (expected | got)\n  ${shown}`;
        assert.equal(wrong.length, 0, summary);
      });
    }
  });
}

test('docs/state-event.md is what the oracle says', () => {
  const text = readFileSync(join(root, 'docs/state-event.md'), 'utf8');
  assert.ok(text === writeStateEventPage(), 'scripts/rfc-coverage writes it anew');
});
