// H05: TCP Fast Open, in both roles: data that is read before the handshake is over.
import { TcpOptionKind } from '../../wire/tcp-options.js';
import { decodeTcpOptions } from '../../wire/tcp-options-decode.js';
import { type Scenario, text, type Variant } from '../scenario.js';
import type { Stage } from '../stage.js';

const REQUEST = 'GET /early';
const ANSWER = '200 OK';

/** Where the segments of every variant begin: a connection that asks, and is reset at once. */
const ASKING = `
        A>B S  0          | SYN-SENT    | SYN-RECEIVED   # asks for a cookie
        B>A SA 0 a1       | ESTABLISHED | SYN-RECEIVED   # gets it
        A>B A  1 a1       | ESTABLISHED | ESTABLISHED
        A>B RA 1 a1       | CLOSED      | -
`;

const base: Pick<Variant, 'needs' | 'knobs' | 'config' | 'isn' | 'intact'> = {
  needs: ['python3'],
  knobs: { 'net.ipv4.tcp_fastopen': '3' },
  config: { fastOpen: true },
  // The two connections have the same ports, and are told apart by their numbers.
  isn: 'rfc6528',
  intact: false,
};

/** Octets of the cookie on the first segment with these flags; 0 where one is asked for, null without the option. */
function cookieOn(x: Stage, flags: string): number | null {
  const segment = x.records().find((record) => record.ev === 'seg' && record.flags === flags);
  return (segment?.opts as { tfo?: number } | undefined)?.tfo ?? null;
}

/** The first connection: A asks for a cookie. */
async function askForCookie(x: Stage): Promise<void> {
  await x.b.listen();
  x.a.connect({ data: '', fastOpen: true });
  await x.established();
  const given = cookieOn(x, 'SA');
  x.check('the server gave a cookie of eight bytes', '服务端给出八字节的 Cookie', given === 8, given);
  x.a.abort();
  await x.until('B has heard that A is gone', () => x.b.session.closed || x.b.session.error !== null);
}

/** The second: A shows it, with data. */
function showCookie(x: Stage, portOffset = 0): void {
  x.a.connect({ data: REQUEST, fastOpen: true, portOffset });
}

/** Everybody may read a cookie, so anybody may have got it wrong. */
function spoilCookie(x: Stage): void {
  x.link.rewrite({ from: 'A', flags: 'S', len: REQUEST.length }, ({ options }) => {
    const all = decodeTcpOptions(options, 0, options.length);
    const option = all.find(({ kind }) => kind === TcpOptionKind.FAST_OPEN);
    if (option !== undefined) options[option.offset + 2]! ^= 0xff;
  });
}

/** B reads and answers while the third segment is still to come. */
async function readEarly(x: Stage): Promise<void> {
  await x.until('B’s application has the data', () => x.b.receivedText === REQUEST);
  x.check(
    'it was read while B is SYN-RECEIVED',
    'B 处于 SYN-RECEIVED 时就已读到',
    x.b.state() === 'SYN-RECEIVED',
    x.b.state(),
  );
  x.b.send(ANSWER);
}

async function answered(x: Stage): Promise<void> {
  await x.until('A has the answer', () => x.a.receivedText === ANSWER);
  await x.until('B is ESTABLISHED', () => x.b.state() === 'ESTABLISHED');
}

/** Nothing is read before the handshake is over, and everything after it. */
async function readLate(x: Stage): Promise<void> {
  const fresh = x.b.accepted;
  x.link.hold('third', { from: 'A', flags: 'A', len: REQUEST.length }, true);
  showCookie(x);
  await x.until('the third segment is on its way', () => x.link.held('third') > 0);
  x.check('nothing was delivered yet', '此时没有交付任何数据', x.b.accepted === fresh, x.b.accepted);
  x.link.release('third');
  await x.until('B’s application has the data', () => x.b.receivedText === REQUEST);
  await x.until('A knows it', () => x.count({ from: 'B', flags: 'A' }) >= 1);
}

const WRONG = `
        A>B S  0 [10]     | SYN-SENT    | SYN-RECEIVED   # shows a cookie that is wrong
        B>A SA 0 a1       | ESTABLISHED | SYN-RECEIVED   # the SYN only, and a fresh cookie
        A>B A  1 a1 [10]  | ESTABLISHED | ESTABLISHED    # the data once more
        B>A A  1 a11      | ESTABLISHED | ESTABLISHED
`;

async function playWrong(x: Stage): Promise<void> {
  await askForCookie(x);
  spoilCookie(x);
  await readLate(x);
  x.curtain();
}

/** Early, but only for whoever has proved to be at home at its address. */
export const H05: Scenario = {
  id: 'H05',
  title: text('Fast Open: data on the SYN, delivered at once', 'TFO：SYN 上的数据立即交付'),
  claims: ['C21', 'C22'],
  moral: text(
    'Fast Open delivers early, but only to a client holding a cookie.',
    'TFO 可以提前交付，但客户端必须出示 Cookie。',
  ),
  variants: [
    {
      ...base,
      id: 'H05a',
      what: text('our client, with its cookie', '我方客户端，出示正确的 Cookie'),
      ours: 'A',
      wire: `${ASKING}
        A>B S  0 [10]     | SYN-SENT    | SYN-RECEIVED   # shows it, with data
        B>A SA 0 a11      | ESTABLISHED | SYN-RECEIVED*  # all of it is acknowledged
        ? A>B A 11 a1
        B>A A  1 a11 [6]  | ESTABLISHED | -              # the answer, sent before any third segment
        A>B A  11 a7      | ESTABLISHED | ESTABLISHED
      `,
      judge: { rst: 1, reused_ports: 1, tfo_syn: 1, tfo_ack: 1 },
      completeness: [39, 15],
      async play(x) {
        await askForCookie(x);
        x.link.hold('answer', { from: 'B', flags: 'SA', ack: 11 }, true);
        showCookie(x);
        await readEarly(x);
        await x.until('SYN-ACK and answer are on their way', () => x.link.held('answer') === 2);
        x.link.release('answer');
        await answered(x);
        x.curtain();
      },
    },
    {
      ...base,
      id: 'H05b',
      what: text('our server, and a client with its cookie', '我方服务端，客户端出示正确的 Cookie'),
      ours: 'B',
      wire: `${ASKING}
        A>B S  0 [10]     | SYN-SENT    | SYN-RECEIVED   # shows it, with data
        B>A SA 0 a11      | -           | SYN-RECEIVED   # all of it is acknowledged
        B>A A  1 a11 [6]  | ESTABLISHED | SYN-RECEIVED   # the answer, before the third segment
        ? A>B A 11 a1
        A>B A  11 a7      | ESTABLISHED | ESTABLISHED
      `,
      judge: { rst: 1, reused_ports: 1, tfo_syn: 1, tfo_ack: 1 },
      completeness: [39, 15],
      async play(x) {
        await askForCookie(x);
        x.link.hold('third', { from: 'A', flags: 'A', seq: 11 }, true);
        showCookie(x);
        await readEarly(x);
        await x.until('the answer came before the third segment', () => x.count({ from: 'B', len: 6 }) === 1);
        x.link.release('third');
        await answered(x);
        x.curtain();
      },
    },
    {
      ...base,
      id: 'H05c',
      what: text(
        'our client, and a cookie that is wrong: the data follows the handshake',
        '我方客户端，Cookie 错误：数据在握手之后重发',
      ),
      ours: 'A',
      wire: ASKING + WRONG,
      judge: { rst: 1, reused_ports: 1, tfo_syn: 1, tfo_ignored: 1, retransmission: 1 },
      completeness: [39, 15],
      play: playWrong,
    },
    {
      ...base,
      id: 'H05d',
      what: text(
        'our server, and a cookie that is wrong: nothing is delivered early',
        '我方服务端，Cookie 错误：不提前交付任何数据',
      ),
      ours: 'B',
      wire: ASKING + WRONG,
      judge: { rst: 1, reused_ports: 1, tfo_syn: 1, tfo_ignored: 1, retransmission: 1 },
      completeness: [39, 15],
      play: playWrong,
    },
    {
      ...base,
      id: 'H05e',
      what: text(
        'our server, when too many wait for their third segment: the next one is served as ever',
        '我方服务端，等待第三个报文段的连接过多：下一个按普通方式处理',
      ),
      ours: 'B',
      worlds: ['sim'],
      config: { fastOpen: true, fastOpenPending: 1 },
      wire: `${ASKING}
        A>B S  0 [10]     | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a11      | -           | SYN-RECEIVED   # the only one there is room for
        A>B S  0 [10]     | SYN-SENT    | SYN-RECEIVED   # the next, with a cookie as good
        B>A SA 0 a1       | -           | SYN-RECEIVED   # the SYN only
        A>B A  1 a1 [10]  | ESTABLISHED | ESTABLISHED
        B>A A  1 a11      | ESTABLISHED | ESTABLISHED
      `,
      judge: { rst: 1, reused_ports: 1, tfo_syn: 2, tfo_ack: 1, tfo_ignored: 1, retransmission: 1 },
      completeness: [39, 7, 15],
      async play(x) {
        await askForCookie(x);
        x.link.hold('third', { from: 'A', flags: 'A', seq: 11 });
        showCookie(x);
        await x.until('B’s application has the data', () => x.b.receivedText === REQUEST);
        const early = x.b.accepted;
        showCookie(x, 1);
        await x.until('B has answered the second SYN', () => x.count({ from: 'B', flags: 'SA' }) === 3);
        x.check('it was not handed out', '没有提前交付', x.b.accepted === early, x.b.accepted);
        await x.until('B has handed it out', () => x.b.accepted === early + 1);
        await x.until('A knows it', () => x.count({ from: 'B', flags: 'A' }) === 1);
        x.curtain();
      },
    },
    {
      ...base,
      id: 'H05f',
      what: text(
        'our server, not told to use it: the option is ignored',
        '我方服务端没有启用 TFO：忽略该选项',
      ),
      ours: 'B',
      config: {},
      peerConfig: { fastOpen: true },
      wire: `
        A>B S  0          | SYN-SENT    | SYN-RECEIVED   # asks for a cookie
        B>A SA 0 a1       | -           | SYN-RECEIVED   # as if it had not
        A>B A  1 a1       | ESTABLISHED | ESTABLISHED
      `,
      judge: {},
      completeness: [7],
      async play(x) {
        await x.b.listen();
        x.a.connect({ data: '', fastOpen: true });
        await x.established();
        x.check('A asked for a cookie', 'A 请求了 Cookie', cookieOn(x, 'S') === 0);
        x.check('B gave none', 'B 没有给出', cookieOn(x, 'SA') === null, cookieOn(x, 'SA'));
        x.curtain();
      },
    },
  ],
};
