// T11: segments of the past.
import { type Scenario, text } from '../scenario.js';
import { nothingDelivered, OPENING, open, timestampOption, untilState } from './opening.js';

/** Acknowledged with today's numbers, and thrown away. */
export const T11: Scenario = {
  id: 'T11',
  title: text('old duplicates', '旧的重复报文段'),
  claims: ['C26'],
  moral: text(
    'The old segment was acknowledged with the current numbers and thrown away.',
    '旧报文段被用当前序号应答，然后丢弃。',
  ),
  variants: [
    {
      id: 'T11a',
      what: text('data in TIME-WAIT', 'TIME-WAIT 中收到旧数据'),
      ours: 'A',
      leastMslMs: 500,
      wire: `${OPENING}
        B>A A 1 a1 [5]       | ESTABLISHED | ESTABLISHED
        A>B A 1 a6           | ESTABLISHED | ESTABLISHED
        A>B FA 1 a6          | FIN-WAIT-1  | CLOSE-WAIT
        B>A A 6 a2           | FIN-WAIT-2  | CLOSE-WAIT
        B>A FA 6 a2          | TIME-WAIT   | LAST-ACK
        A>B A 2 a7           | TIME-WAIT   | CLOSED
        inj B>A A 1 a1 [5]   | TIME-WAIT   | CLOSED
        ? A>B A 2 a7         | TIME-WAIT   | CLOSED     # where we are
        ? B>A R 7            | -           | CLOSED     # and where B is: nowhere
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: { rst: 1, duplicate_ack: 1 },
      completeness: [63],
      async play(x) {
        await open(x);
        x.b.send('hello');
        await x.until('A has it', () => x.a.receivedText === 'hello');
        await x.until('A has acknowledged it', () => x.count({ from: 'A', flags: 'A' }) === 2);
        x.a.shutdown();
        await untilState(x, 'a', 'FIN-WAIT-2');
        x.b.close();
        await untilState(x, 'a', 'TIME-WAIT');
        await x.wait(20);
        x.link.inject({ from: 'B', flags: 'A', seq: 1, ack: 1, payload: 'HELLO' });
        await x.until('A has answered', () => x.count({ from: 'A', flags: 'A' }) === 4);
        x.check(
          'the application got the first hello only',
          '应用只得到第一个 hello',
          x.a.receivedText === 'hello',
          x.a.receivedText,
        );
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
    {
      id: 'T11b',
      what: text('data outside the window of a new connection', '落在新连接窗口之外的旧数据'),
      ours: 'A',
      wire: `${OPENING}
        inj B>A A 900000000 a1 [5]   | ESTABLISHED | ESTABLISHED
        A>B A  1 a1                  | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: { duplicate_ack: 1 },
      completeness: [7],
      async play(x) {
        await open(x);
        x.link.inject({ from: 'B', flags: 'A', seq: 900_000_000, ack: 1, payload: 'stale' });
        await x.until('A has answered', () => x.count({ from: 'A', flags: 'A' }) === 2);
        await x.wait(20);
        nothingDelivered(x, 'a');
        x.curtain();
      },
    },
    {
      id: 'T11c',
      what: text('data in the window, with an ACK of the old connection', '落在窗口内，但 ACK 属于旧连接'),
      ours: 'A',
      wire: `${OPENING}
        inj B>A A 1 a-70000000 [5]   | ESTABLISHED | ESTABLISHED
        A>B A  1 a1                  | ESTABLISHED | ESTABLISHED  # RFC 5961: challenge
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: { duplicate_ack: 1 },
      completeness: [7],
      async play(x) {
        await open(x);
        x.link.inject({ from: 'B', flags: 'A', seq: 1, ack: -70_000_000, payload: 'stale' });
        await x.until('A has answered', () => x.count({ from: 'A', flags: 'A' }) === 2);
        await x.wait(20);
        nothingDelivered(x, 'a');
        x.curtain();
      },
    },
    {
      id: 'T11d',
      what: text('both numbers fit, the timestamp is old: PAWS', '两个序号都合适，但时间戳太旧：PAWS'),
      ours: 'A',
      config: { timestamps: true },
      wire: `${OPENING}
        inj B>A A 1 a1 [5]   | ESTABLISHED | ESTABLISHED
        A>B A  1 a1          | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: { duplicate_ack: 1 },
      completeness: [7],
      async play(x) {
        await open(x);
        const opts = x.records().findLast(({ ev, dir }) => ev === 'seg' && dir === 'in')?.opts as {
          ts: [number, number];
        };
        const options = timestampOption((opts.ts[0] - 1_000_000) >>> 0, 0);
        x.link.inject({ from: 'B', flags: 'A', seq: 1, ack: 1, payload: 'stale', options });
        await x.until('A has answered', () => x.count({ from: 'A', flags: 'A' }) === 2);
        await x.wait(20);
        nothingDelivered(x, 'a');
        const paws = x.records().filter(({ ev, why }) => ev === 'drop' && why === 'paws').length;
        x.check('the log names PAWS', '日志指出原因是 PAWS', paws === 1, paws);
        x.curtain();
      },
    },
    {
      id: 'T11e',
      what: text('as T11c, into the other end', '同 T11c，但针对另一端'),
      ours: 'A',
      wire: `${OPENING}
        inj A>B A 1 a-70000000 [5]   | ESTABLISHED | ESTABLISHED
        B>A A  1 a1                  | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: { window_update: 1 },
      completeness: [15],
      async play(x) {
        await open(x);
        x.link.inject({ from: 'A', flags: 'A', seq: 1, ack: -70_000_000, payload: 'stale' });
        await x.until('B has answered', () => x.count({ from: 'B', flags: 'A' }) === 1);
        await x.wait(20);
        nothingDelivered(x, 'b');
        x.curtain();
      },
    },
  ],
};
