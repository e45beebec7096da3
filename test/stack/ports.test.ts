import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EphemeralPorts, tuplePrf } from '../../src/stack/ports.js';
import { ip, LOCAL, PEER, seededRandom } from './test-link.js';

const always = () => true;

describe('ephemeral ports (RFC 6056)', () => {
  it('lie in 32768-60999 and do not return early for one destination', () => {
    const ports = new EphemeralPorts(seededRandom(1));
    const seen = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      const port = ports.forConnection(LOCAL, PEER, 80, always);
      assert.ok(port >= 32_768 && port <= 60_999);
      seen.add(port);
    }
    assert.equal(seen.size, 2000);
  });

  it('start anywhere for another destination, another port or another secret', () => {
    const firsts: number[] = [];
    for (let i = 0; i < 400; i++) {
      const ports = new EphemeralPorts(seededRandom(i + 1));
      firsts.push(ports.forConnection(LOCAL, PEER, 80, always));
    }
    const ports = new EphemeralPorts(seededRandom(9));
    for (let i = 0; i < 400; i++) firsts.push(ports.forConnection(LOCAL, PEER, 1 + i, always));
    for (let i = 0; i < 400; i++)
      firsts.push(ports.forConnection(LOCAL, ip(`10.9.1.${i & 255}`), 80, always));
    // Four quarters of the range, 300 expected in each with a deviation of 15.
    const quarters = [0, 0, 0, 0];
    for (const port of firsts) quarters[Math.floor((port - 32_768) / 7058)]!++;
    for (const count of quarters) assert.ok(Math.abs(count - 300) < 90, `quarters ${quarters}`);
  });

  it('steps by random amounts', () => {
    const ports = new EphemeralPorts(seededRandom(4));
    const steps = new Set<number>();
    let last = ports.forConnection(LOCAL, PEER, 80, always);
    for (let i = 0; i < 200; i++) {
      const port = ports.forConnection(LOCAL, PEER, 80, always);
      steps.add((port - last + 28_232) % 28_232);
      last = port;
    }
    assert.ok(steps.size >= 6 && Math.max(...steps) <= 8 && Math.min(...steps) >= 1, `steps ${[...steps]}`);
  });

  it('finds the last free port, and tells when there is none', () => {
    const ports = new EphemeralPorts(seededRandom(2), { first: 40_000, last: 40_099 });
    assert.equal(
      ports.forConnection(LOCAL, PEER, 80, (port) => port === 40_057),
      40_057,
    );
    assert.equal(
      ports.forListener((port) => port === 40_000),
      40_000,
    );
    let asked = 0;
    const never = () => {
      asked++;
      return false;
    };
    assert.equal(ports.forConnection(LOCAL, PEER, 80, never), 0);
    assert.equal(asked, 100, 'each port is asked for once');
    assert.equal(ports.forListener(never), 0);
  });

  it('refuses a range without sense', () => {
    for (const [first, last] of [
      [0, 5],
      [10, 9],
      [1, 65_536],
      [1.5, 9],
    ] as const) {
      assert.throws(() => new EphemeralPorts(seededRandom(), { first, last }), { code: 'ERR_OUT_OF_RANGE' });
    }
  });
});

describe('the pseudorandom function of the tuple', () => {
  it('depends on all four parts and on the secret (RFC 9293 SHLD-1, RFC 6528 §3)', () => {
    const tuple = { local: LOCAL, localPort: 80, remote: PEER, remotePort: 5000 };
    const prf = tuplePrf(seededRandom(1));
    const variants = [
      tuple,
      { ...tuple, localPort: 81 },
      { ...tuple, remotePort: 5001 },
      { ...tuple, local: PEER },
      { ...tuple, remote: LOCAL },
    ];
    const values = new Set(variants.map(prf));
    values.add(tuplePrf(seededRandom(2))(tuple));
    assert.equal(values.size, 6);
    assert.equal(prf(tuple), prf({ ...tuple }));
  });
});
