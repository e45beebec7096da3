// The capture for people, and several recorders of one link.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PacketRecorder, RecordedPacket } from '../../src/link/capture.js';
import { captureLink } from '../../src/link/capture.js';
import { impair } from '../../src/link/impair.js';
import { memoryLinkPair } from '../../src/link/memory.js';
import { RecorderGroup } from '../../src/observe/recorder-group.js';
import { StoryRecorder } from '../../src/observe/story.js';
import { TraceHub } from '../../src/observe/trace-hub.js';
import { VirtualClock } from '../../src/stack/clock.js';
import { Stack } from '../../src/stack/stack.js';
import { IpAddress } from '../../src/wire/address.js';

const nothing = () => {};
const HANDLER = { onEvents: nothing };

/** Keeps what it gets, a line each. */
class Notes implements PacketRecorder {
  readonly snapLength = 100;
  readonly lines: string[] = [];
  isClosed = false;

  packet({ direction, packetId, comments }: RecordedPacket): void {
    this.lines.push(`${direction} #${packetId} ${comments.join('; ')}`.trim());
  }

  event(_timeNs: bigint, fields: Readonly<Record<string, string>>): void {
    this.lines.push(`event ${fields.MESSAGE}`);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

describe('StoryRecorder', () => {
  for (const [lang, lost, fired] of [
    ['en', 'LOST in the link (drop dir=out nth=1)', 'c1 timer rto fired after 1.000 s'],
    ['zh', '在链路中丢失 (drop dir=out nth=1)', 'c1 定时器 rto 在 1.000 秒后到期'],
  ] as const) {
    test(`what never crossed is told in its place, and so is the timer: ${lang}`, async () => {
      const clock = new VirtualClock();
      const [left, right] = memoryLinkPair({ clock });
      right.start({ receive: nothing, writable: nothing, failed: nothing });
      const told = new Notes();
      const crossed = new Notes();
      let story: StoryRecorder;
      const captured = captureLink(left, new RecorderGroup([crossed, wrapper(() => story)]), {
        clock,
      });
      story = new StoryRecorder({
        target: told,
        clock,
        lang,
        annotate: (packetId, text) => captured.annotate(packetId, text),
      });
      const link = impair(captured, {
        clock,
        rules: ['drop dir=out nth=1'],
        onAct: (act) => story.onAct(act),
      });
      const stack = new Stack({
        link,
        addresses: ['10.0.0.1/24'],
        clock,
        trace: new TraceHub([story]).current,
        defer: (callback) => void clock.schedule(clock.now(), callback),
      });
      stack.connect({ remote: IpAddress.parse('10.0.0.2')!, remotePort: 80 }, HANDLER);
      clock.advance(1500);
      assert.deepEqual(told.lines, [`out #1 ${lost}`, `event ${fired}`, 'out #2']);
      assert.deepEqual(crossed.lines, ['out #2']);
      await stack.close();
      assert.ok(told.isClosed && crossed.isClosed);
    });
  }
});

function wrapper(story: () => StoryRecorder): PacketRecorder {
  return {
    snapLength: 100,
    packet: (packet) => story().packet(packet),
    event: (timeNs, fields) => story().event(timeNs, fields),
    close: () => story().close(),
  };
}

describe('RecorderGroup', () => {
  test('with nobody in it nothing is kept; who comes gets what crosses from then on', async () => {
    const clock = new VirtualClock();
    const [left, right] = memoryLinkPair({ clock });
    right.start({ receive: nothing, writable: nothing, failed: nothing });
    const group = new RecorderGroup();
    const captured = captureLink(left, group, { clock });
    captured.start({ receive: nothing, writable: nothing, failed: nothing });
    const send = () => {
      const id = captured.packetIds.next();
      captured.send(id, Uint8Array.of(0x45, 0, 0, 20), 0, 4, null);
      captured.annotate(id, 'seen');
      captured.flush();
    };
    send();
    assert.equal(captured.captureStats.packets, 0);
    const notes = new Notes();
    const leave = group.add(notes);
    send();
    assert.deepEqual(notes.lines, ['out #2 seen']);
    leave();
    send();
    assert.equal(notes.lines.length, 1);
    assert.deepEqual([notes.isClosed, group.isIdle, captured.captureStats.lateAnnotations], [false, true, 0]);
    await captured.close();
  });
});
