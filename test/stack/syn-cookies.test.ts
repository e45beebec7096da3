// SYN cookies (RFC 4987 §3.6): what is remembered in a SYN-ACK, by whom, and for how long.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Listener } from '../../src/stack/listener.js';
import type { StackOptions } from '../../src/stack/stack.js';
import type { ConnectionConfig } from '../../src/tcp/config.js';
import type { Connection } from '../../src/tcp/connection.js';
import { STATE_NAMES } from '../../src/tcp/state.js';
import { ACK, CWR, ECE, FIN, PSH, RST, SYN } from '../../src/wire/segment.js';
import {
  appendMss,
  appendNop,
  appendSackPermitted,
  appendTimestamps,
  appendWindowScale,
  padOptions,
} from '../../src/wire/tcp-options.js';
import { recordingTrace } from './recording-trace.js';
import { fromPeer, ip, type Segment, testStack } from './test-link.js';

const PERIOD_MS = 64_000;

interface Offered {
  mss?: number;
  shift?: number;
  sack?: boolean;
  timestamp?: number;
}

function optionsOf({ mss, shift, sack, timestamp }: Offered): Uint8Array {
  const bytes = new Uint8Array(40);
  let at = 0;
  if (mss !== undefined) at = appendMss(bytes, at, mss);
  if (sack) at = appendSackPermitted(bytes, at);
  if (timestamp !== undefined) at = appendTimestamps(bytes, at, timestamp, 0);
  if (shift !== undefined) at = appendWindowScale(bytes, appendNop(bytes, at), shift);
  return bytes.slice(0, padOptions(bytes, at));
}

/** A listener that answers every SYN by a cookie, unless told otherwise. */
function world(config: Partial<ConnectionConfig> = {}, options: Partial<StackOptions> = {}, backlog = 16) {
  const made = testStack({ ...options, config: { synCookies: 'always', ...config } });
  let announced = 0;
  const listener = made.stack.listen(
    { address: null, port: 80, backlog },
    { onAcceptable: () => void announced++ },
  );
  const { link, stack } = made;
  const cookieFor = (offered: Offered, flags = SYN, fields = {}): Segment => {
    link.inject(fromPeer({ flags, seq: 100, options: optionsOf(offered), ...fields }));
    const answers = link.takeSegments();
    assert.equal(answers.length, 1);
    return answers[0]!;
  };
  const answer = (cookie: Segment, fields: Partial<Parameters<typeof fromPeer>[0]> = {}): void => {
    const stamps = cookie.tcp.options.find((option) => option.name === 'timestamps');
    const options = new Uint8Array(12);
    if (stamps?.name === 'timestamps') {
      appendTimestamps(options, appendNop(options, appendNop(options, 0)), 777, stamps.tsVal | 0);
    }
    const usual = {
      flags: ACK,
      seq: 101,
      ack: (cookie.seq + 1) | 0,
      options: stamps ? options : new Uint8Array(0),
    };
    link.inject(fromPeer({ ...usual, ...fields }));
  };
  return {
    ...made,
    listener,
    cookieFor,
    answer,
    kept: () => [...stack.connections()].length,
    announced: () => announced,
  };
}

function accepted(listener: Listener): Connection {
  const endpoint = listener.accept();
  assert.notEqual(endpoint, null, 'a connection came of it');
  return endpoint!.connection;
}

function agreed({ sackAgreed, scaleAgreed, timestampsAgreed, ecnAgreed, snd }: Connection): unknown {
  return {
    sack: sackAgreed,
    scale: scaleAgreed ? snd.shift : null,
    ts: timestampsAgreed,
    ecn: ecnAgreed,
    mss: snd.peerMss,
  };
}

describe('a SYN cookie', () => {
  it('ATTACKS 26, RFC4987 §3.6: takes nothing of the stack until its ACK comes, and makes a connection then', () => {
    const { cookieFor, answer, listener, stack, link, kept, announced } = world();
    const cookie = cookieFor({ mss: 1400 });
    assert.deepEqual([cookie.flags, cookie.ack], [SYN | ACK, 101]);
    assert.equal(kept(), 0);
    answer(cookie);
    assert.equal(announced(), 1);
    const connection = accepted(listener);
    assert.equal(STATE_NAMES[connection.state], 'ESTABLISHED');
    assert.deepEqual(link.takeSegments(), [], 'an ACK is not answered');
    const { synCookiesSent, synCookiesRecv, synCookiesFailed, passiveOpens, currEstab } = stack.stats.tcp;
    assert.deepEqual(
      [synCookiesSent, synCookiesRecv, synCookiesFailed, passiveOpens, currEstab],
      [1, 1, 0, 1, 1],
    );
  });

  it('is followed by both directions, and by the end', () => {
    const { cookieFor, answer, listener, link } = world();
    answer(cookieFor({ mss: 1400 }), { flags: ACK | PSH, payload: Uint8Array.of(1, 2, 3) });
    const endpoint = listener.accept()!;
    assert.deepEqual(endpoint.receive(10), Uint8Array.of(1, 2, 3));
    endpoint.send(Uint8Array.of(9, 8), true);
    endpoint.shutdownWrite();
    link.receiver!.writable();
    const segment = link.takeSegments().at(-1);
    assert.deepEqual([segment!.ack, [...segment!.payload], segment!.flags & FIN], [104, [9, 8], FIN]);
    const ack = (segment!.seq + 3) | 0;
    link.inject(fromPeer({ flags: ACK | FIN, seq: 104, ack }));
    assert.equal(STATE_NAMES[endpoint.connection.state], 'TIME-WAIT');
  });

  it('RFC4987 §3.6: remembers the options of the SYN where both use timestamps', () => {
    const all = { mss: 1400, shift: 9, sack: true, timestamp: 5 };
    const with_ = (offered: Offered, config: Partial<ConnectionConfig> = {}, flags = SYN) => {
      const { cookieFor, answer, listener } = world(config);
      answer(cookieFor(offered, flags));
      return agreed(accepted(listener));
    };
    assert.deepEqual(with_(all), { sack: true, scale: 9, ts: true, ecn: false, mss: 1400 });
    assert.deepEqual(with_({ ...all, shift: 0 }), { sack: true, scale: 0, ts: true, ecn: false, mss: 1400 });
    assert.deepEqual(with_({ ...all, shift: 15 }), {
      sack: true,
      scale: 14,
      ts: true,
      ecn: false,
      mss: 1400,
    });
    assert.deepEqual(with_({ mss: 1400, timestamp: 5 }), {
      sack: false,
      scale: null,
      ts: true,
      ecn: false,
      mss: 1400,
    });
    assert.deepEqual(with_(all, { sack: false, windowScale: -1 }), {
      sack: false,
      scale: null,
      ts: true,
      ecn: false,
      mss: 1400,
    });
    assert.deepEqual(with_(all, {}, SYN | ECE | CWR), {
      sack: true,
      scale: 9,
      ts: true,
      ecn: true,
      mss: 1400,
    });
    assert.deepEqual(with_(all, { ecn: 'off' }, SYN | ECE | CWR), {
      sack: true,
      scale: 9,
      ts: true,
      ecn: false,
      mss: 1400,
    });
  });

  it('RFC4987 §3.6: remembers the MSS alone where they do not, and offers nothing else', () => {
    for (const config of [{}, { timestamps: false }]) {
      const { cookieFor, answer, listener } = world(config);
      const timestamp = config.timestamps === false ? { timestamp: 5 } : {};
      const cookie = cookieFor({ mss: 1400, shift: 9, sack: true, ...timestamp }, SYN | ECE | CWR);
      assert.deepEqual(
        cookie.tcp.options.filter(({ kind }) => kind > 1).map(({ name }) => name),
        ['mss'],
      );
      assert.equal(cookie.flags, SYN | ACK);
      answer(cookie);
      assert.deepEqual(agreed(accepted(listener)), {
        sack: false,
        scale: null,
        ts: false,
        ecn: false,
        mss: 1400,
      });
    }
  });

  it('rounds the MSS down to one of eight, and takes the default of the family for none', () => {
    const peerMss = (mss: number | undefined, fields = {}) => {
      const { cookieFor, answer, listener } = world();
      answer(cookieFor(mss === undefined ? {} : { mss }, SYN, fields), fields);
      return accepted(listener).snd.peerMss;
    };
    const of = [65, 535, 536, 1219, 1220, 1399, 1460, 8960].map((mss) => peerMss(mss));
    assert.deepEqual(of, [64, 64, 536, 1024, 1220, 1300, 1460, 1460]);
    assert.equal(peerMss(undefined), 536);
    const v6 = { source: ip('fd00:9::1'), destination: ip('fd00:9::2') };
    assert.deepEqual([peerMss(undefined, v6), peerMss(1440, v6)], [1220, 1440]);
  });

  it('does not acknowledge the data of the SYN, which comes again', () => {
    const { cookieFor, answer, listener } = world({ synData: 'accept' });
    const cookie = cookieFor({}, SYN, { payload: Uint8Array.of(1, 2) });
    assert.equal(cookie.ack, 101);
    answer(cookie, { payload: Uint8Array.of(1, 2) });
    assert.deepEqual(listener.accept()!.receive(10), Uint8Array.of(1, 2));
  });

  it('bears a timestamp that those of the connection do not fall behind', () => {
    for (let at = 0; at < 64; at += 7) {
      const { cookieFor, answer, listener, link, clock } = world();
      clock.advance(at);
      const cookie = cookieFor({ timestamp: 5, shift: 14, sack: true });
      answer(cookie);
      const endpoint = listener.accept()!;
      endpoint.send(Uint8Array.of(1), true);
      link.receiver!.writable();
      const values = [cookie, ...link.takeSegments()].map(({ tcp }) => {
        const stamps = tcp.options.find((option) => option.name === 'timestamps');
        return stamps?.name === 'timestamps' ? stamps.tsVal : Number.NaN;
      });
      const step = (values[1]! - values[0]!) | 0;
      assert.ok(step >= 0 && step < 64, `${step} ms at ${at}`);
      assert.equal(endpoint.connection.rtt.srtt, 0, 'the echo says nothing of the round trip');
    }
  });
});

describe('an ACK that shows none', () => {
  const refused = (change: (cookie: Segment, w: ReturnType<typeof world>) => void) => {
    const w = world();
    const cookie = w.cookieFor({ mss: 1400 });
    change(cookie, w);
    const [reset] = w.link.takeSegments();
    assert.equal(reset!.flags, RST);
    assert.deepEqual([w.kept(), w.listener.accept(), w.stack.stats.tcp.synCookiesRecv], [0, null, 0]);
    return w.stack.stats.tcp.synCookiesFailed;
  };

  it('RFC9293 §3.10.7.2: is reset', () => {
    for (const bit of [0, 1, 12, 23, 24, 26, 27, 31]) {
      assert.equal(
        refused((cookie, { answer }) => answer(cookie, { ack: ((cookie.seq ^ (1 << bit)) + 1) | 0 })),
        1,
        `bit ${bit}`,
      );
    }
    assert.equal(
      refused((cookie, { answer }) => answer(cookie, { seq: 102 })),
      1,
      'another number of the peer',
    );
    assert.equal(
      refused((cookie, { answer }) => answer(cookie, { sourcePort: 5001 })),
      1,
      'another port',
    );
    assert.equal(
      refused((cookie, { answer }) => answer(cookie, { source: ip('10.9.0.7') })),
      1,
      'another address',
    );
  });

  it('is reset when the cookie is too old: at most two periods', () => {
    const after = (beganAt: number, ms: number) => {
      const w = world();
      w.clock.advance(PERIOD_MS - 1000 + beganAt);
      const cookie = w.cookieFor({ mss: 1400 });
      w.clock.advance(ms);
      w.answer(cookie);
      return w.listener.accept() !== null;
    };
    assert.equal(after(0, 2 * PERIOD_MS - 1), true);
    assert.equal(after(0, 2 * PERIOD_MS), false);
    assert.equal(after(PERIOD_MS - 1, PERIOD_MS), true);
    assert.equal(after(PERIOD_MS - 1, PERIOD_MS + 1), false);
    // 32 periods later the same five bits come again.
    const again = world();
    const cookie = again.cookieFor({ mss: 1400 });
    again.clock.advance(32 * PERIOD_MS);
    again.cookieFor({ mss: 1400 }, SYN, { sourcePort: 5001 });
    again.answer(cookie);
    assert.equal(again.listener.accept(), null);
  });

  it('is not even looked at where no cookie was sent', () => {
    const { stack, link } = world({ synCookies: 'full' });
    link.inject(fromPeer({ flags: ACK, seq: 101, ack: 5 }));
    assert.equal(link.takeSegments()[0]!.flags, RST);
    assert.equal(stack.stats.tcp.synCookiesFailed, 0);
  });

  it('ATTACKS 26: nobody gets in by guessing: 20,000 of a flood, none accepted', () => {
    const { stack, link, cookieFor, listener, kept } = world({}, { limits: { resetsPerSecond: 10 } });
    const cookie = cookieFor({ mss: 1400 });
    for (let i = 0; i < 20_000; i++) {
      // The period and the MSS are no secret.
      const guess = (cookie.seq & ~0xff_ffff) | (Math.imul(i + 1, 0x9e3779) & 0xff_ffff);
      link.inject(
        fromPeer({ flags: ACK, seq: 101, ack: (guess + 1) | 0, source: ip(`198.18.0.${1 + (i % 200)}`) }),
      );
      link.sent.length = 0;
    }
    assert.deepEqual([kept(), listener.accept()], [0, null]);
    assert.equal(stack.stats.tcp.synCookiesFailed, 20_000);
    assert.ok(stack.stats.tcp.resetsSuppressed > 19_000);
  });
});

describe('when cookies are sent', () => {
  const fill = ({ link }: ReturnType<typeof world>, from: number, to: number) => {
    for (let sourcePort = from; sourcePort < to; sourcePort++)
      link.inject(fromPeer({ flags: SYN, seq: 100, sourcePort }));
  };

  it('`full`: beyond the limit of half-open connections, of which none is given up', () => {
    const { trace, lines } = recordingTrace();
    const w = world({ synCookies: 'full' }, { trace, limits: { halfOpen: 10 } });
    fill(w, 5000, 5030);
    assert.deepEqual(
      [w.kept(), w.stack.stats.tcp.synCookiesSent, w.stack.stats.tcp.halfOpenEvicted],
      [10, 20, 0],
    );
    const answers = w.link.takeSegments();
    assert.equal(answers.length, 30, 'every SYN is answered once');
    w.link.inject(fromPeer({ flags: ACK, seq: 101, ack: (answers[0]!.seq + 1) | 0, sourcePort: 5000 }));
    w.link.inject(fromPeer({ flags: ACK, seq: 101, ack: (answers[29]!.seq + 1) | 0, sourcePort: 5029 }));
    assert.deepEqual(
      [w.listener.accept()!.tuple.remotePort, w.listener.accept()!.tuple.remotePort],
      [5000, 5029],
    );
    assert.deepEqual(
      lines.filter((line) => line.startsWith('backlog')),
      ['backlog half 10 waiting 0 limit 10 syn-cookies'],
      'told once a second',
    );
  });

  it('ATTACKS 25: a flood of 100,000 SYNs, and a client that answers late gets in', () => {
    const w = world({ synCookies: 'full' }, {}, 128);
    fill(w, 1024, 1500);
    w.link.sent.length = 0;
    const cookie = w.cookieFor({ mss: 1400 });
    for (let i = 0; i < 100_000; i += 100) {
      const batch = Array.from({ length: 100 }, (_, k) =>
        fromPeer({
          flags: SYN,
          seq: i + k,
          sourcePort: 1024 + ((i + k) % 50_000),
          source: ip(`198.18.${(i >> 8) & 255}.${1 + (k % 200)}`),
        }),
      );
      w.link.inject(...batch);
      w.link.sent.length = 0;
      assert.equal(w.kept(), 128);
    }
    w.clock.advance(60_000);
    w.link.sent.length = 0;
    w.answer(cookie);
    assert.equal(STATE_NAMES[accepted(w.listener).state], 'ESTABLISHED');
  });

  it('`always`: for every SYN; `off`: for none', () => {
    const always = world();
    fill(always, 5000, 5010);
    assert.deepEqual([always.kept(), always.stack.stats.tcp.synCookiesSent], [0, 10]);
    const off = world({ synCookies: 'off' }, { limits: { halfOpen: 5 } });
    fill(off, 5000, 5010);
    assert.deepEqual([off.stack.stats.tcp.synCookiesSent, off.stack.stats.tcp.halfOpenEvicted], [0, 5]);
  });

  it('ATTACKS 34: an ACK for which the accept queue has no place is dropped, and good again later', () => {
    const { cookieFor, answer, listener, stack, link } = world({}, {}, 0);
    const first = cookieFor({ mss: 1400 });
    const second = cookieFor({ mss: 1400 }, SYN, { sourcePort: 5001 });
    answer(first);
    answer(second, { sourcePort: 5001 });
    assert.deepEqual(link.takeSegments(), []);
    assert.equal(stack.stats.tcp.listenOverflows, 1);
    accepted(listener);
    answer(second, { sourcePort: 5001 });
    assert.equal(accepted(listener).tuple.remotePort, 5001);
  });

  it('a TIME-WAIT is reopened without one', () => {
    const { cookieFor, answer, listener, link, stack } = world();
    answer(cookieFor({ mss: 1400 }));
    const endpoint = listener.accept()!;
    endpoint.shutdownWrite();
    link.receiver!.writable();
    const [fin] = link.takeSegments();
    link.inject(fromPeer({ flags: ACK | FIN, seq: 101, ack: (fin!.seq + 1) | 0 }));
    link.sent.length = 0;
    link.inject(fromPeer({ flags: SYN, seq: 10_000 }));
    assert.equal(stack.stats.tcp.timeWaitReused, 1);
    assert.equal(stack.stats.tcp.synCookiesSent, 1, 'the first one');
  });
});
