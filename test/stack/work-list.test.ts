// Lists of work: order, what is left over, and that nothing of what is done is held.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WorkList } from '../../src/stack/work-list.js';

const contents = (list: WorkList<object>) => Array.from({ length: list.length }, (_, i) => list.at(i));

test('a list of work behaves as an array from whose front is taken', () => {
  const steps = fc.array(fc.tuple(fc.nat(1500), fc.nat(1500)), { maxLength: 6 });
  fc.assert(
    fc.property(steps, (rounds) => {
      const list = new WorkList<object>();
      const model: object[] = [];
      for (const [pushed, dropped] of rounds) {
        for (let i = 0; i < pushed; i++) {
          const item = { i };
          list.push(item);
          model.push(item);
        }
        const count = Math.min(dropped, model.length);
        list.dropFirst(count);
        model.splice(0, count);
        assert.deepEqual(contents(list), model);
      }
    }),
    { numRuns: 30 },
  );
});

test('what was dropped is not referred to any more, and places beyond the usual number are given up', () => {
  const list = new WorkList<object>();
  const { places } = list as unknown as { places: (object | null)[] };
  for (let i = 0; i < 5000; i++) list.push({ i });
  list.dropFirst(4999);
  assert.deepEqual(
    places.filter((each) => each !== null),
    [{ i: 4999 }],
  );
  assert.equal(places.length, 1024);
});
