// T08: the ACK of a FIN is lost.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open, untilState } from './opening.js';

/** It costs one more FIN. */
export const T08: Scenario = {
  id: 'T08',
  title: text('the ACK of the FIN is lost', '对 FIN 的 ACK 丢失'),
  claims: ['C14'],
  moral: text('Losing the second step only costs a repeated FIN.', '第二次挥手丢失，只会多发一次 FIN。'),
  variants: [
    {
      id: 'T08',
      repeats: true,
      ours: 'A',
      wire: `${OPENING}
        A>B FA 1 a1       | FIN-WAIT-1  | CLOSE-WAIT
        lost B>A A 1 a2   | FIN-WAIT-1  | CLOSE-WAIT*
        A>B FA 1 a1       | FIN-WAIT-1  | CLOSE-WAIT
        B>A A  1 a2       | FIN-WAIT-2  | CLOSE-WAIT*
        B>A FA 1 a2       | TIME-WAIT   | LAST-ACK
        A>B A  2 a2       | TIME-WAIT   | CLOSED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: { retransmission: 1, duplicate_ack: 1 },
      completeness: [23],
      async play(x) {
        x.link.drop({ from: 'B', flags: 'A', ack: 2, nth: 1 });
        await open(x);
        x.a.close();
        await untilState(x, 'a', 'FIN-WAIT-2');
        x.b.close();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
  ],
};
