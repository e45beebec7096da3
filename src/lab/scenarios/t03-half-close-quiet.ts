// T03: half-closed, and nothing is said any more.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open, untilState } from './opening.js';

/** w = v. */
export const T03: Scenario = {
  id: 'T03',
  title: text('half-close with nothing left to say (w = v)', '半关闭且没有剩余数据 (w = v)'),
  claims: ['C15'],
  moral: text('w = v: nothing was sent between the ACK and the FIN.', 'w = v：ACK 与 FIN 之间没有发送数据。'),
  variants: [
    {
      id: 'T03',
      ours: 'A',
      wire: `${OPENING}
        A>B FA 1 a1   | FIN-WAIT-1  | CLOSE-WAIT*
        B>A A  1 a2   | FIN-WAIT-2  | CLOSE-WAIT    # v
        B>A FA 1 a2   | TIME-WAIT   | LAST-ACK*     # w, the same number
        A>B A  2 a2   | TIME-WAIT   | CLOSED*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: {},
      completeness: [23],
      async play(x) {
        await open(x);
        x.a.shutdown();
        await untilState(x, 'a', 'FIN-WAIT-2');
        await x.wait(20);
        x.b.close();
        await x.until('A reads the end', () => x.a.session.ended);
      },
    },
  ],
};
