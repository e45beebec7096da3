// One stream, several listeners, coming and going.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilentTrace } from '../../src/observe/silent-trace.js';
import { TraceHub } from '../../src/observe/trace-hub.js';
import type { StackTrace } from '../../src/stack/trace.js';
import * as scenes from './ladder-scenes.js';
import { StagedConnection } from './staged-connection.js';

/** Writes down every event that reaches it. */
function notebook(name: string, notes: string[]): StackTrace {
  return new Proxy(new SilentTrace(), {
    get:
      (_target, event) =>
      (...details: unknown[]) =>
        void notes.push(`${name} ${String(event)} ${details.length}`),
  });
}

test('hub: nobody listens, so there is nothing to call', () => {
  assert.equal(new TraceHub().current, null);
});

test('hub: a single listener is called directly', () => {
  const only = new SilentTrace();
  assert.equal(new TraceHub([only, only]).current, only);
});

test('hub: every event reaches every listener with all its details, in order', () => {
  const notes: string[] = [];
  const hub = new TraceHub([notebook('a', notes), notebook('b', notes)]);
  const target = hub.current!;
  const events = Object.getOwnPropertyNames(SilentTrace.prototype).filter((name) => name !== 'constructor');
  assert.equal(events.length, 15);
  for (const event of events as (keyof StackTrace)[]) {
    notes.length = 0;
    const arity = SilentTrace.prototype[event].length;
    const details = Array.from({ length: arity }, (_, i) => i);
    (target[event] as (...args: unknown[]) => void)(...details);
    assert.deepEqual(notes, [`a ${event} ${arity}`, `b ${event} ${arity}`]);
  }
});

test('hub: listeners come and go, and the owner hears of it', () => {
  const hub = new TraceHub();
  const heard: (StackTrace | null)[] = [];
  hub.onChange = (current) => heard.push(current);
  const [one, two] = [new SilentTrace(), new SilentTrace()];
  const removeOne = hub.add(one);
  hub.add(one);
  const removeTwo = hub.add(two);
  removeOne();
  removeOne();
  removeTwo();
  assert.equal(heard.length, 4);
  assert.deepEqual([heard[0] === one, heard[2] === two, heard[3]], [true, true, null]);
});

test('hub: a listener may leave during an event without hiding it from the others', () => {
  const notes: string[] = [];
  const hub = new TraceHub();
  class Leaver extends SilentTrace {
    override connectionOpened(): void {
      hub.remove(this);
    }
  }
  hub.add(new Leaver());
  hub.add(notebook('b', notes));
  const c = new StagedConnection(hub.current!, 'active');
  assert.deepEqual(notes, ['b connectionOpened 2']);
  scenes.refused(c);
  assert.ok(notes.length > 1);
});
