// The ladder as people read it: golden texts of whole lives, and the properties that every line has.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { displayWidth } from '../../src/observe/display-width.js';
import { type LadderOptions, type LadderTrace, ladderTrace } from '../../src/observe/ladder.js';
import type { LinkAct } from '../../src/observe/link-act.js';
import { State, Trigger } from '../../src/tcp/state.js';
import { Timer } from '../../src/tcp/timers.js';
import { IpAddress } from '../../src/wire/address.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import * as scenes from './ladder-scenes.js';
import { StagedConnection } from './staged-connection.js';

/** The source tree's golden folder; the compiled test runs three levels below the root. */
const GOLDEN = join(dirname(fileURLToPath(import.meta.url)), '../../../test/golden/ladder');

/** Compares with a golden text; `UPDATE_GOLDEN=1` writes it instead. */
function assertGolden(name: string, lines: readonly string[]): void {
  const path = join(GOLDEN, `${name}.txt`);
  const text = `${lines.join('\n')}\n`;
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(path, text);
  }
  assert.equal(text, readFileSync(path, 'utf8'));
}

function play(
  options: LadderOptions,
  role: 'active' | 'passive',
  plot: (c: StagedConnection, trace: LadderTrace) => void,
): { trace: LadderTrace; lines: string[] } {
  const trace = ladderTrace(options);
  plot(new StagedConnection(trace, role), trace);
  return { trace, lines: trace.render() };
}

function linkAct(act: LinkAct['act'], dir: 'in' | 'out', packetId: number, time: number): LinkAct {
  return { act, dir, packetId, nth: 1, rule: 'test', time };
}

const loseOnLink = (trace: LadderTrace) => (packetId: number) =>
  trace.onAct(linkAct('drop', 'out', packetId, 1000));

/** Every golden scene, for the properties that hold for all of them. */
const SCENES: [string, LadderOptions, 'active' | 'passive', (c: StagedConnection, t: LadderTrace) => void][] =
  [
    ['four-segment-close', { teaching: true, previewBytes: 8 }, 'active', scenes.fourSegmentClose],
    [
      'four-segment-close.zh',
      {
        lang: 'zh',
        teaching: true,
        title: { left: '实验 T04  半关闭期间服务端继续发送数据 (w > v)', right: 'seed 1   真实内核' },
        names: { peer: 'Linux 6.18,' },
        footer: ['通过 9/9 条断言'],
      },
      'active',
      scenes.fourSegmentClose,
    ],
    ['merged-close', {}, 'active', scenes.mergedClose],
    ['simultaneous-close', { teaching: true }, 'active', scenes.simultaneousClose],
    ['refused', {}, 'active', scenes.refused],
    ['aborted-in-syn-sent', {}, 'active', scenes.abortedInSynSent],
    ['retransmitted-syn', {}, 'active', (c, t) => scenes.retransmittedSyn(c, loseOnLink(t))],
    ['retransmitted-syn.zh', { lang: 'zh' }, 'active', (c, t) => scenes.retransmittedSyn(c, loseOnLink(t))],
    ['passive-life', { teaching: true }, 'passive', scenes.passiveLife],
    ['passive-life.unicode', { unicode: true }, 'passive', scenes.passiveLife],
  ];

for (const [name, options, role, plot] of SCENES) {
  test(`ladder: ${name} looks like its golden text`, () => {
    assertGolden(name, play(options, role, plot).lines);
  });

  test(`ladder: ${name} has lines of at most 100 columns and aligned bars`, () => {
    const { lines } = play(options, role, plot);
    const bars = new Set<string>();
    for (const line of lines) {
      assert.ok(displayWidth(line) <= 100, `${displayWidth(line)} columns: ${line}`);
      const bar = /[|│]/u.exec(line);
      if (bar === null) continue;
      const last = Math.max(line.lastIndexOf('|'), line.lastIndexOf('│'));
      bars.add(`${displayWidth(line.slice(0, bar.index))}-${displayWidth(line.slice(0, last))}`);
    }
    assert.equal(bars.size, 1, `bars at ${[...bars].join(' ')}`);
  });
}

test('ladder: without --unicode and Chinese every character is ASCII', () => {
  const { lines } = play({ teaching: true }, 'active', scenes.fourSegmentClose);
  for (const line of lines) assert.match(line, /^[\x20-\x7e]*$/);
});

test('ladder: rows are plain data', () => {
  const { trace } = play({}, 'active', scenes.mergedClose);
  const document = trace.documents()[0]!;
  assert.deepEqual(JSON.parse(JSON.stringify(document)), document, 'survives JSON unchanged');
  assert.equal(document.ours, 'A');
  assert.equal(document.b, '10.9.0.1:80');
  const steps = document.rows.map((row) => row.step).filter((step) => step !== '');
  assert.deepEqual(steps, ['H1', 'H2', 'H3', 'W1', 'W2+W3', 'W4', '2MSL']);
  const path = document.rows.map((row) => row.a?.name ?? '-');
  assert.deepEqual(path, [
    'CLOSED',
    'SYN-SENT',
    'ESTABLISHED',
    'ESTABLISHED',
    '-',
    'FIN-WAIT-1',
    'TIME-WAIT',
    'TIME-WAIT',
    'CLOSED',
  ]);
});

test('ladder: a state read from the other end is marked, and the inference goes on from it', () => {
  const trace = ladderTrace({ starText: '* = read from the kernel by ss' });
  const c = new StagedConnection(trace, 'active');
  c.call('connect', State.SYN_SENT, Trigger.CALL_ACTIVE_OPEN);
  trace.setPeerState(c.connection, State.LISTEN);
  c.leave({ flags: 'S', seq: 0 });
  c.arrive({ flags: 'SA', seq: 0, ack: 1, to: State.ESTABLISHED, trigger: Trigger.SEG_SYN_ACK });
  const lines = trace.render();
  assert.match(lines[3]!, /A: connect\(\) .*\| LISTEN\*$/);
  assert.match(lines[5]!, /SYN,ACK.*\| SYN-RECEIVED {2}H2$/);
  assert.ok(lines.some((line) => line.endsWith('* = read from the kernel by ss')));
});

test('ladder: nothing is claimed of the peer while a SYN is unanswered', () => {
  const { trace } = play({}, 'active', (c) => {
    c.call('connect', State.SYN_SENT, Trigger.CALL_ACTIVE_OPEN);
    c.leave({ flags: 'S', seq: 0 });
  });
  assert.deepEqual(
    trace.documents()[0]!.rows.map((row) => row.b),
    [null, null],
  );
});

test('ladder: simultaneous open shows both SYNs and SYN-RECEIVED at both ends', () => {
  const { lines } = play({ teaching: true }, 'active', (c) => {
    c.call('connect', State.SYN_SENT, Trigger.CALL_ACTIVE_OPEN);
    c.leave({ flags: 'S', seq: 0 });
    c.arrive({ flags: 'S', seq: 0, to: State.SYN_RECEIVED, trigger: Trigger.SEG_SYN });
    c.leave({ flags: 'SA', seq: 0, ack: 1 });
    c.arrive({ flags: 'SA', seq: 0, ack: 1, to: State.ESTABLISHED, trigger: Trigger.SEG_ACK_OF_SYN });
  });
  assert.match(lines[5]!, /SYN-RECEIVED \|<-- SYN seq=0 \[y\] -+\| SYN-SENT {6}H1/);
  assert.match(lines[6]!, /the SYNs crossed .*\| SYN-RECEIVED/);
  assert.match(lines[8]!, /ESTABLISHED {2}\|<-- SYN,ACK.*\| ESTABLISHED {3}H2/);
});

test('ladder: a FIN that comes again restarts 2MSL, shown after it', () => {
  const { lines } = play({}, 'active', (c) => {
    scenes.connectActively(c);
    c.call('close', State.FIN_WAIT_1).leave({ flags: 'FA', seq: 1, ack: 1 });
    c.timer(Timer.TIME_WAIT, 'start', 2000);
    c.arrive({
      flags: 'FA',
      seq: 1,
      ack: 2,
      to: State.TIME_WAIT,
      trigger: Trigger.SEG_FIN_AND_ACK_OF_FIN,
    });
    c.leave({ flags: 'A', seq: 2, ack: 2 });
    c.after(206).timer(Timer.TIME_WAIT, 'restart', 2000, 1);
    c.arrive({ flags: 'FA', seq: 1, ack: 2, verdict: 'dup' });
    c.leave({ flags: 'A', seq: 2, ack: 2 });
  });
  const again = lines.findIndex((line) => line.includes('<== FIN,ACK seq=1 ack=2  retransmission 1 ='));
  assert.ok(again > 0, lines.join('\n'));
  assert.match(lines[again]!, /RTX1$/);
  assert.match(lines[again + 1]!, /TIME-WAIT.*2MSL restarted: 2\.000 s \(was 1\.794 s\)/);
});

test('ladder: an abort shows CLOSED on the call and a red RST', () => {
  const { lines } = play({ color: true }, 'active', (c) => {
    scenes.connectActively(c);
    c.set('pendingReset', {}).call('abort', State.CLOSED, Trigger.CALL_ABORT).close('abort');
    c.leave({ flags: 'RA', seq: 1, ack: 1 });
  });
  assert.ok(lines.some((line) => line.includes('\u001b[1mCLOSED') && line.includes('A: abort()')));
  assert.ok(lines.some((line) => line.includes('|\u001b[31m--- RST,ACK seq=1 ack=1 -')));
});

test('ladder: colours are bold for a changed state and yellow for a retransmission', () => {
  const plot = (c: StagedConnection, t: LadderTrace) => scenes.retransmittedSyn(c, loseOnLink(t));
  const { lines } = play({ color: true }, 'active', plot);
  const repeated = lines.find((line) => line.includes('retransmission 1'))!;
  assert.ok(repeated.includes('|\u001b[33m=== SYN'));
  assert.ok(!repeated.includes('\u001b[1mSYN-SENT'), 'SYN-SENT had been shown');
  assert.ok(lines.some((line) => line.includes('\u001b[1mESTABLISHED')));
  const plain = play({}, 'active', plot).lines;
  const uncoloured = lines.map((line) =>
    line.split('\u001b[').map((part, i) => (i === 0 ? part : part.replace(/^\d+m/, ''))),
  );
  assert.deepEqual(
    uncoloured.map((parts) => parts.join('').trimEnd()),
    plain,
  );
});

test('ladder: packets that only the link saw are read from the act itself', () => {
  const { lines } = play({ injectedText: 'OLD DUPLICATE' }, 'active', (c, trace) => {
    scenes.connectActively(c);
    const lost = buildTcpPacket({
      source: IpAddress.parse('10.9.0.1')!,
      sourcePort: 80,
      destination: IpAddress.parse('10.9.0.2')!,
      destinationPort: 40_000,
      seq: (-1_291_754_290 + 1) | 0,
      ack: 268_435_457,
      flags: 0x11,
    });
    trace.onAct({ ...linkAct('drop', 'in', 9, c.now), packet: lost });
    trace.onAct(linkAct('inject', 'in', 11, c.now));
    c.arrive({ flags: 'PA', seq: 1, ack: 1, len: 11, packetId: 11, verdict: 'drop' });
    const other = buildTcpPacket({
      source: IpAddress.parse('10.9.0.9')!,
      sourcePort: 80,
      destination: IpAddress.parse('10.9.0.2')!,
      destinationPort: 40_000,
      flags: 0x11,
    });
    trace.onAct({ ...linkAct('drop', 'in', 12, c.now), packet: other });
  });
  assert.match(lines[7]!, /ESTABLISHED {2}\| {10}lost X--- FIN,ACK seq=1 ack=1 -+\|$/);
  assert.match(
    lines[8]!,
    /ESTABLISHED {2}\|<~~ PSH,ACK seq=1 len=11 {2}OLD DUPLICATE ~+\| ESTABLISHED {3}INJ$/,
  );
  assert.equal(lines.filter((line) => line.includes('lost X')).length, 1, 'other connections are not shown');
});

test('ladder: large numbers still fit', () => {
  const { lines } = play({ teaching: true, lang: 'zh' }, 'active', (c) => {
    scenes.connectActively(c);
    c.leave({ flags: 'PA', seq: 4_000_000_000, ack: 4_000_000_000, len: 65_000, retransmission: 3 });
    c.after(1e9).arrive({ flags: 'PA', seq: 4_000_000_000, ack: 4_000_000_000, len: 65_000 });
  });
  assert.ok(lines.some((line) => line.includes('PSH,ACK 4000000000 a4000000000')));
  for (const line of lines) assert.ok(displayWidth(line) <= 100, line);
});

test('ladder: live rows appear at the end of the turn, with the loss that the link reported', async () => {
  let text = '';
  const trace = ladderTrace({ live: { write: (chunk) => (text += chunk) } });
  const c = new StagedConnection(trace, 'active');
  c.call('connect', State.SYN_SENT, Trigger.CALL_ACTIVE_OPEN);
  c.leave({ flags: 'S', seq: 0 });
  assert.ok(!text.includes('SYN seq=0'), 'held while the link may still lose it');
  trace.onAct(linkAct('drop', 'out', 1, c.now));
  await Promise.resolve();
  assert.match(text, /A: connect\(\).*\n.*SYN seq=0 -+X lost/);
  trace.finish();
  assert.match(text, /State = AFTER/);
});

test('ladder: live output of several connections names the one that follows', async () => {
  let text = '';
  const trace = ladderTrace({ live: { write: (chunk) => (text += chunk) } });
  const one = new StagedConnection(trace, 'active', 1);
  const two = new StagedConnection(trace, 'passive', 2);
  one.call('connect', State.SYN_SENT, Trigger.CALL_ACTIVE_OPEN);
  await Promise.resolve();
  two.arrive({ flags: 'S', seq: 0, to: State.SYN_RECEIVED, trigger: Trigger.SEG_SYN });
  one.leave({ flags: 'S', seq: 0 });
  await Promise.resolve();
  assert.equal(text.match(/ A = /g)?.length, 3, text);
});

test('ladder: a broken terminal does not reach the core', async () => {
  const live = {
    write: () => {
      throw new Error('EPIPE');
    },
  };
  const trace = ladderTrace({ live });
  scenes.mergedClose(new StagedConnection(trace, 'active'));
  await Promise.resolve();
  assert.equal(trace.documents()[0]!.rows.length, 9);
});

test('ladder: filter and count choose the connections', () => {
  const trace = ladderTrace({ filter: (connection) => connection.id !== 2, first: 2 });
  for (const id of [1, 2, 3, 4]) scenes.refused(new StagedConnection(trace, 'active', id));
  assert.deepEqual(
    trace.connections.map((connection) => connection.id),
    [1, 3],
  );
  const last = trace.connections[1]!;
  assert.equal(trace.render(last).length * 2 + 1, trace.render().length);
});

test('ladder: an eviction and a failed retransmission are told', () => {
  const evicted = play({}, 'passive', (c) => {
    c.arrive({ flags: 'S', seq: 0, to: State.SYN_RECEIVED, trigger: Trigger.SEG_SYN });
    c.enter(State.CLOSED, Trigger.LIMIT_EVICTED, null);
  });
  assert.ok(evicted.lines.some((line) => /B: given up for a limit .*\| CLOSED/.test(line)));
  const gone = play({}, 'active', (c) => {
    scenes.connectActively(c);
    c.enter(State.CLOSED, Trigger.TIMER_RETRANSMISSION, null);
  });
  assert.ok(gone.lines.some((line) => /CLOSED .*A: threshold R2 reached, given up/.test(line)));
});
