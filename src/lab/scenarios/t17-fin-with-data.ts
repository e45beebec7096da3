// T17: a FIN that carries data.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open, untilState } from './opening.js';

/** Data first, then the FIN's own number. */
export const T17: Scenario = {
  id: 'T17',
  title: text('a FIN with data', '携带数据的 FIN'),
  claims: ['C13', 'C17'],
  moral: text('Ten bytes and a FIN take eleven numbers.', '十字节数据加一个 FIN 消耗十一个序号。'),
  variants: [
    {
      id: 'T17',
      ours: 'A',
      wire: `${OPENING}
        A>B FA 1 a1 [10]  | FIN-WAIT-1  | CLOSE-WAIT*
        B>A A  1 a12      | FIN-WAIT-2  | CLOSE-WAIT    # 1 + 10 + 1
        B>A FA 1 a12      | TIME-WAIT   | LAST-ACK
        A>B A  12 a2      | TIME-WAIT   | CLOSED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: {},
      completeness: [31],
      async play(x) {
        await open(x);
        x.a.send('ten bytes.');
        x.a.shutdown();
        await untilState(x, 'a', 'FIN-WAIT-2');
        x.check(
          'B has ten bytes, then the end',
          'B 得到十个字节，然后是结束',
          x.b.receivedText === 'ten bytes.' && x.b.session.ended,
        );
        await x.wait(20);
        x.b.close();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
  ],
};
