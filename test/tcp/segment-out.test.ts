// The description of an outgoing segment, which is used again for the next one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SegmentOut } from '../../src/tcp/segment-out.js';
import { ACK, FIN, PSH, SYN } from '../../src/wire/segment.js';

test('RFC9293 §3.4: SEG.LEN counts the octets of text, a SYN and a FIN, and no other flag', () => {
  const out = new SegmentOut();
  const lengthOf = (flags: number) => {
    out.flags = flags;
    return out.len;
  };
  const flags = [0, ACK | PSH, SYN, FIN, SYN | FIN | ACK];
  assert.deepEqual(flags.map(lengthOf), [0, 0, 1, 1, 2]);
  out.payload.add(new Uint8Array(100), 0, 100);
  assert.deepEqual(flags.map(lengthOf), [100, 100, 101, 101, 102]);
});

test('it counts the segments that it is cut into, a short one at the end included', () => {
  const out = new SegmentOut();
  assert.equal(out.segmentCount, 1);
  out.payload.add(new Uint8Array(2500), 0, 2500);
  assert.equal(out.segmentCount, 1);
  out.segmentBytes = 1000;
  assert.equal(out.segmentCount, 3);
  out.segmentBytes = 1250;
  assert.equal(out.segmentCount, 2);
});

test('emptied, it is as a new one: nothing of one segment shows in the next', () => {
  const out = new SegmentOut();
  const fields = { packetId: 1, seq: 2, ack: 3, flags: 4, wnd: 5, urgentPointer: 6, ecn: 7 };
  Object.assign(out, fields, { optionsLength: 8, segmentBytes: 9, retransmission: 10 });
  out.payload.add(new Uint8Array(5), 0, 5);
  out.reset();
  assert.equal(out.payload.total, 0);
  const { options, payload, ...rest } = out;
  const { options: _options, payload: _payload, ...fresh } = new SegmentOut();
  assert.deepEqual(rest, fresh);
  assert.deepEqual([options.length, payload.count], [40, 0]);
});
