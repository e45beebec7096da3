// Initial sequence numbers: RFC 9293 §3.4.1, RFC 6528.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Connection } from '../../src/tcp/connection.js';
import { defaultConfig } from '../../src/tcp/defaults.js';
import { makeIsnGenerator } from '../../src/tcp/isn.js';
import { IpAddress } from '../../src/wire/address.js';

const tuple = (remotePort: number) => ({
  local: IpAddress.parse('10.9.0.2')!,
  localPort: 6000,
  remote: IpAddress.parse('10.9.0.1')!,
  remotePort,
});

describe('ISN', () => {
  test('RFC9293 MUST-8, RFC6528 §3: the clock part advances by one each four microseconds', () => {
    const isn = makeIsnGenerator(() => 12345);
    const start = isn(tuple(1), 1000);
    assert.equal((isn(tuple(1), 1001) - start) | 0, 250);
    assert.equal((isn(tuple(1), 2000) - start) | 0, 250_000);
    assert.equal((isn(tuple(1), 1000.004) - start) | 0, 1);
    assert.equal((isn(tuple(1), 1000.006) - start) | 0, 1);
  });

  test('RFC9293 MUST-8: it wraps and stays an int32, for any uptime', () => {
    const isn = makeIsnGenerator(() => 0x7fffffff);
    for (const now of [0, 1, 17_179_869, 17_179_870, 1e10, 1e13]) {
      const value = isn(tuple(1), now);
      assert.equal(value, value | 0);
    }
    const lap = 0x100000000 / 250;
    assert.equal(isn(tuple(1), 5), isn(tuple(1), 5 + lap));
  });

  test('RFC9293 SHLD-1, RFC6528 §3: it is the clock plus the keyed function of the tuple', () => {
    const seen: number[] = [];
    const isn = makeIsnGenerator((t) => {
      seen.push(t.remotePort);
      return t.remotePort * 1000;
    });
    assert.equal((isn(tuple(9), 50) - isn(tuple(8), 50)) | 0, 1000);
    assert.deepEqual(seen, [9, 8]);
  });

  test('RFC9293 §3.4.1: the next connection on a tuple has a greater ISN', () => {
    const isn = makeIsnGenerator(() => -5);
    for (let now = 0; now < 40_000; now += 997) {
      assert.ok(((isn(tuple(1), now + 1) - isn(tuple(1), now)) | 0) > 0);
    }
  });

  test('RFC9293 MUST-8: a connection takes its ISN from the environment, at its time and for its tuple', () => {
    const asked: [number, number][] = [];
    const environment = {
      trace: null,
      initialSequence: (t: { remotePort: number }, now: number) => {
        asked.push([t.remotePort, now]);
        return -2;
      },
    };
    const connection = new Connection(1, tuple(77), defaultConfig(), environment, 'active');
    connection.openActive(4321);
    const seqs: number[] = [];
    connection.pollTransmit(4321, { writable: true, segment: (_, out) => seqs.push(out.seq) });
    assert.deepEqual(asked, [[77, 4321]]);
    assert.deepEqual(seqs, [-2]);
  });
});
