// A trace that writes down, one line each, what the tests of the stack look at.
import type { StackTrace } from '../../src/stack/trace.js';
import { STATE_NAMES } from '../../src/tcp/state.js';

/** A trace and its lines. */
export function recordingTrace(): { trace: StackTrace; lines: string[] } {
  const lines: string[] = [];
  const ignore = () => {};
  const trace: StackTrace = {
    connectionOpened: ignore,
    segmentReceived: ignore,
    segmentSent: ignore,
    timerChanged: ignore,
    congestionChanged: ignore,
    rttSampled: ignore,
    buffersChanged: ignore,
    stateChanged: (connection, t) =>
      void lines.push(`c${connection.id} ${STATE_NAMES[t.from]} -> ${STATE_NAMES[t.to]}`),
    segmentDropped: (connection, _segment, reason, reply) =>
      void lines.push(`${connection === null ? '' : `c${connection.id} `}drop ${reason} reply ${reply}`),
    called: (connection, call) => void lines.push(`c${connection.id} ${call}`),
    connectionClosed: (connection, end) => void lines.push(`c${connection.id} end ${end}`),
    packetDropped: (reason, packetId) => void lines.push(`packet ${packetId} ${reason}`),
    backlogFull: (_listener, halfOpen, waiting, limit, policy) =>
      void lines.push(`backlog half ${halfOpen} waiting ${waiting} limit ${limit} ${policy}`),
    listenerOpened: (listener, t) =>
      void lines.push(`l${listener.id} ${STATE_NAMES[t.from]} -> ${STATE_NAMES[t.to]}`),
    listenerClosed: (listener, t) =>
      void lines.push(`l${listener.id} ${STATE_NAMES[t.from]} -> ${STATE_NAMES[t.to]}`),
  };
  return { trace, lines };
}
