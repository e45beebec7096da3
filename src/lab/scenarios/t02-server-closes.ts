// T02: the server closes first.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open, untilState } from './opening.js';

/** Either end may begin. */
export const T02: Scenario = {
  id: 'T02',
  title: text('the server closes first', '服务端先关闭'),
  claims: ['C12'],
  moral: text(
    'Either end may close first; TIME-WAIT is paid by whoever does.',
    '双方都可以先关闭；谁先关闭谁承担 TIME-WAIT。',
  ),
  variants: [
    {
      id: 'T02a',
      what: text('our server; the client closes later', '我方为服务端；客户端稍后关闭'),
      ours: 'B',
      wire: `
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
        B>A FA 1 a1   | CLOSE-WAIT* | FIN-WAIT-1
        A>B A  1 a2   | CLOSE-WAIT  | FIN-WAIT-2
        A>B FA 1 a2   | LAST-ACK*   | TIME-WAIT
        B>A A  2 a2   | CLOSED*     | TIME-WAIT
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: {},
      completeness: [23],
      async play(x) {
        await open(x);
        x.b.close();
        await untilState(x, 'b', 'FIN-WAIT-2');
        await x.wait(20);
        x.a.close();
        await x.until('2 MSL are over', () => x.transitions().includes('TIME-WAIT>CLOSED'));
      },
    },
    {
      id: 'T02b',
      what: text('we are the client, and close second', '我方为客户端，后关闭'),
      ours: 'A',
      wire: `${OPENING}
        B>A FA 1 a1   | CLOSE-WAIT  | FIN-WAIT-1*
        A>B A  1 a2   | CLOSE-WAIT  | FIN-WAIT-2*
        A>B FA 1 a2   | LAST-ACK    | TIME-WAIT*
        B>A A  2 a2   | CLOSED      | TIME-WAIT
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED',
      judge: {},
      completeness: [23],
      async play(x) {
        await open(x);
        x.b.close();
        await x.until('A reads the end', () => x.a.session.ended);
        await x.until('A has acknowledged the FIN', () => x.count({ from: 'A', flags: 'A' }) === 2);
        await x.wait(20);
        x.a.close();
        await x.until('A is CLOSED', () => x.a.session.closed);
        x.check(
          'A, who closed second, never waited',
          '后关闭的 A 无需等待',
          !x.transitions().some((step) => step.includes('TIME-WAIT')),
        );
      },
    },
  ],
};
