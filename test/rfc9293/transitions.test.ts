// The state diagram: exactly the edges that the documents name, and each of them walked.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Connection } from '../../src/tcp/connection.js';
import { STATE_NAMES, TRANSITIONS, type Transition, Trigger, transitionFor } from '../../src/tcp/state.js';
import { SegmentView, SYN } from '../../src/wire/segment.js';
import { Bench, fillRaw, Recorder } from '../tcp/harness.js';

const edge = (t: Transition) => `${STATE_NAMES[t.from]} -> ${STATE_NAMES[t.to]}`;
const triggerName = (t: Transition) => Object.entries(Trigger).find(([, value]) => value === t.trigger)![0];
const label = (t: Transition) => `${edge(t)} ${triggerName(t)}`;

/** RFC 9293 §3.3.2, §3.5, §3.6, §3.10, figure 5 and its notes. */
const DIAGRAM = [
  'CLOSED -> LISTEN',
  'CLOSED -> SYN-SENT',
  'LISTEN -> CLOSED',
  'LISTEN -> SYN-RECEIVED',
  'LISTEN -> SYN-SENT',
  'SYN-SENT -> CLOSED',
  'SYN-SENT -> ESTABLISHED',
  'SYN-SENT -> SYN-RECEIVED',
  'SYN-RECEIVED -> CLOSED',
  'SYN-RECEIVED -> ESTABLISHED',
  'SYN-RECEIVED -> FIN-WAIT-1',
  'SYN-RECEIVED -> LISTEN',
  'ESTABLISHED -> CLOSED',
  'ESTABLISHED -> CLOSE-WAIT',
  'ESTABLISHED -> FIN-WAIT-1',
  'FIN-WAIT-1 -> CLOSED',
  'FIN-WAIT-1 -> CLOSING',
  'FIN-WAIT-1 -> FIN-WAIT-2',
  'FIN-WAIT-1 -> TIME-WAIT',
  'FIN-WAIT-2 -> CLOSED',
  'FIN-WAIT-2 -> TIME-WAIT',
  'CLOSE-WAIT -> CLOSED',
  'CLOSE-WAIT -> LAST-ACK',
  'CLOSING -> CLOSED',
  'CLOSING -> TIME-WAIT',
  'LAST-ACK -> CLOSED',
  'TIME-WAIT -> CLOSED',
  'TIME-WAIT -> SYN-RECEIVED',
];

/** Edges of whoever owns a listening port, not of a connection: they have no walk here. */
const OF_THE_LISTENER = [
  'CLOSED -> LISTEN CALL_PASSIVE_OPEN',
  'LISTEN -> SYN-SENT CALL_ACTIVE_OPEN',
  'LISTEN -> CLOSED CALL_CLOSE',
  'LISTEN -> CLOSED CALL_ABORT',
];

const TO: Record<string, () => Bench> = {
  'SYN-SENT': () => Bench.synSent(),
  'SYN-RECEIVED': () => Bench.synReceived(),
  ESTABLISHED: () => Bench.established(),
  'FIN-WAIT-1': () => Bench.established().shutdown(),
  'FIN-WAIT-2': () => Bench.established().shutdown().peer('A 1 a2'),
  'CLOSE-WAIT': () => Bench.established().peer('FA 1 a1'),
  CLOSING: () => Bench.established().shutdown().peer('FA 1 a1'),
  'LAST-ACK': () => Bench.established().peer('FA 1 a1').shutdown(),
  'TIME-WAIT': () => Bench.established().shutdown().peer('FA 1 a2'),
};

const KEEP_ALIVE = { keepAlive: true, keepAliveIdleMs: 1000, keepAliveIntervalMs: 1000, keepAliveProbes: 1 };

/** From each state, everything that can end or advance it. A walk that does not apply adds nothing new. */
function* walks(): Generator<Recorder> {
  for (const reach of Object.values(TO)) {
    yield reach().abort().recorder;
    yield reach().close().recorder;
    yield reach().close().peer('A 1 a1 [10]').recorder;
    yield reach().close().peer('A 1 a2 [10]').recorder;
    yield reach().advance(3_000_000).recorder;
    for (const line of [
      'R 1',
      'R 2',
      'RA 0 a1',
      'A 1 a1',
      'A 1 a2',
      'A 2 a2',
      'SA 0 a1',
      'S 50',
      'S 0',
      'FA 1 a1',
      'FA 1 a2',
    ]) {
      yield reach().peer(line).recorder;
    }
    const waiting = reach();
    waiting.call((c, now) => c.setUserTimeout(1000, now)).queue(10);
    waiting.flush();
    yield waiting.advance(200_000).recorder;
    yield reach()
      .call((c, now) => c.setKeepAlive(true, 1000, now))
      .advance(1_000_000).recorder;
  }
  for (const state of ['SYN-RECEIVED', 'TIME-WAIT'])
    yield TO[state]!().call((c, now) => c.evict(now)).recorder;
  for (const state of Object.keys(TO)) {
    const early = TO[state]!();
    yield early.call((c, now) => c.onIcmpError('port', early.iss, now)).recorder;
  }
  yield* configured();
  yield reopened();
}

/** Walks that need a setting or data from the beginning. */
function* configured(): Generator<Recorder> {
  for (const config of [
    { userTimeoutMs: 500 },
    { r2Ms: 5000, r2SynMs: 5000 },
    { rfc1337: false },
    KEEP_ALIVE,
  ]) {
    yield Bench.synSent({ config }).advance(600_000).recorder;
    yield Bench.synReceived({ config }).advance(600_000).recorder;
    yield Bench.synSent({ config }).peer('S 0').advance(600_000).recorder;
    yield Bench.synSent({ config }).peer('S 0').peer('R 1').recorder;
    for (const lines of [[], ['FA 1 a1']]) {
      for (const shut of [false, true]) {
        const bench = Bench.established({ config }).peer(...lines);
        bench.write(10);
        if (shut) bench.shutdown();
        yield bench.advance(600_000).recorder;
      }
    }
    const closing = Bench.established({ config }).shutdown().peer('FA 1 a1');
    yield closing.advance(600_000).recorder;
    yield Bench.established({ config }).shutdown().peer('A 1 a2').advance(600_000).recorder;
    yield Bench.established({ config }).shutdown().peer('A 1 a2').peer('FA 1 a2').peer('R 2').recorder;
    yield Bench.established({ config }).close().peer('A 1 a2').advance(600_000).recorder;
    yield Bench.established({ config }).advance(600_000).recorder;
    yield Bench.established({ config }).peer('FA 1 a1').advance(600_000).recorder;
  }
}

function reopened(): Recorder {
  const old = TO['TIME-WAIT']!();
  const recorder = new Recorder();
  const environment = { trace: recorder, initialSequence: () => 99 };
  const next = new Connection(2, old.connection.tuple, old.connection.config, environment, 'passive');
  const syn = new SegmentView();
  fillRaw(syn, { flags: SYN, seq: 5000, ack: 0, wnd: 1000, urgent: 0, payload: new Uint8Array(0) });
  next.openPassive(syn, old.connection, old.now);
  return recorder;
}

describe('the state diagram', () => {
  test('RFC9293 §3.3.2: it has exactly the edges that the documents name', () => {
    const edges = [...new Set(TRANSITIONS.map(edge))].sort();
    assert.deepEqual(edges, [...DIAGRAM].sort());
  });

  test('RFC9293 §3.3.2: every edge names its rule and its cause', () => {
    for (const t of TRANSITIONS) {
      assert.match(t.rule, /^RFC\d+-\d/, label(t));
      assert.notEqual(t.why, '', label(t));
      assert.equal(t.name === '', t.cause === 'segment', label(t));
      assert.equal(transitionFor(t.from, t.to, t.trigger), t);
    }
    assert.equal(new Set(TRANSITIONS.map(label)).size, TRANSITIONS.length, 'no edge twice');
  });

  test('RFC9293 §3.3.2: an edge that is not there cannot be taken', () => {
    assert.throws(() => transitionFor(4, 1, Trigger.SEG_SYN));
  });

  test('RFC9293 §3.3.2: every edge is walked by some connection', () => {
    const walked = new Set<string>();
    for (const recorder of walks()) for (const t of recorder.transitions) walked.add(label(t));
    const missing = TRANSITIONS.map(label).filter((l) => !walked.has(l) && !OF_THE_LISTENER.includes(l));
    assert.deepEqual(missing, []);
  });

  test('each closed connection tells its end once, last, and keeps no timer', () => {
    for (const recorder of walks()) {
      const last = recorder.transitions.at(-1);
      const over = last !== undefined && ['CLOSED', 'LISTEN'].includes(STATE_NAMES[last.to]);
      assert.equal(recorder.ends.length, over ? 1 : 0, recorder.transitions.map(label).join(', '));
    }
  });
});
