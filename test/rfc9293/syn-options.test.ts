// The options of SYN and SYN-ACK octet by octet, and which shift is offered for the window.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench } from '../tcp/harness.js';

const MSS = [2, 4, 0x03, 0xe8];
const NOP2 = [1, 1];
const SACK = [4, 2];
const SCALE = [1, 3, 3, 5];

/** The option area without the value of the timestamp, which is the clock's. */
function area(bench: Bench): number[] {
  const bytes = [...bench.take()[0]!.optionArea];
  const at = bytes.findIndex((kind, i) => kind === 8 && bytes[i + 1] === 10);
  return at < 0 ? bytes : [...bytes.slice(0, at + 2), ...bytes.slice(at + 6)];
}

describe('RFC9293 §3.2: the options of a SYN stand as on any other SYN', () => {
  for (const [name, config, expected] of [
    ['MSS alone', {}, MSS],
    ['SACK', { sack: true }, [...MSS, ...NOP2, ...SACK]],
    ['timestamps', { timestamps: true }, [...MSS, ...NOP2, 8, 10, 0, 0, 0, 0]],
    ['SACK and timestamps', { sack: true, timestamps: true }, [...MSS, ...SACK, 8, 10, 0, 0, 0, 0]],
    ['window scale', { windowScale: 5 }, [...MSS, ...SCALE]],
    ['all', { sack: true, timestamps: true, windowScale: 5 }, [...MSS, ...SACK, 8, 10, 0, 0, 0, 0, ...SCALE]],
  ] as const) {
    test(name, () => {
      assert.deepEqual(area(Bench.synSent({ config })), expected);
    });

    test(`${name}, answered to a SYN that offers everything, and to one that offers nothing`, () => {
      const everything = 'S 0 <mss 1000, sackOK, ts 7 0, ws 2>';
      const answer: number[] = [...expected];
      const got = area(Bench.synReceived({ config }, everything));
      // The echo of the timestamp is the peer's 7.
      const echo = answer.findIndex((kind, i) => kind === 8 && answer[i + 1] === 10);
      if (echo >= 0) answer[echo + 5] = 7;
      assert.deepEqual(got, answer);
      assert.deepEqual(area(Bench.synReceived({ config }, 'S 0 <mss 1000>')), MSS);
    });
  }
});

describe('the shift that is offered', () => {
  const offered = (windowScale: number, receiveBufferBytes: number, receiveMss: number) =>
    Bench.synSent({ config: { windowScale, receiveBufferBytes, receiveMss } }).take()[0]!.options.ws!;

  test('RFC7323 §2.3: as configured, unless a smaller one says the whole buffer and does not read as closed', () => {
    for (const receiveMss of [100, 536, 1460, 9000]) {
      for (const buffer of [300, 1000, 65_535, 65_536, 131_070, 131_071, 1 << 20, 1 << 28]) {
        for (let windowScale = 0; windowScale <= 14; windowScale++) {
          const shift = offered(windowScale, buffer, receiveMss);
          const name = `buffer ${buffer}, MSS ${receiveMss}, configured ${windowScale}: ${shift}`;
          const coarsest = Math.min(receiveMss, buffer) / 2;
          assert.ok(shift >= 0 && shift <= windowScale, name);
          if (shift < windowScale) {
            assert.ok(2 ** (shift + 1) > coarsest, `${name}: one more would have done`);
            assert.ok(65_535 * 2 ** shift >= buffer, `${name}: it does not say the buffer`);
          }
          const oneLess = shift > 0 && 2 ** shift > coarsest && 65_535 * 2 ** (shift - 1) >= buffer;
          assert.equal(oneLess, false, `${name}: one less would have been better`);
        }
      }
    }
    assert.equal(offered(20, 1 << 30, 1460), 14, 'no more than there is');
  });
});

describe('what the peer offers', () => {
  test('RFC9293 MUST-14: an MSS of zero is none, a tiny one is raised to the floor', () => {
    const mss = (options: string, peerMssFloor = 64) =>
      Bench.synSent({ config: { peerMssFloor } }).peer(`SA 0 a1 <${options}>`).status.sendMss;
    assert.deepEqual(
      [mss('mss 0'), mss('mss 1'), mss('mss 63'), mss('mss 65'), mss('mss 900')],
      [536, 64, 64, 65, 900],
    );
    assert.equal(mss('mss 1', 88), 88);
  });

  test('RFC7323 §2.2: a shift of 14 is used, 15 is 14, and none is 0', () => {
    const window = (options: string, windowScale = 0) =>
      Bench.established({ config: { windowScale }, peer: { options } }).peer('A 1 a1 w3').status.sndWnd;
    assert.deepEqual(
      [
        window('mss 1000, ws 14'),
        window('mss 1000, ws 15'),
        window('mss 1000'),
        window('mss 1000, ws 2', -1),
      ],
      [3 << 14, 3 << 14, 3, 3],
    );
  });
});
