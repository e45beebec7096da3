// SYN cookies (RFC 4987 §3.6) to the letter: what a SYN-ACK says that nobody remembers, and what its ACK brings back.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConnectionConfig } from '../../src/tcp/config.js';
import { configWith } from '../../src/tcp/defaults.js';
import { SegmentOut } from '../../src/tcp/segment-out.js';
import { fillCookieAnswer, recallSyn, SYN_COOKIE_LIFE_MS } from '../../src/tcp/syn-cookie.js';
import { IpAddress } from '../../src/wire/address.js';
import { ACK, CWR, ECE, SegmentView, SYN } from '../../src/wire/segment.js';
import { type Captured, capture } from './harness.js';

const TUPLE = {
  local: IpAddress.parse('10.9.0.2')!,
  localPort: 80,
  remote: IpAddress.parse('10.9.0.1')!,
  remotePort: 5000,
};
const NOW = 1_000_000;
const AGE_OF_MARK_MS = 64;

/** A keyed hash that is none: a test has nobody to hide anything from. */
const environment = { synCookieMac: (_: unknown, a: number, b: number) => Math.imul(a ^ b, 0x9e37_79b1) };

function synOf(fields: Partial<SegmentView> = {}): SegmentView {
  const usual = { seq: 100, flags: SYN, len: 1, wnd: 5000, mss: 1400, windowScale: 7, sackPermitted: true };
  return Object.assign(new SegmentView(), { ...usual, hasTimestamps: true, tsVal: 77 }, fields);
}

function answerTo(syn: SegmentView, config: Partial<ConnectionConfig> = {}, now = NOW): Captured {
  const out = new SegmentOut();
  // What another segment left behind.
  Object.assign(out, { urgentPointer: 9, ecn: 2, retransmission: 3, segmentBytes: 10 });
  out.payload.add(new Uint8Array(5), 0, 5);
  fillCookieAnswer(configWith(config), environment, TUPLE, syn, now, out);
  return capture(out, { sender: 0, receiver: 0 }, now);
}

describe('the answer', () => {
  test('says what a SYN-ACK of the listener would say, and nothing else', () => {
    const said = answerTo(synOf(), { receiveMss: 1300, receiveBufferBytes: 10_000, windowScale: 3 });
    const { flags, ack, wnd, urgent, ecn, retransmission, segmentBytes, payload, options } = said;
    assert.deepEqual(
      { flags, ack, wnd, urgent, ecn, retransmission, segmentBytes, length: payload.length },
      {
        flags: SYN | ACK,
        ack: 101,
        wnd: 10_000,
        urgent: 0,
        ecn: 0,
        retransmission: 0,
        segmentBytes: 0,
        length: 0,
      },
    );
    const { ts, ...others } = options;
    assert.deepEqual(others, { mss: 1300, sackOK: true, ws: 3 });
    assert.equal(ts![1], 77);
    assert.equal(answerTo(synOf(), { receiveBufferBytes: 300_000 }).wnd, 65_535);
    assert.equal(answerTo(synOf({ flags: SYN | ECE | CWR })).flags, SYN | ACK | ECE);
    assert.equal(answerTo(synOf({ flags: SYN | ECE | CWR }), { ecn: 'off' }).flags, SYN | ACK);
    assert.equal(answerTo(synOf({ flags: SYN | ECE })).flags, SYN | ACK);
  });

  test('its timestamp remembers the shift of the window, SACK and ECN, as far as both sides have them', () => {
    const marks = (syn: SegmentView, config: Partial<ConnectionConfig> = {}) =>
      answerTo(syn, config).options.ts![0] & 0x3f;
    const all = () => synOf({ flags: SYN | ECE | CWR });
    assert.equal(marks(all()), 0x37);
    assert.equal(marks(all(), { windowScale: -1 }), 0x3f);
    assert.equal(marks(all(), { windowScale: 0 }), 0x37);
    assert.equal(marks(all(), { sack: false }), 0x27);
    assert.equal(marks(all(), { ecn: 'off' }), 0x17);
    assert.equal(marks(synOf({ windowScale: 8, sackPermitted: false })), 0x08);
    assert.equal(marks(synOf({ windowScale: -1, sackPermitted: false })), 0x0f);
    assert.equal(marks(synOf({ windowScale: 200 })), 0x1e, 'RFC7323 §2.3: fourteen at most');
    assert.deepEqual(answerTo(synOf(), { windowScale: 0 }).options.ws, 0);
  });

  test('RFC7323 §5.4: it bears the latest tick with its marks that is not of the future', () => {
    const plain = () => synOf({ windowScale: -1, sackPermitted: false });
    const at = (now: number) => answerTo(plain(), {}, now).options.ts![0];
    assert.deepEqual([at(64 + 14), at(64 + 14.9), at(64 + 15), at(64 + 16)], [15, 15, 79, 79]);
  });

  test('RFC9293 MUST-15: an MSS of zero is none, and one below all steps counts as the least', () => {
    const step = (mss: number) => (answerTo(synOf({ mss })).rawSeq >>> 24) & 7;
    assert.deepEqual([step(0), step(-1), step(1), step(63), step(64), step(536)], [1, 1, 0, 0, 0, 1]);
  });
});

describe('its ACK', () => {
  function recalled(fields: Partial<SegmentView> = {}, config: Partial<ConnectionConfig> = {}, now = NOW) {
    const cookie = answerTo(synOf({ flags: SYN | ECE | CWR }), config);
    const ack = Object.assign(new SegmentView(), {
      packetId: 12,
      flags: ACK,
      seq: 101,
      ack: (cookie.rawSeq + 1) | 0,
      wnd: 333,
      hasTimestamps: true,
      tsVal: 99,
      tsEcr: cookie.options.ts?.[0] ?? 0,
      ...fields,
    });
    // What another SYN left behind.
    const syn = synOf({
      flags: SYN | ECE | CWR,
      payloadLength: 8,
      len: 9,
      wnd: 1,
      packetId: 3,
      sackCount: 2,
      fastOpenLength: 0,
    });
    assert.equal(recallSyn(configWith(config), environment, TUPLE, ack, now, syn), true);
    const { packetId, flags, seq, wnd, len, payloadLength, mss, sackCount, fastOpenLength } = syn;
    const { windowScale, sackPermitted, hasTimestamps, tsVal } = syn;
    return {
      segment: { packetId, flags, seq, wnd, len, payloadLength, mss, sackCount, fastOpenLength },
      options: { windowScale, sackPermitted, hasTimestamps, tsVal },
    };
  }

  const segment = {
    packetId: 12,
    flags: SYN | ECE | CWR,
    seq: 100,
    wnd: 333,
    len: 1,
    payloadLength: 0,
    mss: 1400,
    sackCount: 0,
    fastOpenLength: -1,
  };
  const none = { windowScale: -1, sackPermitted: false, hasTimestamps: false, tsVal: 0 };

  test('brings the SYN back, with the window of today', () => {
    assert.deepEqual(recalled(), {
      segment,
      options: { windowScale: 7, sackPermitted: true, hasTimestamps: true, tsVal: 99 },
    });
    assert.equal(recalled({}, { windowScale: -1 }).options.windowScale, -1);
  });

  test('brings back the MSS alone where timestamps are missing, or were not agreed upon', () => {
    for (const { segment: got, options } of [
      recalled({ hasTimestamps: false }),
      recalled({ tsEcr: NOW }, { timestamps: false }),
    ]) {
      assert.deepEqual(got, { ...segment, flags: SYN });
      assert.equal(options.hasTimestamps, none.hasTimestamps);
      assert.equal(options.sackPermitted, none.sackPermitted);
      assert.equal(options.windowScale, none.windowScale);
    }
  });

  test('no options are read from an echo that cannot be ours: of the future, or older than any cookie', () => {
    const oldest = SYN_COOKIE_LIFE_MS + AGE_OF_MARK_MS;
    const isRead = (age: number, now = NOW) =>
      recalled({ tsEcr: (Math.floor(NOW) - age) | 0 }, {}, now).options.hasTimestamps;
    assert.deepEqual(
      [-1, 0, 1, oldest, oldest + 1].map((age) => isRead(age)),
      [false, true, true, true, false],
    );
    assert.deepEqual([isRead(0, NOW + 0.9), isRead(-1, NOW + 0.9)], [true, false]);
  });
});
