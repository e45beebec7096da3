// T12: what would happen without TIME-WAIT and every other guard.
import { type Scenario, text, type Variant } from '../scenario.js';
import type { Stage } from '../stage.js';
import { timestampOption } from './opening.js';

const ORDER = 'PAY BOB 100';
/** The first connection, up to the end of it. */
const FIRST = `
        A>B S  0           | SYN-SENT    | -
        B>A SA 0 a1        | ESTABLISHED | -
        A>B A  1 a1        | ESTABLISHED | -
        A>B A  1 a1 [11]   | ESTABLISHED | -
        B>A A  1 a12       | ESTABLISHED | -
        A>B FA 12 a1       | FIN-WAIT-1  | -
        B>A FA 1 a13       | -           | -
        A>B A  13 a2       | -           | -
`;
const SECOND = `
        A>B S  0           | SYN-SENT    | -
        B>A SA 0 a1        | ESTABLISHED | -
        A>B A  1 a1        | ESTABLISHED | -
`;

/** The order of the first connection once more, bit for bit. */
function replay(x: Stage): void {
  const old = x.records().find(({ ev, dir, len }) => ev === 'seg' && dir === 'out' && len === ORDER.length);
  const { seq_raw, ack_raw, opts } = old as {
    seq_raw: number;
    ack_raw: number;
    opts: { ts?: [number, number] };
  };
  const options = opts.ts === undefined ? {} : { options: timestampOption(...opts.ts) };
  x.link.inject({ from: 'A', flags: 'A', seq: seq_raw, ack: ack_raw, raw: true, payload: ORDER, ...options });
}

/** The same client connects twice; between the two an old segment was on its way. */
async function payTwice(x: Stage, pauseMs = 10): Promise<void> {
  x.b.atEnd = 'close';
  await x.b.listen();
  x.a.connect();
  await x.established();
  x.a.send(ORDER);
  await x.until('the bank has the order', () => x.b.receivedText === ORDER);
  await x.until('it is acknowledged', () => x.count({ from: 'B', flags: 'A' }) === 1);
  x.a.close();
  await x.until('the bank has closed', () => x.b.session.closed);
  await x.until('the client has forgotten it', () => x.a.state() === 'CLOSED');
  await x.wait(pauseMs);
  x.a.connect();
  await x.until('connected anew', () => x.b.accepted === 2 && x.a.session.established);
  await x.wait(10);
  x.note('a segment of the first connection arrives', '第一个连接的旧报文段到达');
  replay(x);
  await x.wait(60);
}

const base: Pick<Variant, 'ours' | 'worlds' | 'isn' | 'peerIsn' | 'intact' | 'config'> = {
  ours: 'A',
  worlds: ['sim'],
  isn: 'fixed',
  peerIsn: 'fixed',
  intact: false,
};

function paidTwice(x: Stage, times: 1 | 2): void {
  const second = x.b.receivedText;
  x.check(
    times === 2
      ? 'the second connection delivered the old order: paid twice'
      : 'the old order was not delivered again',
    times === 2 ? '第二个连接交付了旧的付款：付了两次' : '旧的付款没有再次交付',
    second === (times === 2 ? ORDER : ''),
    `"${second}"`,
  );
}

/** Why an old segment must die before its numbers are used again. */
export const T12: Scenario = {
  id: 'T12',
  title: text('without TIME-WAIT and the other guards', '没有 TIME-WAIT 和其他保护'),
  claims: ['C26'],
  moral: text(
    'Remove the wait and every other guard, and the old payment is made twice.',
    '去掉等待和其他保护，旧的“付款”会被执行两次。',
  ),
  variants: [
    {
      ...base,
      id: 'T12a',
      what: text(
        'no wait, the same ISN again, no timestamps: paid twice',
        '不等待、ISN 相同、没有时间戳：付了两次',
      ),
      unsafe: ['msl=0', 'isn=fixed', 'paws=off'],
      wire: `${FIRST}${SECOND}
        inj A>B A 1 a1 [11]  | ESTABLISHED | ESTABLISHED
        B>A A  1 a12         | ESTABLISHED | ESTABLISHED   # taken for today's
        A>B A  1 a1          | ESTABLISHED | ESTABLISHED   # A never said that
        B>A A  1 a12         | ESTABLISHED | ESTABLISHED
        A>B A  1 a1          | ESTABLISHED | ESTABLISHED
      `,
      // To Wireshark it is the first connection, which repeats itself.
      judge: { retransmission: 3, keep_alive: 2 },
      completeness: [31],
      async play(x) {
        await payTwice(x);
        paidTwice(x, 2);
        x.curtain();
      },
    },
    {
      ...base,
      id: 'T12b',
      what: text(
        'with TIME-WAIT: the tuple cannot be used again in time',
        '有 TIME-WAIT：这个四元组暂时不能再用',
      ),
      unsafe: ['isn=fixed', 'paws=off'],
      wire: `${FIRST}
        inj A>B A 1 a1 [11]  | TIME-WAIT | CLOSED
        B>A R  1             | TIME-WAIT | CLOSED
      `,
      judge: { rst: 1, retransmission: 1, spurious_retransmission: 1 },
      completeness: [63],
      async play(x) {
        x.b.atEnd = 'close';
        await x.b.listen();
        x.a.connect();
        await x.established();
        x.a.send(ORDER);
        await x.until('it is acknowledged', () => x.count({ from: 'B', flags: 'A' }) === 1);
        x.a.close();
        await x.until('the bank has closed', () => x.b.session.closed);
        await x.wait(10);
        let refused = '';
        try {
          x.a.connect();
        } catch (error) {
          refused = (error as NodeJS.ErrnoException).code ?? '';
        }
        x.check(
          'the same tuple is refused while A waits: EADDRNOTAVAIL',
          'A 等待期间拒绝使用同一四元组：EADDRNOTAVAIL',
          refused === 'EADDRNOTAVAIL',
          refused,
        );
        replay(x);
        await x.wait(60);
        x.check('the old order met a RST', '旧的付款只得到 RST', x.count({ from: 'B', flags: 'R' }) === 1);
        x.check('one connection in all', '总共只有一个连接', x.b.accepted === 1, x.b.accepted);
      },
    },
    {
      ...base,
      id: 'T12c',
      what: text(
        'with a clock for ISNs: the old number lies outside the window',
        'ISN 随时钟增长：旧序号落在窗口之外',
      ),
      isn: 'rfc6528',
      unsafe: ['msl=0', 'paws=off'],
      wire: `${FIRST}${SECOND}
        inj A>B A * a* [11]  | ESTABLISHED | ESTABLISHED
        B>A A  1 a1          | ESTABLISHED | ESTABLISHED
      `,
      judge: { reused_ports: 1, retransmission: 1, spurious_retransmission: 1, window_update: 1 },
      completeness: [31, 15],
      async play(x) {
        await payTwice(x);
        paidTwice(x, 1);
        x.curtain();
      },
    },
    {
      ...base,
      id: 'T12d',
      what: text(
        'with a check of the ACK: it acknowledges what this server never sent',
        '检查 ACK：它确认的数据此服务端从未发送',
      ),
      peerIsn: 'rfc6528',
      unsafe: ['msl=0', 'isn=fixed', 'paws=off'],
      wire: `${FIRST}${SECOND}
        inj A>B A 1 a* [11]  | ESTABLISHED | ESTABLISHED
        B>A A  1 a1          | ESTABLISHED | ESTABLISHED
      `,
      judge: { reused_ports: 2, retransmission: 2, window_update: 1, lost_segment: 1, ack_lost_segment: 1 },
      completeness: [31],
      async play(x) {
        // RFC 5961 tells old from new once the numbers are further apart than the largest window: two seconds are enough.
        await payTwice(x, 2000);
        paidTwice(x, 1);
        x.curtain();
      },
    },
    {
      ...base,
      id: 'T12e',
      what: text('with timestamps: PAWS sees that it is old', '有时间戳：PAWS 看出它是旧的'),
      config: { timestamps: true },
      unsafe: ['msl=0', 'isn=fixed'],
      wire: `${FIRST}${SECOND}
        inj A>B A 1 a1 [11]  | ESTABLISHED | ESTABLISHED
        B>A A  1 a1          | ESTABLISHED | ESTABLISHED
      `,
      judge: { retransmission: 3, keep_alive: 1 },
      completeness: [31],
      async play(x) {
        await payTwice(x);
        paidTwice(x, 1);
        x.curtain();
      },
    },
  ],
};
