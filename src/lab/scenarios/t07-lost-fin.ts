// T07: a FIN is lost.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open, untilState } from './opening.js';

/** A FIN is repeated like data. */
export const T07: Scenario = {
  id: 'T07',
  title: text('a FIN is lost', 'FIN 丢失'),
  claims: ['C13', 'C17'],
  moral: text(
    'A lost FIN is resent like data: it owns a sequence number.',
    'FIN 丢失会像数据一样重发，因为它占一个序号。',
  ),
  variants: [
    {
      id: 'T07a',
      repeats: true,
      what: text('ours', '我方的 FIN'),
      ours: 'A',
      wire: `${OPENING}
        lost A>B FA 1 a1   | FIN-WAIT-1  | ESTABLISHED*
        A>B FA 1 a1        | FIN-WAIT-1  | CLOSE-WAIT*
        B>A A  1 a2        | FIN-WAIT-2  | CLOSE-WAIT
        B>A FA 1 a2        | TIME-WAIT   | LAST-ACK
        A>B A  2 a2        | TIME-WAIT   | CLOSED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: {},
      completeness: [23],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'FA', nth: 1 });
        await open(x);
        x.a.close();
        await untilState(x, 'a', 'FIN-WAIT-2');
        const [first = 0, second = 0] = x.times({ from: 'A', flags: 'FA' });
        x.check(
          'it was repeated when its timer had run out, 0.2 s or later',
          '定时器到期（至少 0.2 秒）后重发',
          second - first >= 199,
          `${second - first} ms`,
        );
        x.b.close();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
    {
      id: 'T07b',
      repeats: true,
      what: text('the other end’s', '对端的 FIN'),
      ours: 'B',
      wire: `
        A>B S  0           | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1        | -           | SYN-RECEIVED
        A>B A  1 a1        | ESTABLISHED | ESTABLISHED
        lost A>B FA 1 a1   | FIN-WAIT-1* | ESTABLISHED
        A>B FA 1 a1        | FIN-WAIT-1  | CLOSE-WAIT
        B>A A  1 a2        | FIN-WAIT-2  | CLOSE-WAIT
        B>A FA 1 a2        | TIME-WAIT   | LAST-ACK
        A>B A  2 a2        | TIME-WAIT   | CLOSED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED',
      judge: { retransmission: 1 },
      completeness: [23],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'FA', nth: 1 });
        await open(x);
        x.a.close();
        await x.until('B has acknowledged the FIN', () => x.count({ from: 'B', flags: 'A' }) === 1);
        await x.wait(20);
        x.b.close();
        await x.until('B is CLOSED', () => x.b.session.closed);
      },
    },
  ],
};
