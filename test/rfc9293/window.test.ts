// Windows: what we offer and what we respect (RFC 9293 §3.1, §3.8.6, §3.8.6.2; RFC 7323 §2).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench } from '../tcp/harness.js';

const total = (bench: Bench) => bench.take().reduce((sum, s) => sum + s.payload.length, 0);

describe('send window', () => {
  test('RFC9293 MUST-1: a window of 40 000 is read as unsigned', () => {
    const bench = Bench.established({ config: { initialWindowSegments: 100 }, peer: { window: 40_000 } });
    assert.equal(bench.status.sndWnd, 40_000);
    bench.write(100_000);
    const sent = bench.take();
    assert.equal(
      sent.reduce((sum, s) => sum + s.payload.length, 0),
      40_000,
    );
  });

  test('RFC9293 REC-1: windows are kept in 32 bits: the largest that can be offered is read and used as it is', () => {
    const bench = Bench.established({
      config: { windowScale: 0 },
      peer: { options: 'mss 1000, ws 14', window: 1000 },
    });
    bench.peer('A 1 a1 w65535');
    assert.equal(bench.status.sndWnd, 65_535 * 2 ** 14);
  });

  test('RFC9293 §3.8.6: no more is sent than the window allows, and SND.UNA moves it', () => {
    const bench = Bench.established({ peer: { window: 2500 } });
    bench.write(10_000);
    assert.ok(total(bench) <= 2500);
    assert.ok(bench.status.sndNxt <= 2501);
    bench.peer('A 1 a1001');
    total(bench);
    assert.ok(bench.status.sndNxt <= 3501 && bench.status.sndNxt >= 3001);
  });

  test('RFC9293 §3.10.7.4: an old segment does not update the window (WL1, WL2)', () => {
    const bench = Bench.established({ peer: { window: 5000 } });
    bench.peer('A 1 a1 [10] w3000');
    assert.equal(bench.status.sndWnd, 3000);
    bench.write(1000);
    bench.peer('A 11 a1001 w2000');
    assert.equal(bench.status.sndWnd, 2000);
    bench.peer('A 11 a501 w9000');
    assert.equal(bench.status.sndWnd, 2000, 'SEG.ACK before WL2');
    bench.peer('A 11 a1001 w4000');
    assert.equal(bench.status.sndWnd, 4000, 'same numbers, newer window');
  });

  test('RFC9293 §3.10.7.4: the ACK that completes the handshake is the one to be older than, wherever it stands', () => {
    const bench = Bench.synReceived().peer('A 11 a1 [5] w5000').state('ESTABLISHED');
    bench.peer('A 1 a1 [10] w2000');
    assert.equal(bench.status.sndWnd, 5000, 'it was sent before');
    bench.peer('A 16 a1 w3000');
    assert.equal(bench.status.sndWnd, 3000);
  });

  test('RFC9293 §3.10.7.4: a segment sent again that advances SND.UNA brings its window, so that no more is sent than the peer offers', () => {
    const bench = Bench.established({ peer: { window: 5000 } });
    bench.write(20_000);
    bench.take();
    assert.equal(bench.status.sndNxt, 5001);
    bench.peer('A 1001 a1 [10] w5000');
    // The former window, counted from the new SND.UNA, would end at 8001; the peer still offers 5001.
    bench.peer('A 1 a3001 [10] w2000');
    assert.equal(bench.status.sndWnd, 2000);
    assert.equal(total(bench), 0);
    bench.peer('A 11 a3001 w3000');
    assert.equal(bench.status.sndWnd, 2000, 'an older SEG.SEQ without an advance tells nothing');
  });

  test('RFC9293 MUST-34 SHLD-15: a shrunken window stops new data and does no harm', () => {
    const bench = Bench.established({ config: { nagle: false }, peer: { window: 5000 } });
    bench.write(5000);
    bench.settled('ESTABLISHED').peer('A 1 a1001 w1000').silent();
    bench.write(1000);
    bench.silent().state('ESTABLISHED');
    assert.equal(bench.status.sndNxt, 5001);
    bench.peer('A 1 a5001 w5000').expect('A 5001 a1 [1000]');
  });

  test('RFC9293 SHLD-16: data inside the shrunken window is retransmitted as usual', () => {
    const bench = Bench.established({ peer: { window: 5000 } });
    bench.write(5000);
    bench.settled('ESTABLISHED').peer('A 1 a1001 w1500');
    bench.advance(3000);
    const again = bench.take();
    assert.ok(again.length > 0 && again[0]!.seq === 1001, 'the first unacknowledged segment comes again');
    bench.peer('A 1 a2001 w1500', 'A 1 a3001 w1500');
    bench.peer('A 1 a5001 w5000').state('ESTABLISHED');
  });

  test('RFC9293 SHLD-17: data beyond the right edge does not time the connection out while the peer answers', () => {
    const bench = Bench.established({ config: { r2Ms: 100_000 }, peer: { window: 3000 } });
    bench.write(3000);
    bench.settled('ESTABLISHED').peer('A 1 a1001 w0');
    for (let second = 0; second < 600; second++) {
      bench.advance(1000);
      if (bench.take().length > 0) bench.peer('A 1 a1001 w0');
      bench.state('ESTABLISHED');
    }
    bench.peer('A 1 a1001 w3000');
    assert.equal(bench.take()[0]!.seq, 1001);
  });

  test('RFC7323 §2.3: the window field is scaled by what the peer offered, except on SYN', () => {
    const bench = Bench.synSent({
      config: { windowScale: 3 },
      peer: { options: 'mss 1000, ws 4', window: 100 },
    });
    bench.expect('S 0 <ws 3>').peer('SA 0 a1 <mss 1000, ws 4>');
    assert.equal(bench.status.sndWnd, 100);
    bench.peer('A 1 a1 w200');
    assert.equal(bench.status.sndWnd, 3200);
  });

  test('RFC7323 §2.3: a shift above 14 counts as 14', () => {
    const bench = Bench.synSent({ config: { windowScale: 3 } }).peer('SA 0 a1 <mss 1000, ws 200>');
    bench.peer('A 1 a1 w2');
    assert.equal(bench.status.sndWnd, 2 << 14);
  });

  test('RFC7323 §2.2: a shift of 0 is an offer too: the other direction is scaled', () => {
    const options = { config: { receiveBufferBytes: 40_000, windowScale: 4, delayedAckMs: 0 } };
    const bench = Bench.synReceived(options, 'S 0 <mss 1000, ws 0>')
      .expect('SA 0 a1 <ws 4>')
      .peer('A 1 a1 w500');
    assert.equal(bench.status.sndWnd, 500);
    bench.peer('A 1 a1 [1000]');
    assert.equal(bench.take()[0]!.wnd, 39_000 >> 4);
  });

  test('RFC7323 §2.3: a shift that the buffer does not need is not offered: the field would read as closed', () => {
    const options = { config: { receiveBufferBytes: 600, windowScale: 14, delayedAckMs: 0 } };
    const bench = Bench.synReceived(options, 'S 0 <mss 1000, ws 2>');
    const shift = bench.take()[0]!.options.ws ?? 0;
    bench.peer('A 1 a1').peer('A 1 a1 [100]');
    const granted = bench.take()[0]!.wnd << shift;
    assert.ok(granted >= 250 && granted <= 500, `${granted} granted of 500`);
  });

  test('RFC7323 §2.2: no scaling unless both SYNs had the option', () => {
    const ours = Bench.synSent({ config: { windowScale: 3 } })
      .expect('S 0 <ws 3>')
      .peer('SA 0 a1 <mss 1000>');
    ours.peer('A 1 a1 w200');
    assert.equal(ours.status.sndWnd, 200);
    const passive = Bench.synReceived({ config: { windowScale: 3 } }, 'S 0 <mss 1000>');
    const [synAck] = passive.take();
    assert.equal(synAck!.options.ws, undefined, 'RFC 7323 §2.2: not offered in answer to a SYN without it');
  });
});

describe('receive window', () => {
  test('RFC9293 §3.8.6: the window is what the buffer has room for', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 4000, delayedAckMs: 0 } });
    assert.equal(bench.history[0]!.wnd, 4000);
    bench.peer('A 1 a1 [1000]').expect('A 1 a1001 w3000');
    bench.peer('A 1001 a1 [1000]', 'A 2001 a1 [1000]', 'A 3001 a1 [1000]').expect('A 1 a4001 w0');
  });

  test('RFC9293 MUST-1: a window above 32 767 is advertised as it is', () => {
    const bench = Bench.synReceived({ config: { receiveBufferBytes: 60_000 } });
    assert.equal(bench.take()[0]!.wnd, 60_000);
  });

  test('RFC9293 §3.1: without scaling the field holds 65 535 at most', () => {
    const bench = Bench.synReceived({ config: { receiveBufferBytes: 1_000_000 } });
    assert.equal(bench.take()[0]!.wnd, 65_535);
  });

  test('RFC7323 §2.2: the window on SYN segments is not scaled, on others it is', () => {
    const options = { config: { receiveBufferBytes: 40_000, windowScale: 4, delayedAckMs: 0 } };
    const bench = Bench.synReceived(options, 'S 0 <mss 1000, ws 2>').expect('SA 0 a1 w40000 <ws 4>');
    bench.peer('A 1 a1').peer('A 1 a1 [1000]');
    const [ack] = bench.take();
    assert.equal(ack!.wnd, 39_000 >> 4);
  });

  test('RFC9293 §3.10.7.4: what lies beyond the right edge is cut off', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 1500, delayedAckMs: 0 } });
    bench.peer('A 1 a1 [1000]', 'A 1001 a1 [1000]');
    const acks = bench.take();
    assert.equal(acks.at(-1)!.ack, 1501);
    assert.equal(acks.at(-1)!.wnd, 0);
    assert.equal(bench.read(), 1500);
  });

  test('RFC9293 MUST-39: the edge moves by min(buffer/2, MSS) at least', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 4000, delayedAckMs: 0 } });
    bench
      .peer('A 1 a1 [1000]', 'A 1001 a1 [1000]', 'A 2001 a1 [1000]', 'A 3001 a1 [1000]')
      .expect('A 1 a4001 w0');
    for (let i = 0; i < 9; i++) {
      assert.equal(bench.read(100), 100);
      bench.silent();
      bench.peer('A 4000 a1');
      for (const s of bench.take()) assert.equal(s.wnd, 0, 'a small opening is not advertised');
    }
    bench.read(3100);
    const last = bench.take().at(-1);
    assert.ok(last !== undefined && last.wnd >= 1000, 'a worthwhile opening is told at once');
  });

  test('RFC9293 §3.8.6: reading opens a shut window with an update of its own', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 2000, delayedAckMs: 0 } });
    bench.peer('A 1 a1 [1000]', 'A 1001 a1 [1000]').expect('A 1 a2001 w0');
    assert.equal(bench.read(), 2000);
    bench.expect('A 1 a2001 w2000');
  });

  test('RFC9293 §3.8.6: after the FIN of the peer there is no window to speak of', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 3000, delayedAckMs: 0 } });
    bench.peer('A 1 a1 [1000]', 'FA 1001 a1 [1000]').settled('CLOSE-WAIT');
    assert.equal(bench.read(), 2000);
    bench.silent();
  });

  test('RFC9293 MUST-39: by one octet less it does not move, with whatever leaves', () => {
    for (const [read, window] of [
      [999, 5000],
      [1000, 6000],
    ] as const) {
      const bench = Bench.accepted({ config: { delayedAckMs: 0 } });
      for (let at = 1; at < 5001; at += 1000) bench.peer(`A ${at} a1 [1000]`);
      bench.settled('ESTABLISHED');
      assert.equal(bench.read(read), read);
      bench.silent();
      bench.write(1);
      assert.equal(bench.take()[0]!.wnd, window);
    }
    const small = Bench.accepted({ config: { delayedAckMs: 0, receiveBufferBytes: 1000 } }).peer(
      'A 1 a1 [1000]',
    );
    small.settled('ESTABLISHED').read(499);
    small.write(1);
    assert.equal(small.take()[0]!.wnd, 0, 'half of a buffer that is smaller than two segments');
    small.read(1);
    assert.equal(small.take()[0]!.wnd, 500);
  });

  test('RFC9293 MUST-39: an update leaves by itself when the peer may be waiting for it, or half the buffer came free', () => {
    const filled = (bytes: number) => {
      const bench = Bench.accepted({ config: { delayedAckMs: 0 } });
      for (let at = 1; at < bytes + 1; at += 1000) bench.peer(`A ${at} a1 [1000]`);
      return bench.settled('ESTABLISHED');
    };
    // 8000 of 10 000: two segments have room, and the peer does not wait.
    const half = filled(8000);
    half.read(4999);
    half.silent().read(1);
    half.expect('A 1 a8001 w7000');
    // 9000: only one has, so two segments more are worth telling of.
    const nearlyShut = filled(9000);
    nearlyShut.read(1999);
    nearlyShut.silent().read(1);
    nearlyShut.expect('A 1 a9001 w3000');
  });

  test('RFC9293 §3.8.6: no update leaves once the peer has said its last', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 2000, delayedAckMs: 0 } });
    bench.peer('A 1 a1 [1000]', 'FA 1001 a1 [900]').settled('CLOSE-WAIT');
    assert.equal(bench.read(), 1900);
    bench.silent();
  });

  test('RFC9293 SHLD-14: the right edge never moves left, whatever arrives and whatever is read', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 5000, delayedAckMs: 0 } });
    let edge = 5001;
    let next = 1;
    for (let i = 0; i < 40; i++) {
      bench.peer(`A ${next + 300} a1 [10]`, `A ${next} a1 [200]`);
      next += 200;
      if (i % 5 === 4) bench.read(i % 10 === 9 ? 1500 : 300);
      for (const s of bench.take()) {
        assert.ok(s.ack + s.wnd >= edge, `edge ${s.ack + s.wnd} after ${edge}`);
        edge = s.ack + s.wnd;
      }
      next = bench.status.rcvNxt;
      if (bench.status.rcvWnd < 600) bench.read();
    }
    assert.ok(edge > 5001, 'and it has moved right');
  });

  test('RFC9293 MAY-8: the window may stay shut for ever; probes are answered with the same numbers', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 2000, delayedAckMs: 0 } });
    bench.peer('A 1 a1 [1000]', 'A 1001 a1 [1000]').settled('ESTABLISHED');
    for (let i = 0; i < 5; i++) {
      bench.advance(60_000);
      bench.peer('A 2001 a1 [1]').expect('A 1 a2001 w0');
    }
  });
});

describe('silly windows', () => {
  test('RFC9293 MUST-38: a sender does not send slivers when the window opens a little', () => {
    const bench = Bench.established({ config: { nagle: false }, peer: { window: 5000 } });
    bench.write(20_000);
    bench.settled('ESTABLISHED').peer('A 1 a5001 w100').silent();
    bench.peer('A 1 a5001 w200').silent();
    bench.peer('A 1 a5001 w1000').expect('A 5001 a1 [1000]');
  });

  test('RFC9293 MUST-38: half of the largest window ever seen is worth a segment', () => {
    const bench = Bench.established({ config: { nagle: false }, peer: { window: 600 } });
    bench.write(5000);
    bench.expect('A 1 a1 [600]').peer('A 1 a601 w299').silent();
    bench.peer('A 1 a601 w300').expect('A 601 a1 [300]');
  });

  test('RFC9293 MUST-38: what was pushed and fits the window as a whole is sent, however small the window', () => {
    const bench = Bench.established({ peer: { window: 5000 } });
    bench.peer('A 1 a1 w300');
    bench.write(301);
    bench.silent();
    const whole = Bench.established({ peer: { window: 5000 } });
    whole.peer('A 1 a1 w300');
    whole.write(300);
    whole.expect('A 1 a1 [300]');
  });

  test('RFC9293 §3.8.6: a window of one octet takes one', () => {
    const bench = Bench.established({ peer: { window: 1 } });
    bench.write(1);
    bench.expect('A 1 a1 [1]');
  });

  test('RFC9293 MUST-38: half of the largest window is worth a segment only where Nagle lets it go', () => {
    const bench = Bench.established({ peer: { window: 1500 } });
    bench.write(600);
    bench.expect('A 1 a1 [600]');
    bench.write(2000);
    bench.silent();
    bench.peer('A 1 a601 w900').expect('A 601 a1 [900]');
  });

  test('RFC9293 MUST-38: the override sends one short segment; the next one waits as long again', () => {
    const bench = Bench.established({ config: { nagle: false }, peer: { window: 5000 } });
    bench.write(20_000);
    bench.settled('ESTABLISHED').peer('A 1 a5001 w100').silent();
    bench.advance(500).expect('A 5001 a1 [100]');
    bench.peer('A 1 a5101 w100').silent();
    bench.advance(499).silent();
    bench.advance(1).expect('A 5101 a1 [100]');
  });

  test('RFC9293 MUST-38: its time counts from when a shut window opened a little', () => {
    const bench = Bench.established({ config: { nagle: false }, peer: { window: 5000 } });
    bench.peer('A 1 a1 w0');
    bench.write(20_000);
    bench.advance(100).peer('A 1 a1 w1').silent();
    bench.advance(499).silent();
    bench.advance(1).expect('A 1 a1 [1]');
  });

  test('RFC9293 MUST-38: further ACKs do not put the override timer off', () => {
    const bench = Bench.established({ config: { nagle: false }, peer: { window: 5000 } });
    bench.write(20_000);
    bench.settled('ESTABLISHED').peer('A 1 a5001 w100').silent();
    for (let i = 0; i < 4; i++) bench.advance(100).peer('A 1 a5001 w100').silent();
    bench.advance(100).expect('A 5001 a1 [100]');
  });

  test('RFC9293 MUST-38: data that the window holds back is sent when the override timer expires', () => {
    const bench = Bench.established({ config: { nagle: false }, peer: { window: 5000 } });
    bench.write(20_000);
    bench.settled('ESTABLISHED').peer('A 1 a5001 w100').silent();
    bench.advance(2000);
    const sent = bench.take();
    assert.ok(sent.length > 0, 'nothing is held back for ever');
    assert.ok(sent[0]!.seq === 5001 && sent[0]!.payload.length <= 100);
  });
});
