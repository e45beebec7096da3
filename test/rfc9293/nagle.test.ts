// Nagle's algorithm and segmentation: RFC 9293 §3.7.4, §3.9.1.2.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench } from '../tcp/harness.js';

describe('Nagle', () => {
  test('RFC9293 SHLD-7: a small segment waits while data is unacknowledged', () => {
    const bench = Bench.established();
    bench.write(10);
    bench.expect('A 1 a1 [10]');
    bench.write(10);
    bench.write(10);
    bench.silent();
    bench.peer('A 1 a11').expect('A 11 a1 [20]');
  });

  test('RFC9293 SHLD-7: a full segment does not wait', () => {
    const bench = Bench.established();
    bench.write(10);
    bench.settled('ESTABLISHED').write(1500);
    bench.expect('A 11 a1 [1000]').peer('A 1 a1011').expect('A 1011 a1 [500]');
  });

  test('RFC9293 MUST-17: it can be switched off and on', () => {
    const bench = Bench.established();
    bench.call((c) => c.setNagle(false));
    bench.write(10);
    bench.write(10);
    bench.expect('A 1 a1 [10]', 'A 11 a1 [10]');
    bench.call((c) => c.setNagle(true));
    bench.write(10);
    bench.silent();
  });

  test('RFC9293 MUST-17: switching it off sends what it held back', () => {
    const bench = Bench.established();
    bench.write(10);
    bench.write(10);
    bench
      .expect('A 1 a1 [10]')
      .call((c) => c.setNagle(false))
      .expect('A 11 a1 [10]');
  });

  test('RFC9293 MUST-60: nothing is held back for ever, even when pushes are absent', () => {
    const bench = Bench.established();
    bench.write(10, false);
    bench.advance(5000);
    const sent = bench.take();
    assert.ok(sent.length > 0 && sent[0]!.payload.length === 10);
  });

  test('RFC9293 §3.7.4: a FIN lets the last small segment go', () => {
    const bench = Bench.established();
    bench.write(10);
    bench.write(10);
    bench.expect('A 1 a1 [10]').shutdown();
    const sent = bench.take();
    if (sent.length === 0) bench.peer('A 1 a11').expect('FA 11 a1 [10]');
    else assert.equal(`${sent[0]!.seq} ${sent[0]!.payload.length} ${sent[0]!.flags & 1}`, '11 10 1');
  });

  test('RFC9293 SHLD-28: segments are as large as possible', () => {
    const bench = Bench.established();
    for (let i = 0; i < 50; i++) bench.queue(100, i === 49);
    bench.flush();
    for (const s of bench.take()) assert.equal(s.payload.length, 1000);
  });
});

describe('PSH', () => {
  const PSH = 8;
  test('RFC9293 MUST-61: the last buffered segment carries PSH, the ones before need not', () => {
    const bench = Bench.established();
    bench.write(2500);
    const sent = bench.take();
    for (const s of sent) {
      if (s.seq + s.payload.length < 2501) assert.equal(s.flags & PSH, 0, 'more is to follow');
    }
    const rest = bench.peer('A 1 a2001').take();
    assert.equal((rest.at(-1) ?? sent.at(-1))!.flags & PSH, PSH);
  });

  test('RFC9293 SHLD-27: pushes are collapsed when several writes make one segment', () => {
    const bench = Bench.established();
    bench.queue(100);
    bench.queue(100);
    bench.queue(100);
    bench.flush().expect('PA 1 a1 [300]');
  });

  test('RFC9293 MAY-15 MAY-16: what is not pushed waits for more and leaves with it in one segment; a push lets it go at once', () => {
    const bench = Bench.established({ config: { nagle: false } });
    bench.write(100, false);
    bench.silent();
    bench.write(100, false);
    bench.silent();
    bench.write(100, true);
    bench.expect('PA 1 a1 [300]');
    bench.write(100, true);
    bench.expect('PA 301 a1 [100]');
  });

  test('RFC9293 §3.9.1.3: received PSH changes nothing of the stream', () => {
    const bench = Bench.accepted().peer('PA 1 a1 [10]', 'A 11 a1 [10]', 'PA 21 a1 [10]');
    assert.equal(bench.read(), 30);
  });
});
