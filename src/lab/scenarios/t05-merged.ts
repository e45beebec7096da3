// T05: the second and the third segment are one.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open } from './opening.js';

/** Three segments are enough when the other end closes at once. */
export const T05: Scenario = {
  id: 'T05',
  title: text('ACK and FIN in one segment: a close of three', 'ACK 与 FIN 合并：三次挥手'),
  claims: ['C24', 'C25'],
  moral: text(
    'ACK and FIN shared one segment: a three-step close is legal and common.',
    'ACK 与 FIN 合并成一个报文段：三次挥手合法而且常见。',
  ),
  variants: [
    {
      id: 'T05a',
      what: text('the server closes as soon as it reads the end', '服务端读到结束后立即关闭'),
      ours: 'A',
      wire: `${OPENING}
        A>B A  1 a1 [3]  | ESTABLISHED | ESTABLISHED
        ? B>A A 1 a4     | ESTABLISHED | ESTABLISHED
        B>A A  1 a4 [3]  | ESTABLISHED | ESTABLISHED
        A>B A  4 a4      | ESTABLISHED | ESTABLISHED
        A>B FA 4 a4      | FIN-WAIT-1  | -
        B>A FA 4 a5      | TIME-WAIT   | LAST-ACK*
        A>B A  5 a5      | TIME-WAIT   | CLOSED*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 TIME-WAIT CLOSED',
      judge: {},
      completeness: [31],
      async play(x) {
        x.b.atEnd = 'close';
        await open(x);
        // Whoever talks gives the kernel a reason to wait 40 ms for company for its ACK.
        x.a.send('req');
        await x.until('B has the request', () => x.b.receivedText === 'req');
        x.b.send('res');
        await x.until('A has the response', () => x.a.receivedText === 'res');
        await x.until('A has acknowledged it', () => x.count({ from: 'A', flags: 'A', len: 0 }) === 2);
        x.a.close();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
        x.check(
          'A was never in FIN-WAIT-2',
          'A 从未处于 FIN-WAIT-2',
          !x.transitions().some((step) => step.includes('FIN-WAIT-2')),
        );
      },
    },
    {
      id: 'T05b',
      what: text('our server does the same', '我方服务端也是如此'),
      ours: 'B',
      wire: `
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
        A>B FA 1 a1   | FIN-WAIT-1* | CLOSE-WAIT
        B>A FA 1 a2   | TIME-WAIT*  | LAST-ACK
        A>B A  2 a2   | TIME-WAIT   | CLOSED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED',
      judge: {},
      completeness: [23],
      async play(x) {
        x.b.atEnd = 'close';
        await open(x);
        x.a.close();
        await x.until('B is CLOSED', () => x.b.session.closed);
      },
    },
  ],
};
