// Segments that no connection owns: RFC 9293 §3.10.7.1 (CLOSED) and §3.10.7.2 (LISTEN), for every set of flags.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fillReset } from '../../src/tcp/segment-arrives/closed.js';
import { classifyListenSegment } from '../../src/tcp/segment-arrives/listen.js';
import { SegmentOut } from '../../src/tcp/segment-out.js';
import { ACK, FIN, RST, SegmentView, SYN } from '../../src/wire/segment.js';
import { fillRaw, parseFlags } from '../tcp/harness.js';
import { arriving, DATA, FLAGS } from './segment-classes.js';
import { closedOutcome, listenOutcome } from './segment-oracle.js';

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

/** What an earlier use of the segment has left. */
function usedSegment(): SegmentOut {
  const out = new SegmentOut();
  out.flags = SYN | FIN;
  out.seq = 77;
  out.ack = 78;
  out.wnd = 79;
  out.urgentPointer = 80;
  out.optionsLength = 4;
  return out;
}

const RAW_NUMBERS = [0, 1, 12345, 0x7fffffff, -2147483648, -2, -1];

describe('RFC9293 §3.10.7.1: CLOSED', () => {
  for (const letters of FLAGS) {
    test(`segments with flags ${letters}`, () => {
      for (const seq of RAW_NUMBERS) {
        for (const ack of RAW_NUMBERS) {
          for (const data of DATA) {
            const expected = closedOutcome(arriving(letters, seq, ack, data, 1000));
            const out = usedSegment();
            const answered = fillReset(viewOf(letters, seq, ack, data), out);
            assert.equal(answered, expected !== null);
            if (expected === null) continue;
            assert.equal(out.flags & RST, RST);
            assert.equal(out.flags & (SYN | FIN), 0);
            assert.equal(out.payload.total, 0);
            assert.deepEqual([out.wnd, out.urgentPointer, out.optionsLength], [0, 0, 0]);
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
    test(`segments with flags ${letters}`, () => {
      for (const seq of RAW_NUMBERS) {
        for (const data of DATA) {
          const expected = listenOutcome(arriving(letters, seq, 99, data, 1000));
          assert.equal(classifyListenSegment(viewOf(letters, seq, 99, data)), expected);
        }
      }
    });
  }
});
