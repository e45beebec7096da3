// The log: which record has which fields at which level, and that the logger can neither slow nor break the core.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Logger, pino } from 'pino';
import { hasChineseWhy } from '../../src/observe/lexicon.js';
import { createLogger } from '../../src/observe/logger.js';
import { type PinoTraceOptions, pinoTrace } from '../../src/observe/pino.js';
import { VirtualClock } from '../../src/stack/clock.js';
import type { Listener } from '../../src/stack/listener.js';
import { State, TRANSITIONS, Trigger, transitionFor } from '../../src/tcp/state.js';
import { Timer } from '../../src/tcp/timers.js';
import { SegmentView } from '../../src/wire/segment.js';
import * as scenes from './ladder-scenes.js';
import { StagedConnection } from './staged-connection.js';

type LogRecord = { level: number; time: number; ev: string; msg: string; [field: string]: unknown };

function recorder(level: string): {
  logger: Logger;
  records: LogRecord[];
  lines: string[];
  clock: VirtualClock;
} {
  const records: LogRecord[] = [];
  const lines: string[] = [];
  const clock = new VirtualClock(1000.5);
  const write = (line: string) => {
    lines.push(line);
    records.push(JSON.parse(line) as LogRecord);
  };
  const logger = createLogger({ destination: { write }, level: level as 'info', clock });
  return { logger, records, lines, clock };
}

function stage(
  level: string,
  options: Omit<PinoTraceOptions, 'logger'> = {},
  role: 'active' | 'passive' = 'active',
) {
  const { logger, records, lines, clock } = recorder(level);
  const trace = pinoTrace({ logger, ...options });
  return { trace, records, lines, clock, c: new StagedConnection(trace, role) };
}

const listener = { address: null, port: 80 } as unknown as Listener;

function statePath(records: readonly LogRecord[]): string {
  const states = records.filter((record) => record.ev === 'state');
  return [states[0]!.from, ...states.map((record) => record.to)].join(' ');
}

test('log: one state record per transition, in the order of the declared path', () => {
  const { c, records } = stage('info');
  scenes.fourSegmentClose(c);
  assert.equal(statePath(records), 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED');
  const passive = stage('trace', {}, 'passive');
  scenes.passiveLife(passive.c);
  assert.equal(statePath(passive.records), 'LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED');
});

test('log: at info a whole life is transitions, opening and ending, and nothing else', () => {
  const { c, records } = stage('info');
  scenes.fourSegmentClose(c);
  const kinds = records.map((record) => (record.ev === 'conn' ? `conn ${record.op}` : record.ev));
  assert.deepEqual(kinds, [
    'conn open',
    'state',
    'state',
    'conn established',
    'state',
    'state',
    'state',
    'timer',
    'state',
    'conn closed',
  ]);
  assert.ok(records.every((record) => record.level === 30));
});

test('log: a state record caused by a segment has every field of the schema', () => {
  const { c, lines } = stage('info', { runStartMs: 1000, run: 'T04', unsafe: true }, 'passive');
  c.arrive({ flags: 'S', seq: 0, to: State.SYN_RECEIVED, trigger: Trigger.SEG_SYN });
  c.after(1.2345).arrive({
    flags: 'A',
    seq: 1,
    ack: 1,
    packetId: 6,
    to: State.ESTABLISHED,
    trigger: Trigger.SEG_ACK_OF_SYN,
  });
  const line = lines.find((each) => each.includes('"to":"ESTABLISHED"'))!;
  assert.deepEqual(JSON.parse(line), {
    level: 30,
    time: 1_704_067_201_000.5,
    conn: 'c7',
    l: '10.9.0.2:80',
    r: '10.9.0.1:50000',
    role: 'passive',
    ev: 'state',
    from: 'SYN-RECEIVED',
    to: 'ESTABLISHED',
    cause: 'segment',
    seg: { dir: 'in', flags: 'A', seq: 1, ack: 1, len: 0 },
    pkt: 6,
    rule: 'RFC9293-3.10.7.4',
    iss: 268_435_456,
    irs: 3_003_213_006,
    snd_una: 1,
    snd_nxt: 1,
    rcv_nxt: 1,
    snd_wnd: 64_240,
    rcv_wnd: 65_535,
    dwell_ms: 1.235,
    run: 'T04',
    unsafe: true,
    vt: 0.001235,
    why: 'ACK covers our SYN',
    msg: 'SYN-RECEIVED → ESTABLISHED (ACK covers our SYN)',
  });
});

test('log: transitions by call and by timer name them', () => {
  const { c, records } = stage('info');
  scenes.mergedClose(c);
  const states = records.filter((record) => record.ev === 'state');
  const causes = states.map((record) => [
    record.cause,
    record.call ?? record.timer ?? (record.seg as { flags: string }).flags,
  ]);
  assert.deepEqual(causes, [
    ['call', 'connect'],
    ['segment', 'SA'],
    ['call', 'close'],
    ['segment', 'FA'],
    ['timer', 'timewait'],
  ]);
  assert.equal(states[4]!.dwell_ms, 2000);
});

test('log: a state record warns exactly when an RST or a timeout was the cause', () => {
  const warned: string[] = [];
  for (const transition of TRANSITIONS) {
    const { c, records } = stage('info');
    c.set('state', transition.from);
    c.enter(transition.to, transition.trigger, null);
    const record = records.find((each) => each.ev === 'state')!;
    if (record.level === 40) warned.push(transition.name === '' ? 'rst' : transition.name);
    else assert.equal(record.level, 30);
  }
  assert.deepEqual(new Set(warned), new Set(['rst', 'user', 'rto', 'keepalive', 'finwait2']));
});

test('log: time has three decimals and is the clock’s', () => {
  const { c, lines, clock } = stage('debug');
  clock.advanceTo(2500.25);
  c.call('accept');
  assert.match(lines.at(-1)!, /^\{"level":20,"time":1704067202500\.250,/);
});

test('log: segment records carry relative and raw numbers, options and the scaled window', () => {
  const { c, records } = stage('debug', {}, 'active');
  c.leave({ flags: 'S', seq: 0, mss: 1460, ws: 7, packetId: 41 });
  c.arrive({ flags: 'SA', seq: 0, ack: 1, mss: 1400, ws: 2 });
  c.set('state', State.ESTABLISHED).leave({ flags: 'PA', seq: 1, ack: 1, len: 5, retransmission: 2 });
  c.arrive({ flags: 'A', seq: 1, ack: 6, verdict: 'dup' });
  const [syn, synAck, data, ack] = records.filter((record) => record.ev === 'seg');
  const { level: _level, time: _time, conn: _conn, l: _l, r: _r, role: _role, ...rest } = syn!;
  assert.deepEqual(rest, {
    ev: 'seg',
    dir: 'out',
    pkt: 41,
    flags: 'S',
    seq: 0,
    seq_raw: 268_435_456,
    len: 0,
    win: 64_240,
    win_raw: 64_240,
    opts: { mss: 1460, ws: 7 },
    rtx: 0,
    state: 'CLOSED',
    msg: '[SYN] seq=0 len=0 win=64240',
  });
  assert.deepEqual([synAck!.ack, synAck!.ack_raw, synAck!.seq_raw], [1, 268_435_457, 3_003_213_006]);
  assert.deepEqual([synAck!.win, synAck!.verdict, synAck!.opts], [64_240, 'accept', { mss: 1400, ws: 2 }]);
  assert.deepEqual([data!.win, data!.rtx, data!.len], [64_240 * 128, 2, 5]);
  assert.equal(data!.msg, `[PSH,ACK] seq=1 ack=1 len=5 win=${64_240 * 128} (retransmission 2)`);
  assert.deepEqual([ack!.win, ack!.verdict], [64_240 * 4, 'dup']);
});

test('log: all options of a received segment are named', () => {
  const { c, trace, records } = stage('debug');
  c.arrive({ flags: 'SA', seq: 0, ack: 1 });
  const segment = c.view({ flags: 'A', seq: 1, ack: 1 });
  segment.sackPermitted = true;
  segment.hasTimestamps = true;
  segment.tsVal = -1;
  segment.tsEcr = 5;
  segment.sackCount = 1;
  segment.sackEdges.set([268_435_456 + 10, 268_435_456 + 20]);
  segment.fastOpenLength = 8;
  trace.segmentReceived(c.connection, segment, 'accept', State.ESTABLISHED, c.now);
  assert.deepEqual(records.at(-1)!.opts, { sackok: true, ts: [4_294_967_295, 5], sack: [[10, 20]], tfo: 8 });
});

test('log: payload is shown in hexadecimal only when asked and at trace', () => {
  const shown = (level: string, payloadBytes: number) => {
    const { c, records } = stage(level, { payloadBytes });
    c.leave({ flags: 'PA', seq: 1, text: 'hello' });
    c.arrive({ flags: 'PA', seq: 1, ack: 1, text: 'world' });
    return records.filter((record) => record.ev === 'seg').map((record) => record.hex);
  };
  assert.deepEqual(shown('trace', 3), ['68656c', '776f72']);
  assert.deepEqual(shown('debug', 3), [undefined, undefined]);
  assert.deepEqual(shown('trace', 0), [undefined, undefined]);
});

test('log: timers are debug, but what ends a wait is info', () => {
  const { c, records } = stage('debug');
  c.call('connect', State.SYN_SENT, Trigger.CALL_ACTIVE_OPEN);
  c.timer(Timer.RETRANSMISSION, 'start', 1000).timer(Timer.RETRANSMISSION, 'fire', 1000, 3);
  c.timer(Timer.RETRANSMISSION, 'start', 1000);
  c.set('state', State.ESTABLISHED).timer(Timer.RETRANSMISSION, 'stop', 10);
  c.timer(Timer.RETRANSMISSION, 'start', 200).timer(Timer.RETRANSMISSION, 'fire', 200);
  c.timer(Timer.TIME_WAIT, 'fire', 2000).timer(Timer.USER, 'fire', 9).timer(Timer.KEEPALIVE, 'fire', 9);
  const timers = records.filter((record) => record.ev === 'timer');
  assert.deepEqual(
    timers.map((record) => [record.level, record.timer, record.op, record.ms]),
    [
      [20, 'synrto', 'start', 1000],
      [30, 'synrto', 'fire', 1000],
      [20, 'synrto', 'start', 1000],
      [20, 'synrto', 'stop', 10],
      [20, 'rto', 'start', 200],
      [20, 'rto', 'fire', 200],
      [30, 'timewait', 'fire', 2000],
      [30, 'user', 'fire', 9],
      [20, 'keepalive', 'fire', 9],
    ],
  );
  assert.deepEqual([timers[1]!.backoff, timers[1]!.n], [8, 3]);
  assert.equal(timers[4]!.msg, 'rto start 200 ms');
});

test('log: congestion, round trips and buffers', () => {
  const { c, trace, records } = stage('trace');
  trace.congestionChanged(c.connection, 'slow_start', 'ack', c.now);
  trace.congestionChanged(c.connection, 'recovery', '3dupack', c.now);
  trace.rttSampled(c.connection, 0.2, c.now);
  trace.rttSampled(c.connection, -1, c.now);
  trace.buffersChanged(c.connection, c.now);
  const strip = ({ level, ev, msg: _m, time: _t, conn: _c, l: _l, r: _r, role: _o, ...rest }: LogRecord) => [
    level,
    ev,
    rest,
  ];
  assert.deepEqual(records.slice(1).map(strip), [
    [
      20,
      'cc',
      { algo: 'newreno', phase: 'slow_start', cwnd: 14_600, ssthresh: null, inflight: 5, trigger: 'ack' },
    ],
    [
      30,
      'cc',
      { algo: 'newreno', phase: 'recovery', cwnd: 14_600, ssthresh: null, inflight: 5, trigger: '3dupack' },
    ],
    [10, 'rtt', { sample: 0.2, srtt: 0.25, rttvar: 0.125, rto: 200 }],
    [10, 'rtt', { srtt: 0.25, rttvar: 0.125, rto: 200, karn: true }],
    [10, 'buf', { rcvq: 20, rcv_holes: [[21, 31]], sndq: 10 }],
  ]);
});

test('log: drops warn, a plain duplicate does not', () => {
  const { c, trace, records } = stage('debug');
  c.arrive({ flags: 'SA', seq: 0, ack: 1 });
  records.length = 0;
  const old = c.view({ flags: 'PA', seq: 0, ack: 1, len: 1, packetId: 12 });
  trace.segmentDropped(c.connection, old, 'window', 'ack', 'RFC9293-3.10.7.4', c.now);
  const ahead = c.view({ flags: 'PA', seq: 90_000, ack: 1, len: 5, packetId: 13 });
  trace.segmentDropped(c.connection, ahead, 'window', 'ack', 'RFC9293-3.10.7.4', c.now);
  trace.segmentDropped(c.connection, ahead, 'paws', 'ack', 'RFC7323-5.3', c.now);
  const stray = new SegmentView();
  stray.sourcePort = 5;
  stray.destinationPort = 6;
  stray.flags = 0x10;
  trace.segmentDropped(null, stray, 'no_tcb', 'rst', 'RFC9293-3.10.7.1', c.now);
  trace.packetDropped('martian', 77, c.now);
  trace.packetDropped('broadcast', 78, c.now);
  assert.deepEqual(
    records.map((record) => [record.level, record.ev, record.why, record.reply, record.pkt]),
    [
      [20, 'drop', 'window', 'ack', 12],
      [40, 'drop', 'window', 'ack', 13],
      [40, 'drop', 'paws', 'ack', 13],
      [40, 'drop', 'no_tcb', 'rst', 0],
      [40, 'drop', 'martian', 'none', 77],
      [20, 'drop', 'broadcast', 'none', 78],
    ],
  );
  assert.equal(records[2]!.msg, 'TSval older than TS.Recent (PAWS), replied ACK');
  assert.deepEqual(
    [records[3]!.conn, records[3]!.sport, records[3]!.dport, records[3]!.flags],
    [undefined, 5, 6, 'A'],
  );
});

test('log: a flood of bad packets is not a flood of records', () => {
  const { trace, records } = stage('info', { dropsPerSecond: 3 });
  for (let i = 0; i < 50; i++) trace.packetDropped('martian', i, 1000 + i);
  trace.packetDropped('martian', 99, 2100);
  const drops = records.filter((record) => record.ev === 'drop');
  assert.equal(drops.length, 4);
  assert.equal(drops[3]!.suppressed, 47);
});

test('log: backlog at most once a second for each listener', () => {
  const { trace, records } = stage('info');
  const other = { address: null, port: 81 } as unknown as Listener;
  for (const at of [0, 500, 999, 1000, 1500, 2500])
    trace.backlogFull(listener, 128, 1, 128, 'drop-oldest', at);
  trace.backlogFull(other, 1, 1, 128, 'drop-syn', 2501);
  const shown = records.filter((record) => record.ev === 'backlog');
  assert.deepEqual(
    shown.map((record) => [record.level, record.l, record.half, record.limit, record.policy, record.cookies]),
    [
      [40, '*:80', 128, 128, 'drop-oldest', false],
      [40, '*:80', 128, 128, 'drop-oldest', false],
      [40, '*:80', 128, 128, 'drop-oldest', false],
      [40, '*:81', 1, 128, 'drop-syn', false],
    ],
  );
});

test('log: calls, link acts, listeners, lab and sys', () => {
  const { c, trace, records } = stage('debug');
  c.call('send');
  trace.called(c.connection, 'connect', 0, 'ECONNREFUSED', c.now);
  trace.onAct({ act: 'drop', dir: 'out', packetId: 7, nth: 2, rule: 'drop dir=out', time: c.now });
  trace.listenerOpened(listener, transitionFor(State.CLOSED, State.LISTEN, Trigger.CALL_PASSIVE_OPEN), c.now);
  trace.lab('assert', { ok: false, expect: 1, got: 2 }, c.now, 'one is two');
  trace.lab('begin', {}, c.now, 'T04');
  trace.sys('fatal', { device: 'syn0' }, c.now, 'device is gone');
  const [send, failed, link, opened, claim, begin, sys] = records.slice(1);
  assert.deepEqual([send!.level, send!.ev, send!.call, send!.n], [20, 'app', 'send', 0]);
  assert.equal(failed!.err, 'ECONNREFUSED');
  assert.deepEqual(
    [link!.level, link!.act, link!.dir, link!.pkt, link!.nth, link!.rule],
    [30, 'drop', 'out', 7, 2, 'drop dir=out'],
  );
  assert.deepEqual(
    [opened!.l, opened!.from, opened!.to, opened!.call],
    ['*:80', 'CLOSED', 'LISTEN', 'listen'],
  );
  assert.deepEqual([claim!.level, claim!.op, claim!.expect, claim!.got], [50, 'assert', 1, 2]);
  assert.deepEqual([begin!.level, begin!.ev], [30, 'lab']);
  assert.deepEqual([sys!.level, sys!.ev, sys!.device], [60, 'sys', 'syn0']);
});

test('log: the end of a connection tells its totals', () => {
  const { c, records } = stage('info');
  c.after(12.3456).close('rst');
  const { msg, ...record } = records.at(-1)!;
  assert.equal(msg, 'closed by RST from the peer after 12.346 ms: 3 bytes in, 1500 bytes out');
  assert.deepEqual(Object.keys(record).slice(6), [
    'ev',
    'op',
    'bytes_in',
    'bytes_out',
    'segs_in',
    'segs_out',
    'rtx',
    'dur_ms',
    'end',
  ]);
  assert.deepEqual([record.bytes_in, record.bytes_out, record.dur_ms, record.end], [3, 1500, 12.346, 'rst']);
});

test('log: Chinese changes msg and nothing else', () => {
  const life = (lang: 'en' | 'zh') => {
    const { c, records } = stage('trace', { lang });
    scenes.fourSegmentClose(c);
    return records;
  };
  const [en, zh] = [life('en'), life('zh')];
  assert.equal(en.length, zh.length);
  let different = 0;
  for (const [i, record] of en.entries()) {
    const { msg: english, ...fields } = record;
    const { msg: chinese, ...same } = zh[i]!;
    assert.deepEqual(same, fields);
    if (english !== chinese) different++;
  }
  assert.ok(different > 6);
  const fin = zh.find((record) => record.to === 'FIN-WAIT-1')!;
  assert.equal(fin.msg, 'ESTABLISHED 已建立 → FIN-WAIT-1 终止等待1（没有数据要发了）');
});

test('log: every transition has a Chinese clause', () => {
  assert.deepEqual(
    TRANSITIONS.filter((transition) => !hasChineseWhy(transition)).map((each) => each.why),
    [],
  );
});

test('log: at info no segment makes a record, a child logger or a look at the connection', () => {
  const { logger } = recorder('info');
  let asked = 0;
  const watched = new Proxy(logger, {
    get(target, name) {
      if (name !== 'isLevelEnabled') asked++;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const trace = pinoTrace({ logger: watched });
  const c = new StagedConnection(trace, 'active');
  c.set('status', () => assert.fail('status() builds an object'));
  asked = 0;
  c.leave({ flags: 'PA', seq: 1, ack: 1, len: 1000 });
  c.arrive({ flags: 'A', seq: 1, ack: 1001 });
  c.timer(Timer.RETRANSMISSION, 'restart', 200).timer(Timer.DELAYED_ACK, 'fire', 40);
  trace.rttSampled(c.connection, 1, c.now);
  trace.buffersChanged(c.connection, c.now);
  trace.congestionChanged(c.connection, 'slow_start', 'ack', c.now);
  trace.called(c.connection, 'send', 1000, null, c.now);
  assert.equal(asked, 0);
});

test('log: the level can be changed while the stack runs', () => {
  const { logger, records } = recorder('info');
  const trace = pinoTrace({ logger });
  const c = new StagedConnection(trace, 'active');
  c.leave({ flags: 'A', seq: 1 });
  assert.equal(records.filter((record) => record.ev === 'seg').length, 0);
  logger.level = 'silent';
  c.call('connect', State.SYN_SENT, Trigger.CALL_ACTIVE_OPEN);
  assert.equal(records.filter((record) => record.ev === 'state').length, 0);
});

test('log: one child logger for each connection, made with its first record', () => {
  const { logger } = recorder('warn');
  let children = 0;
  const make = logger.child.bind(logger);
  logger.child = ((bindings: Record<string, unknown>) => {
    children++;
    return make(bindings);
  }) as typeof logger.child;
  const trace = pinoTrace({ logger });
  const c = new StagedConnection(trace, 'active');
  scenes.connectActively(c);
  assert.equal(children, 0, 'nothing to log at warn');
  trace.segmentDropped(c.connection, null, 'ack', 'ack', 'r', c.now);
  trace.segmentDropped(c.connection, null, 'ack', 'ack', 'r', c.now);
  assert.equal(children, 1);
});

test('log: kinds can be chosen', () => {
  const { c, records } = stage('trace', { kinds: ['drop', 'state'] });
  scenes.mergedClose(c);
  assert.deepEqual(new Set(records.map((record) => record.ev)), new Set(['state']));
});

test('log: what the logger throws stays in the log', () => {
  const broken = pino(
    { base: null },
    {
      write: () => {
        throw new Error('disk full');
      },
    },
  );
  const trace = pinoTrace({ logger: broken });
  scenes.mergedClose(new StagedConnection(trace, 'active'));
  const working = stage('info');
  scenes.mergedClose(working.c);
  assert.equal(trace.failures, working.records.length, 'each record was tried');
  const childless = pino({ level: 'info' }, { write: () => {} });
  childless.child = () => {
    throw new Error('no child');
  };
  const other = pinoTrace({ logger: childless });
  scenes.refused(new StagedConnection(other, 'active'));
  assert.equal(other.failures, 4);
});

test('log: a logger of the user’s own keeps its own base and time', () => {
  const lines: string[] = [];
  const own = pino({ name: 'app', timestamp: false }, { write: (line) => void lines.push(line) });
  scenes.refused(new StagedConnection(pinoTrace({ logger: own }), 'active'));
  const record = JSON.parse(lines[0]!) as LogRecord;
  assert.deepEqual([record.name, record.conn, record.time], ['app', 'c7', undefined]);
});
