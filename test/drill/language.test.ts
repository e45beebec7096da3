// The language of scripts: what both dialects write is read, and what neither allows is an error with its place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseScript, ScriptError } from '../../src/drill/index.js';
import type { Action, Call, IcmpPacket, TcpPacket } from '../../src/drill/script.js';

function eventOf(line: string) {
  return parseScript(line).events[0]!;
}

function actionOf(line: string): Action {
  return eventOf(line).action;
}

function packetOf(line: string): TcpPacket {
  const action = actionOf(line);
  assert.equal(action.kind, 'tcp');
  return action as TcpPacket;
}

test('times: absolute, relative, any, ranges, in every way to write a number', () => {
  assert.deepEqual(eventOf('0 < . 1:1(0) ack 1').time, { kind: 'at', relative: false, us: 0 });
  assert.deepEqual(eventOf('1.00 < . 1:1(0) ack 1').time, { kind: 'at', relative: false, us: 1_000_000 });
  assert.deepEqual(eventOf('+.1 < . 1:1(0) ack 1').time, { kind: 'at', relative: true, us: 100_000 });
  assert.deepEqual(eventOf('+ 0.000001 < . 1:1(0) ack 1').time, { kind: 'at', relative: true, us: 1 });
  assert.deepEqual(eventOf('* > . 1:1(0) ack 1').time, { kind: 'any' });
  assert.deepEqual(eventOf('1~2.5 > . 1:1(0) ack 1').time, {
    kind: 'range',
    relative: false,
    us: 1_000_000,
    endUs: 2_500_000,
  });
  assert.deepEqual(eventOf('+1~+2 > . 1:1(0) ack 1').time, {
    kind: 'range',
    relative: true,
    us: 1_000_000,
    endUs: 2_000_000,
  });
  const call = eventOf('+.1...0.200 read(4, ..., 2000) = 2000');
  assert.equal(call.time.kind === 'at' && call.time.us, 100_000);
  assert.equal((call.action as Call).endUs, 200_000);
});

test('segments: flags, numbers, window, urgent pointer, ports', () => {
  assert.equal(packetOf('0 > SEW 0:0(0)').flags, 0x02 | 0x40 | 0x80);
  assert.equal(packetOf('0 > FP. 1:11(10) ack 5').flags, 0x01 | 0x08 | 0x10);
  assert.equal(packetOf('0 > - 1:11(10)').flags, 0);
  assert.equal(packetOf('0 > U. 1:11(10) ack 5').flags, 0x20 | 0x10);
  assert.deepEqual(packetOf('0 > . 1!:11!(10)! ack 7!').seq, { kind: 'absolute', value: 1 });
  assert.deepEqual(packetOf('0 > R ...(0)').seq, { kind: 'any' });
  assert.equal(packetOf('0 > . 4294967295:4(5) ack 1').length, 5);
  const full = packetOf('0 < 4001 > 8080 PU. 1:11(10) ack 5 win 7 urg 3 <nop>');
  assert.deepEqual(full.ports, { source: 4001, destination: 8080 });
  assert.deepEqual([full.win, full.urg], [7, 3]);
  assert.equal(packetOf('0 > . 1:1(0) ack 1 win ...').win, null);
});

test('the counter of AccECN is understood, in each place where it may stand, and cannot be played', () => {
  for (const line of [
    '0 > 5. 1:1(0) ack 1',
    '0 > .5 1:1(0) ack 1',
    '0 > P3. 1:2(1) ack 1',
    '0 > S4. 0:0(0) ack 1',
    '0 > SEWA 0:0(0)',
  ]) {
    assert.match(packetOf(line).unsupported ?? '', /AccECN/);
  }
});

test('options: all that the language has, also those that cannot be played', () => {
  const { options } = packetOf('0 < S 0:0(0) win 9 <mss 1460, nop,wscale 6,sackOK,TS val 100 ecr 0,eol>');
  assert.deepEqual(options, [
    { name: 'mss', value: 1460 },
    { name: 'nop' },
    { name: 'wscale', value: 6 },
    { name: 'sackOK' },
    { name: 'TS', val: 100, ecr: 0 },
    { name: 'eol' },
  ]);
  const sack = packetOf('0 < . 1:1(0) ack 1 win 9 <nop,nop,sack 1:2 5:6>').options;
  assert.deepEqual(sack[2], {
    name: 'sack',
    blocks: [
      [1, 2],
      [5, 6],
    ],
  });
  assert.equal(packetOf('0 > . 1:1(0) ack 1 <...>').options, 'any');
  assert.deepEqual(packetOf('0 > . 1:1(0) ack 1 <TS val ... ecr 7>').options, [
    { name: 'TS', val: null, ecr: 7 },
  ]);
  for (const [text, cookie] of [
    ['FO', ''],
    ['FO 12345678', '12345678'],
    ['FO 0e12345678abcdef', '0e12345678abcdef'],
    ['FO ...', null],
  ] as const) {
    const { options: parsed, unsupported } = packetOf(`0 > S 0:0(0) <mss 1460,${text},nop,nop>`);
    assert.deepEqual([parsed[1], unsupported], [{ name: 'FO', cookie }, null], text);
  }
  for (const option of [
    'FO TFO_COOKIE',
    'FO abcd12',
    'FOEXP 12345678',
    'md5 00112233445566778899aabbccddeeff',
    'mp_capable a b',
  ]) {
    assert.match(
      packetOf(`0 < S 0:0(0) win 9 <mss 1460,${option},nop>`).unsupported ?? '',
      /is not supported/,
    );
  }
});

test('what may stand before a packet', () => {
  assert.equal(packetOf('0 > [ect0] . 1:1(0) ack 1').ip.ecn, 2);
  assert.equal(packetOf('0 > [ect01] . 1:1(0) ack 1').ip.ecn, 'ect01');
  assert.equal(packetOf('0 <[noecn] . 1:1(0) ack 1').ip.ecn, 0);
  assert.deepEqual(packetOf('0 > (tos 0x28, flowlabel 0x5) . 1:1(0) ack 1').ip, {
    ecn: null,
    tos: 0x28,
    ttl: null,
    flowLabel: 5,
  });
  assert.equal(packetOf('0 > [ttl 33] . 1:1(0) ack 1').ip.ttl, 33);
  assert.equal(packetOf('0 > (hlim 44) . 1:1(0) ack 1').ip.ttl, 44);
});

test('ICMP, with the quote before and behind', () => {
  const modern = actionOf('0 < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]') as IcmpPacket;
  assert.deepEqual(
    [modern.type, modern.code, modern.mtu, modern.quote.length],
    ['unreachable', 'frag_needed', 1200, 1000],
  );
  const old = actionOf('0 < [1:1001(1000)] icmp unreachable host_unreachable') as IcmpPacket;
  assert.deepEqual(
    [old.code, old.quote.seq, old.quote.length],
    ['host_unreachable', { kind: 'relative', value: 1 }, 1000],
  );
  assert.equal((actionOf('0 < icmp time_exceeded') as IcmpPacket).code, null);
});

test('calls: nested values, notes, results without their error', () => {
  const connect = actionOf('0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)') as Call;
  assert.deepEqual([connect.errno, connect.result], ['EINPROGRESS', { kind: 'number', value: -1 }]);
  const silent = parseScript('0 connect(3, ..., ...) = -1 // EINPROGRESS\n+0 > S 0:0(0)');
  assert.equal((silent.events[0]!.action as Call).errno, null);
  const flags = actionOf('0 fcntl(3, F_GETFL) = 0x02 (flags O_RDWR)') as Call;
  assert.deepEqual(flags.result, { kind: 'number', value: 2 });
  for (const line of [
    '0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0',
    '0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=0}, MSG_DONTWAIT | MSG_NOSIGNAL) = 30',
    '0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1',
    '0 bind(3, {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.168.0.1")}, 16) = 0',
    '0 write(4, "abc" "def", 6) = 6',
    '0 write(4, "abc"..., 600) = 600',
    '0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0',
    '0 setsockopt(3, IPPROTO_SCTP, SCTP_INITMSG, {sinit_num_ostreams=1, sinit_max_instreams=2, sinit_max_attempts=3, sinit_max_init_timeo=4}, 8) = 0',
    '0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 1}], msg_flags=0, msg_control=[{cmsg_level=1, cmsg_type=2, cmsg_data={scm_sec=0,scm_nsec=0}}]}, 0) = 1',
  ]) {
    assert.equal(actionOf(line).kind, 'call', line);
  }
});

test('other protocols and tunnels are read to their end and can be skipped', () => {
  const script = parseScript(`
    0 < udp (100)
    +0 > ipv4 192.0.2.1 > 192.0.2.2: gre: S 0:0(0) <mss 1460>
    +0 < sctp: INIT[flgs=0, tag=1, a_rwnd=1500, os=1, is=1, tsn=1,
                    SUPPORTED_EXTENSIONS[types=[RECONFIG]]];
         DATA[flgs=BE, len=20, tsn=1, sid=0, ssn=0, ppid=0]
    +0 > mpls (label 0, tc 0, [S], ttl 0): . 1:1(0) ack 1
    +.1 close(3) = 0`);
  assert.deepEqual(
    script.events.map(({ action }) => action.kind),
    ['other', 'other', 'other', 'other', 'call'],
  );
});

test('options, commands around the events, comments and definitions', () => {
  const script = parseScript(`--ip_version=ipv6
--tolerance_usecs=75000   // as wide as a door
--define=CC="reno"
/* a remark
   of two lines */
\`../common/defaults.sh\`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, CC, 4) = 0
\`sysctl net.inet.tcp.ecn.enable=2\``);
  assert.deepEqual(
    script.options.map(({ name, value }) => [name, value]),
    [
      ['ip_version', 'ipv6'],
      ['tolerance_usecs', '75000'],
      ['define', 'CC="reno"'],
    ],
  );
  assert.deepEqual([script.init.length, script.events.length, script.cleanup.length], [1, 2, 1]);
  assert.deepEqual((script.events[1]!.action as Call).args[3], { kind: 'text', text: 'reno' });
});

test('conditions of nplab: the standard is defined, systems are not', () => {
  const script = parseScript(`#ifdef STANDARD
0 close(3) = 0
#else
this is never read
#endif
#ifndef Linux
+1 close(4) = 0
#endif`);
  assert.deepEqual(
    script.events.map(({ position }) => position.line),
    [2, 7],
  );
});

test('headers say what a script proves, and where the kernel differs', () => {
  const { header } = parseScript(
    '// proves: RFC9293 MUST-12, RFC 5961 §3\n// kernel: differs, it is another stack\n0 close(3) = 0',
  );
  assert.deepEqual(header, {
    proves: ['RFC9293 MUST-12', 'RFC 5961 §3'],
    kernelDiffers: 'it is another stack',
  });
});

const WRONG: readonly (readonly [string, string, number, number, RegExp])[] = [
  ['an unknown option', '0 < S 0:0(0) win 1 <mss 1460,mass 3>', 1, 30, /"mass" is no option; there are: mss/],
  ['an unknown flag', '0 < SX 0:0(0) win 1', 1, 5, /"X" is no flag/],
  ['numbers that do not add up', '0 < . 1:1001(999) ack 1', 1, 7, /1:1001 are not 999 octets/],
  ['a window that is too large', '0 < . 1:1(0) ack 1 win 65536', 1, 24, /the window must be 0 to 65535/],
  ['a missing bracket', '0 close(3 = 0', 1, 11, /expected ","/],
  ['a call without result', '0 close(3)\n+0 close(4) = 0', 2, 1, /expected "="/],
  ['no action', '\n\n  0 123', 3, 5, /expected a packet, a call, a command or a snippet/],
  ['a negative time', '-1 close(3) = 0', 1, 1, /not negative/],
  ['a range for a call', '1~2 close(3) = 0', 1, 1, /only an expected packet/],
  ['any time for an injected packet', '* < . 1:1(0) ack 1', 1, 1, /only an expected packet/],
  ['a range that runs backwards', '2~1 > . 1:1(0) ack 1', 1, 3, /backwards/],
  ['open options on an injected packet', '0 < . 1:1(0) ack 1 <...>', 1, 25, /leave its options open/],
  [
    'too many options',
    '0 < . 1:1(0) ack 1 <sack 1:2 3:4 5:6 7:8,TS val 1 ecr 1>',
    1,
    57,
    /at most 40 octets/,
  ],
  ['a comment that is not closed', '0 close(3) = 0 /* and so on', 1, 16, /comment is not closed/],
  ['a command that is not closed', '0 `true', 1, 3, /command is not closed/],
  ['a snippet that is not closed', '0 %{ assert 1', 1, 3, /snippet is not closed/],
  ['a condition that is not closed', '#ifdef STANDARD\n0 close(3) = 0', 1, 1, /no #endif/],
  ['#endif alone', '0 close(3) = 0\n#endif', 2, 1, /without #ifdef/],
  ['nothing at all', '// only a remark', 1, 17, /expected an event/],
  [
    'events behind the cleanup',
    '0 close(3) = 0\n`true`\n+0 close(4) = 0',
    3,
    1,
    /nothing behind the last command/,
  ],
  ['a call that returns before it begins', '2...1 read(3, ..., 1) = 1', 1, 2, /return before it begins/],
];

for (const [what, text, line, column, message] of WRONG) {
  test(`an error with its place: ${what}`, () => {
    assert.throws(
      () => parseScript(text),
      (error: ScriptError) => {
        assert.equal(error.code, 'ERR_DRILL_SYNTAX');
        assert.match(error.message, message);
        assert.deepEqual(error.position, { line, column });
        assert.ok(error.message.startsWith(`${line}:${column}: `));
        return true;
      },
    );
  });
}

test('whatever a script holds, it is read or refused with its place', () => {
  const pieces = [
    ...[
      '0 ',
      '+.1 ',
      '* ',
      '< ',
      '> ',
      'S 0:0(0) ',
      'win 1 ',
      'ack 1 ',
      '<mss 1,',
      'sack 1:2',
      '> ',
      '[ect0] ',
      '(',
      ')',
    ],
    ...[
      'close(3) = 0\n',
      '{',
      '}',
      '[',
      ']',
      '`',
      '%{',
      '}%',
      '"',
      '/*',
      '*/',
      '//',
      '\n',
      '#ifdef STANDARD\n',
      '#endif\n',
    ],
    ...['--a=b ', '...', '~', '1!', '|', ',', '=', 'icmp ', 'sctp: ', 'udp (', '-1', '.5', '0x', '\0', '√'],
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 40 }), (parts) => {
      try {
        parseScript(parts.join(''));
      } catch (error) {
        assert.ok(error instanceof ScriptError, String(error));
      }
    }),
    { numRuns: 3000, seed: 7 },
  );
});

test('nested without end: refused, without a stack overflow', () => {
  assert.throws(() => parseScript(`0 f(${'['.repeat(50_000)}`), ScriptError);
});
