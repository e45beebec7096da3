// Flows of ours that share one bottleneck, in virtual time: each gets its share.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { controllerNamed } from '../../src/tcp/congestion/registry.js';
import { SlowEar } from './slow-ear.js';
import { VirtualWire, type WireOptions } from './virtual-wire.js';

const RATE = 20e6;
const RTT_MS = 20;

const FIRST_PORT = 1000;

/** Bytes that each of `count` flows got in the last `ms` of `warmUpMs + ms`; they begin `apartMs` after one another. */
function shares(
  controller: string,
  count: number,
  apartMs: number,
  warmUpMs: number,
  ms: number,
  options: WireOptions = {},
): number[] {
  const wire = new VirtualWire({
    delayMs: RTT_MS / 2,
    rate: RATE,
    queueBytes: (RATE * RTT_MS) / 8000,
    left: { congestion: controllerNamed(controller)! },
    ...options,
  });
  const flows = Array.from({ length: count }, (_, i) => {
    const flow = wire.transfer({ port: FIRST_PORT + i });
    wire.run(apartMs);
    return flow;
  });
  wire.run(warmUpMs);
  const before = flows.map((flow) => flow.sink.received);
  wire.run(ms);
  const got = flows.map((flow, i) => flow.sink.received - before[i]!);
  const total = got.reduce((sum, bytes) => sum + bytes, 0);
  assert.ok(
    (total * 8) / ms / 1000 > 0.85 * (RATE / 1e6),
    `${total} bytes in ${ms} ms: the path is not used`,
  );
  return got;
}

/** 1 when all are equal, 1/n when one has everything (Jain, Chiu and Hawe 1984). */
function jainIndex(values: readonly number[]): number {
  const sum = values.reduce((a, b) => a + b, 0);
  return sum ** 2 / (values.length * values.reduce((a, b) => a + b ** 2, 0));
}

describe('one bottleneck, tail drop, a queue of one bandwidth-delay product', () => {
  for (const controller of ['cubic', 'newreno', 'bbr']) {
    test(`RFC9438 §5.3: five ${controller} flows have a Jain index of 0.95 at least`, () => {
      const got = shares(controller, 5, 50, 5000, 20_000);
      assert.ok(jainIndex(got) >= 0.95, `${jainIndex(got)}: ${got}`);
    });

    test(`RFC9438 §5.3: a ${controller} flow that comes later gets at least 40 % beside one that was there`, () => {
      const got = shares(controller, 2, 3000, 5000, 20_000);
      const least = Math.min(...got) / (got[0]! + got[1]!);
      assert.ok(least >= 0.4, `${least}: ${got}`);
    });
  }
});

// A process that must be woken answers an ACK later than a kernel does. With a delay that never varies all arrivals keep in step
// with the departures of the full queue, and whoever is a tenth of a millisecond late always finds the free place taken, or
// never ("phase effects": Floyd and Jacobson 1992); by one packet time of variation the step is lost.
describe('two cubic flows, of which one hears of every ACK a little later', () => {
  for (const lateMs of [0.05, 0.15, 0.3, 0.6]) {
    test(`RFC9438 §5.3: ${lateMs} ms late, both keep 40 % at least where the delay varies`, () => {
      const got = shares('cubic', 2, 50, 5000, 40_000, {
        jitterMs: 1,
        before: (wire, clock) => new SlowEar(wire, clock, FIRST_PORT, lateMs),
      });
      const least = Math.min(...got) / (got[0]! + got[1]!);
      assert.ok(least >= 0.4, `${least}: ${got}`);
    });
  }
});
