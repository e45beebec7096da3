import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_LIMITS, withDefaultLimits } from '../../src/stack/limits.js';
import { RateLimit } from '../../src/stack/rate-limit.js';

describe('limits', () => {
  it('take what is chosen and keep the rest', () => {
    assert.deepEqual(withDefaultLimits({ halfOpen: 5 }), { ...DEFAULT_LIMITS, halfOpen: 5 });
  });

  it('refuse unknown names and numbers without sense', () => {
    for (const chosen of [
      { backlogs: 1 },
      { backlog: 0 },
      { backlog: -1 },
      { backlog: 1.5 },
      { orphans: Number.NaN },
    ]) {
      assert.throws(() => withDefaultLimits(chosen as object), { code: 'ERR_OUT_OF_RANGE' });
    }
  });
});

describe('rate limit', () => {
  it('allows a second’s worth at once, then as many as time earns', () => {
    const limit = new RateLimit(10, 0);
    const allowed = (now: number, tries: number) => {
      let n = 0;
      for (let i = 0; i < tries; i++) if (limit.take(now)) n++;
      return n;
    };
    assert.equal(allowed(0, 100), 10);
    assert.equal(allowed(99, 100), 0);
    assert.equal(allowed(100, 100), 1);
    assert.equal(allowed(600, 100), 5);
    assert.equal(allowed(1_000_000, 100), 10, 'no more than a second is saved up');
    assert.equal(allowed(5, 100), 0, 'a clock that steps back earns nothing');
  });
});
