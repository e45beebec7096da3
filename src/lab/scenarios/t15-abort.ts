// T15: an end without FIN.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open, untilState } from './opening.js';

/** RST instead of FIN. */
export const T15: Scenario = {
  id: 'T15',
  title: text('abort: RST instead of FIN', '异常终止：用 RST 代替 FIN'),
  claims: ['C02', 'C14'],
  moral: text(
    'Abort: no FIN, no TIME-WAIT, the peer is told "reset", not "end of file".',
    '异常终止：没有 FIN，没有 TIME-WAIT，对端看到的是“复位”而不是“结束”。',
  ),
  variants: [
    {
      id: 'T15a',
      what: text('we abort', '我方异常终止'),
      ours: 'A',
      wire: `${OPENING}
        A>B RA 1 a1   | CLOSED | CLOSED*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED CLOSED',
      judge: { rst: 1 },
      completeness: [39],
      async play(x) {
        await open(x);
        x.a.abort();
        await x.until('B hears of it', () => x.b.session.error !== null);
        x.check(
          'B’s application heard ECONNRESET, not the end',
          'B 的应用得到 ECONNRESET 而不是结束',
          x.b.session.error === 'ECONNRESET' && !x.b.session.ended,
          x.b.session.error,
        );
      },
    },
    {
      id: 'T15b',
      what: text('the other end aborts', '对端异常终止'),
      ours: 'A',
      wire: `${OPENING}
        B>A RA 1 a1   | CLOSED | CLOSED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED CLOSED',
      judge: { rst: 1 },
      completeness: [39],
      async play(x) {
        await open(x);
        x.b.abort();
        await x.until('A hears of it', () => x.a.session.closed);
        x.check(
          'our application heard ECONNRESET, not the end',
          '我方应用得到 ECONNRESET 而不是结束',
          x.a.session.error === 'ECONNRESET' && !x.a.session.ended,
          x.a.session.error,
        );
      },
    },
    {
      id: 'T15c',
      what: text('close() with unread data is an abort', '有未读数据时的 close() 等于异常终止'),
      ours: 'A',
      intact: false,
      wire: `${OPENING}
        B>A A 1 a1 [5]  | ESTABLISHED | ESTABLISHED
        A>B A 1 a6      | ESTABLISHED | ESTABLISHED
        A>B RA 1 a6     | CLOSED      | CLOSED*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED CLOSED',
      judge: { rst: 1 },
      completeness: [47],
      async play(x) {
        x.a.pause();
        await open(x);
        x.b.send('hello');
        await x.until('A has acknowledged it', () => x.count({ from: 'A', flags: 'A' }) === 2);
        x.a.close();
        await x.until('B hears of it', () => x.b.session.error !== null);
        x.check(
          'B’s application heard ECONNRESET: its bytes were not read',
          'B 的应用得到 ECONNRESET：数据没有被读取',
          x.b.session.error === 'ECONNRESET',
          x.b.session.error,
        );
      },
    },
    {
      id: 'T15d',
      what: text('data for an application that has left', '数据到达时应用已经离开'),
      ours: 'A',
      intact: false,
      wire: `${OPENING}
        A>B FA 1 a1     | FIN-WAIT-1 | CLOSE-WAIT
        B>A A 1 a2      | FIN-WAIT-2 | CLOSE-WAIT
        B>A A 1 a2 [5]  | CLOSED     | CLOSE-WAIT
        A>B R 2         | CLOSED     | CLOSED*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSED',
      judge: { rst: 1 },
      completeness: [63],
      async play(x) {
        await open(x);
        x.a.close();
        await untilState(x, 'a', 'FIN-WAIT-2');
        x.b.send('hello');
        await x.until('A has answered by RST', () => x.count({ from: 'A', flags: 'R' }) === 1);
        await x.until('B is CLOSED', () => x.b.state() === 'CLOSED');
      },
    },
  ],
};
