// Transitions as comments of a capture's packets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommentTrace, commentTrace } from '../../src/observe/state-comments.js';
import { State, Trigger } from '../../src/tcp/state.js';
import * as scenes from './ladder-scenes.js';
import { StagedConnection } from './staged-connection.js';

interface Notes {
  trace: CommentTrace;
  comments: string[];
  events: Readonly<Record<string, string>>[];
}

function notes(lang: 'en' | 'zh' = 'en'): Notes {
  const comments: string[] = [];
  const events: Readonly<Record<string, string>>[] = [];
  const trace = commentTrace({
    lang,
    annotate: (packetId, text) => void comments.push(`#${packetId} ${text}`),
    event: (fields) => void events.push(fields),
  });
  return { trace, comments, events };
}

test('comments: each transition is on the packet that caused it or that it made', () => {
  const { trace, comments, events } = notes();
  scenes.fourSegmentClose(new StagedConnection(trace, 'active'));
  assert.deepEqual(comments, [
    '#1 A CLOSED -> SYN-SENT | active open sends SYN | RFC 9293 3.10.1',
    '#2 A SYN-SENT -> ESTABLISHED | SYN,ACK covers our SYN | RFC 9293 3.10.7.3',
    '#6 A ESTABLISHED -> FIN-WAIT-1 | FIN: no more to send | RFC 9293 3.10.4',
    '#7 A FIN-WAIT-1 -> FIN-WAIT-2 | ACK covers our FIN | RFC 9293 3.10.7.4',
    '#12 A FIN-WAIT-2 -> TIME-WAIT | FIN: both directions are done | RFC 9293 3.10.7.4',
  ]);
  assert.deepEqual(events, [
    {
      MESSAGE: 'A TIME-WAIT -> CLOSED | 2MSL expired | RFC 9293 3.10.8',
      SYSLOG_IDENTIFIER: 'synwave',
      TCP_CONNECTION: 'c7',
      TCP_FROM: 'TIME-WAIT',
      TCP_TO: 'CLOSED',
    },
  ]);
});

test('comments: the server is B', () => {
  const { trace, comments } = notes();
  scenes.passiveLife(new StagedConnection(trace, 'passive'));
  assert.equal(comments[0], '#1 B LISTEN -> SYN-RECEIVED | SYN arrived | RFC 9293 3.10.7.2');
  assert.equal(comments[3], '#6 B CLOSE-WAIT -> LAST-ACK | our FIN answers the peer’s | RFC 9293 3.10.4');
  assert.equal(comments.length, 5);
});

test('comments: a FIN waits for the data before it, and a repeated FIN gets no second comment', () => {
  const { trace, comments } = notes();
  const c = new StagedConnection(trace, 'active');
  scenes.connectActively(c);
  comments.length = 0;
  c.call('close', State.FIN_WAIT_1);
  c.leave({ flags: 'PA', seq: 1, len: 9 });
  c.leave({ flags: 'FA', seq: 10 });
  c.leave({ flags: 'FA', seq: 10, retransmission: 1 });
  assert.deepEqual(comments, ['#5 A ESTABLISHED -> FIN-WAIT-1 | FIN: no more to send | RFC 9293 3.10.4']);
});

test('comments: the RST of an abort is commented although it leaves after the end', () => {
  const { trace, comments, events } = notes();
  const c = new StagedConnection(trace, 'active');
  scenes.connectActively(c);
  comments.length = 0;
  c.set('pendingReset', {}).call('abort', State.CLOSED, Trigger.CALL_ABORT).close('abort');
  c.leave({ flags: 'RA', seq: 1, ack: 1 });
  assert.deepEqual(comments, ['#4 A ESTABLISHED -> CLOSED | aborted by the user | RFC 9293 3.10.5']);
  assert.deepEqual(events, []);
});

test('comments: a call without a segment is an event', () => {
  const { trace, comments, events } = notes();
  const c = new StagedConnection(trace, 'active');
  c.call('connect', State.SYN_SENT, Trigger.CALL_ACTIVE_OPEN);
  c.leave({ flags: 'S', seq: 0 });
  c.call('abort', State.CLOSED, Trigger.CALL_ABORT).close('abort');
  assert.equal(comments.length, 1);
  assert.equal(events[0]!.TCP_FROM, 'SYN-SENT');
});

test('comments: a FIN overtaken by an RST before it left is an event', () => {
  const { trace, comments, events } = notes();
  const c = new StagedConnection(trace, 'active');
  scenes.connectActively(c);
  comments.length = 0;
  c.call('close', State.FIN_WAIT_1);
  c.arrive({ flags: 'R', seq: 1, to: State.CLOSED, trigger: Trigger.SEG_RST }).close('rst');
  assert.deepEqual(
    events.map((event) => event.TCP_TO),
    ['FIN-WAIT-1'],
  );
  assert.deepEqual(comments, ['#4 A FIN-WAIT-1 -> CLOSED | RST: the peer aborted | RFC 9293 3.10.7.4']);
});

test('comments: in Chinese', () => {
  const { trace, comments } = notes('zh');
  scenes.mergedClose(new StagedConnection(trace, 'active'));
  assert.equal(
    comments[2],
    '#4 A ESTABLISHED 已建立 -> FIN-WAIT-1 终止等待1 | FIN：没有数据要发了 | RFC 9293 3.10.4',
  );
});
