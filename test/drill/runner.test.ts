// The runner itself: every difference is found and told with its line, and lenient matching forgives what it says it does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type DrillOptions,
  type DrillResult,
  failureReport,
  runScript,
  tapLines,
} from '../../src/drill/index.js';

const LISTEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
`;
const ESTABLISHED = `${LISTEN}+.1 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
`;
const LINES = ESTABLISHED.split('\n').length - 1;

function run(text: string, options: DrillOptions = { strict: true }): Promise<DrillResult> {
  return runScript(text, options, 'test.pkt');
}

/** Each: what is wrong, lines behind an established connection, the line that is to blame, the message. */
const FAILURES: readonly (readonly [string, string, number, RegExp])[] = [
  ['flags', '+0 write(4, ..., 100) = 100\n+0 > . 1:101(100) ack 1', 2, /differs in its flags$/],
  ['a sequence number', '+0 write(4, ..., 100) = 100\n+0 > P. 2:102(100) ack 1', 2, /its sequence number$/],
  ['a length', '+0 write(4, ..., 100) = 100\n+0 > P. 1:100(99) ack 1', 2, /its length$/],
  [
    'an acknowledgment',
    '+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 2',
    2,
    /its acknowledgment number$/,
  ],
  ['a window', '+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1 win 5', 2, /its window$/],
  ['an option', '+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1 <nop>', 2, /its options$/],
  [
    'an urgent pointer',
    '+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1 urg 7',
    2,
    /its urgent pointer$/,
  ],
  ['ECN', '+0 write(4, ..., 100) = 100\n+0 > [ect0] P. 1:101(100) ack 1', 2, /its ECN$/],
  [
    'a type of service',
    '+0 write(4, ..., 100) = 100\n+0 > [tos 0x4] P. 1:101(100) ack 1',
    2,
    /its type of service$/,
  ],
  [
    'a time to live',
    '+0 write(4, ..., 100) = 100\n+0 > [ttl 63] P. 1:101(100) ack 1',
    2,
    /its time to live$/,
  ],
  [
    'two fields',
    '+0 write(4, ..., 100) = 100\n+0 > . 1:101(100) ack 2',
    2,
    /its flags, acknowledgment number$/,
  ],
  ['a packet too early', '+0 write(4, ..., 100) = 100\n+.1 > P. 1:101(100) ack 1', 2, /came too early$/],
  [
    'a packet too late',
    '+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n+.2 > P. 1:101(100) ack 1',
    3,
    /did not come$/,
  ],
  ['outside of a range', '+0 write(4, ..., 9) = 9\n+.1~+.2 > P. 1:10(9) ack 1', 2, /came too early$/],
  ['no packet', '+0 > . 1:1(0) ack 1', 1, /did not come$/],
  ['a packet nobody expects', '+0 write(4, ..., 100) = 100', 1, /left after the last event$/],
  ['another connection', '+0 write(4, ..., 9) = 9\n+0 > 8080 > 7 P. 1:10(9) ack 1', 2, /another connection$/],
  ['a result', '+0 write(4, ..., 100) = 99', 1, /write\(\) returned another result$/],
  ['an error', '+0 read(3, ..., 1) = -1 EBADF', 1, /read\(\) returned another result$/],
  [
    'an option of a socket',
    '+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [EPIPE], [4]) = 0',
    1,
    /read another value$/,
  ],
  ['events of poll', '+0 poll([{fd=4, events=POLLOUT, revents=POLLIN}], 1, 0) = 1', 1, /other events$/],
  ['a call that blocks', '+0 read(4, ..., 1) = 1', 1, /has not returned in time; write `t\.\.\.e`/],
  [
    'a call that returns early',
    '+0...1 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1',
    1,
    /returned too early$/,
  ],
  [
    'a call that returns late',
    '+0...0.1 read(4, ..., 9) = 9\n+.3 < P. 1:10(9) ack 1 win 9',
    1,
    /not returned in time$/,
  ],
  ['an assertion', '+0 %{ assert tcpi_snd_cwnd == 11, "cwnd" }%', 1, /the assertion does not hold: cwnd$/],
  ['a count', '+0 `sockstat | grep -c TIME_WAIT | grep 1`', 1, /another number of connections$/],
  ['a time that has passed', '.1 close(4) = 0', 1, /lies before/],
];

for (const [what, lines, line, message] of FAILURES) {
  test(`it is found: ${what}`, async () => {
    const result = await run(ESTABLISHED + lines);
    assert.equal(result.verdict, 'fail');
    assert.equal(result.failure?.line, LINES + line);
    assert.match(result.failure?.message ?? '', message);
  });
}

test('it is found: the checksum, the payload and the SYN options of a stack that is not ours', async () => {
  const wrong = await run(`${LISTEN}+.1 < S 0:0(0) win 32792 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1459>`);
  assert.match(wrong.failure?.message ?? '', /its options$/);
});

test('a report: place, expected and got aligned, the packets so far, the ladder', async () => {
  const result = await run(`${ESTABLISHED}+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 2`);
  const report = failureReport(result);
  assert.equal(report[0], `test.pkt:${LINES + 2}: the packet differs in its acknowledgment number`);
  assert.equal(report[1], '  expected  > P. 1:101(100) ack 2');
  assert.equal(report[2], '  got       > P. 1:101(100) ack 1');
  assert.ok(report.some((line) => /0\.200000 {2}write\(4, \.\.\., 100\) = 100$/.test(line)));
  assert.ok(
    report.some((line) => /SYN,ACK seq=0 ack=1/.test(line)),
    'the ladder is there',
  );
  assert.equal(tapLines(result, 3)[0], 'not ok 3 - test.pkt');
});

test('TAP: passed, skipped with the reason', async () => {
  const passed = await run(ESTABLISHED);
  assert.deepEqual(tapLines(passed, 1), ['ok 1 - test.pkt']);
  const skipped = await run(`${ESTABLISHED}+0 mptcp_call(4) = 0`);
  assert.equal(skipped.verdict, 'skip');
  assert.deepEqual(tapLines(skipped, 2), [
    `ok 2 - test.pkt # SKIP line ${LINES + 1}: the call mptcp_call() is not supported`,
  ]);
});

test('a script that cannot be read fails with its place', async () => {
  const result = await run('0 close(3 = 0');
  assert.equal(result.verdict, 'fail');
  assert.match(result.failure?.message ?? '', /^syntax error in column 11: expected ","/);
});

test('what cannot be played is known before anything is played', async () => {
  const later: readonly (readonly [string, RegExp])[] = [
    ['+1 < udp (100)', /UDP packets are not TCP/],
    ['+1 > 5. 1:1(0) ack 1', /AccECN/],
    ['+1 %{ assert tcpi_unheard_of == 1 }%', /"tcpi_unheard_of", which is not known/],
    ['+1 %{ import os }%', /more than an assertion/],
    ['+1 `reboot`', /no shell runs here/],
    ['+1 setsockopt(4, SOL_TCP, TCP_ULP, "tls", 4) = 0', /setsockopt\(\) with TCP_ULP is not supported/],
    ['+1 < icmp unreachable moon_unreachable', /no code "moon_unreachable"/],
  ];
  for (const [line, reason] of later) {
    const result = await run(`${ESTABLISHED}${line}`);
    assert.equal(result.verdict, 'skip', line);
    assert.equal(result.played, 0, line);
    assert.match(result.reason ?? '', reason);
  }
});

/** Each fails when strict, and passes when lenient. */
const FORGIVEN: readonly (readonly [string, string])[] = [
  ['the window', '+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1 win 7'],
  ['a PSH more than was asked for', '+0 write(4, ..., 100) = 100\n+0 > . 1:101(100) ack 1'],
  ['a segment in several pieces', '+0 write(4, ..., 3000) = 3000\n+0 > P. 1:3001(3000) ack 1'],
  [
    'an acknowledgment that is not listed',
    '+0 < P. 1:11(10) ack 1 win 9\n+.1 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 11',
  ],
  ['a delayed acknowledgment where one came at once', '+0 < P. 1:11(10) ack 1 win 9\n+.04 > . 1:1(0) ack 11'],
  ['few milliseconds', '+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1\n+.297 > P. 1:10(9) ack 1'],
  [
    'what goes again after the end',
    '+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1\n+.25 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0',
  ],
  ['the name of an error', '+.1 < R 1:1(0) win 0\n+0 read(4, ..., 1) = -1 EPIPE'],
];

for (const [what, lines] of FORGIVEN) {
  test(`forgiven only where matching is lenient: ${what}`, async () => {
    assert.equal((await run(ESTABLISHED + lines)).verdict, 'fail');
    const lenient = await run(ESTABLISHED + lines, {});
    assert.deepEqual(failureReport(lenient), []);
    assert.equal(lenient.verdict, 'pass');
  });
}

/** Each fails also when lenient. */
const NEVER_FORGIVEN: readonly (readonly [string, string])[] = [
  ['a window that is shut', '+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1 win 0'],
  [
    'the window where the script chose the buffer',
    '+0 setsockopt(4, SOL_SOCKET, SO_RCVBUF, [9000], 4) = 0\n+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1 win 7',
  ],
  [
    'a PSH less than was asked for',
    '+0 write(4, ..., 2000) = 2000\n+0 > P. 1:1001(1000) ack 1\n+0 > P. 1001:2001(1000) ack 1',
  ],
  ['a piece too few', '+0 write(4, ..., 2000) = 2000\n+0 > P. 1:3001(3000) ack 1'],
  [
    'data that is not listed',
    '+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1\n+.1 < . 1:1(0) ack 10 win 9\n+0 write(4, ..., 9) = 9\n+.1 < . 1:1(0) ack 19 win 9',
  ],
  [
    'an RST that is not listed',
    '+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n+0 close(4) = 0',
  ],
  ['an acknowledgment that never comes', '+0 > . 1:1(0) ack 2'],
  [
    'a FIN on data that was to come apart',
    '+0 send(4, ..., 9, MSG_MORE) = 9\n+0 shutdown(4, SHUT_WR) = 0\n+0 > P. 1:10(9) ack 1',
  ],
];

for (const [what, lines] of NEVER_FORGIVEN) {
  test(`never forgiven: ${what}`, async () => {
    assert.equal((await run(ESTABLISHED + lines, {})).verdict, 'fail');
  });
}

test('the MSS of a SYN,ACK counts when lenient, the shift and extra timestamps do not', async () => {
  const syn = `${LISTEN}+.1 < S 0:0(0) win 9 <mss 1000,nop,nop,TS val 1 ecr 0,nop,wscale 2>\n`;
  assert.equal((await run(`${syn}+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 3>`, {})).verdict, 'pass');
  assert.equal((await run(`${syn}+0 > S. 0:0(0) ack 1 <mss 1459,nop,wscale 3>`, {})).verdict, 'fail');
});

test('the same script gives the same run', async () => {
  const text = `${ESTABLISHED}+0 write(4, ..., 3000) = 3000\n+0 > P. 1:3001(3000) ack 1\n+.1 < . 1:1(0) ack 3001 win 9`;
  const [a, b] = [await run(text, {}), await run(text, {})];
  assert.equal(a.verdict, 'pass');
  assert.deepEqual(a, b);
});

test('a hook of the library: settings below those of the script', async () => {
  const text = `${LISTEN}+.1 < S 0:0(0) win 32792 <mss 1000,sackOK>\n+0 > S. 0:0(0) ack 1 <mss 1460>`;
  assert.equal((await run(text, { strict: true, config: { sack: false } })).verdict, 'pass');
  assert.equal((await run(text)).verdict, 'fail');
});

test('everything is told as it happens: packets and calls, changes of state, what snippets print', async () => {
  const lines: string[] = [];
  await run(`${ESTABLISHED}+0 %{ print("cwnd", tcpi_snd_cwnd) }%`, {
    strict: true,
    trace: (line) => lines.push(line.trim()),
  });
  assert.deepEqual(lines.slice(3, 7), [
    '0.100000  < S 0:0(0) win 32792 <mss 1000>',
    'c1 LISTEN -> SYN-RECEIVED: SYN arrived',
    '0.100000  > S. 0:0(0) ack 1 win 65535 <mss 1460>',
    '0.200000  < . 1:1(0) ack 1 win 32792',
  ]);
  assert.equal(lines.at(-1), '0.200000  print: cwnd 10');
});
