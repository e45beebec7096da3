// H01: an active open.
import { type Scenario, text } from '../scenario.js';

/** Three segments make one connection. */
export const H01: Scenario = {
  id: 'H01',
  title: text('active open: the three-way handshake', '主动打开：三次握手'),
  claims: ['C01', 'C07', 'C08', 'C09', 'C10', 'C11'],
  moral: text(
    'Three segments make one connection; each SYN used up one sequence number.',
    '三个报文段建立一个连接；每个 SYN 各消耗一个序号。',
  ),
  variants: [
    {
      id: 'H01',
      ours: 'A',
      wire: `
        A>B S  0      | SYN-SENT    | SYN-RECEIVED*
        B>A SA 0 a1   | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: {},
      completeness: [7],
      async play(x) {
        await x.b.listen();
        x.a.connect();
        await x.established();
        x.check(
          'A and B are both ESTABLISHED',
          'A 与 B 都已建立',
          x.a.state() === 'ESTABLISHED' && x.b.state() === 'ESTABLISHED',
        );
        x.curtain();
      },
    },
  ],
};
