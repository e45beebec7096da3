// T10: a FIN that comes after 2 MSL.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open, untilState } from './opening.js';

/** What TIME-WAIT prevents. */
export const T10: Scenario = {
  id: 'T10',
  title: text('a FIN comes after the wait is over', '2MSL 之后才到的 FIN'),
  claims: ['C05', 'C27'],
  moral: text(
    'After 2MSL nobody remembers: a late FIN now meets a RST.',
    '2MSL 之后没有人记得：迟到的 FIN 只会得到 RST。',
  ),
  variants: [
    {
      id: 'T10',
      what: text('2 MSL are made shorter than B’s retransmission timer', '让 2MSL 短于 B 的重传定时器'),
      ours: 'A',
      config: { mslMs: 50 },
      peerConfig: { mslMs: 1000 },
      wire: `${OPENING}
        A>B FA 1 a1       | FIN-WAIT-1  | CLOSE-WAIT
        B>A A  1 a2       | FIN-WAIT-2  | CLOSE-WAIT
        B>A FA 1 a2       | TIME-WAIT   | LAST-ACK
        lost A>B A 2 a2   | TIME-WAIT   | LAST-ACK*
        B>A FA 1 a2       | CLOSED      | LAST-ACK
        A>B R  2          | CLOSED      | CLOSED*     # SEG.ACK is its number
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: { retransmission: 1, rst: 1 },
      completeness: [55],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'A', seq: 2, nth: 1 });
        await open(x);
        x.a.close();
        await untilState(x, 'a', 'FIN-WAIT-2');
        x.b.close();
        await x.until('the late FIN was answered', () => x.count({ from: 'A', flags: 'R' }) === 1);
        await x.until('B is CLOSED', () => x.b.state() === 'CLOSED' || x.b.state() === 'LISTEN');
      },
    },
  ],
};
