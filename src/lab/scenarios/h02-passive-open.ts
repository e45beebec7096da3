// H02: a passive open.
import { type Scenario, text } from '../scenario.js';

/** The server is only half way until the third segment. */
export const H02: Scenario = {
  id: 'H02',
  title: text('passive open: what the server sees', '被动打开：服务端看到的握手'),
  claims: ['C09', 'C10'],
  moral: text(
    'The server is only half way (SYN-RECEIVED) until the third segment arrives.',
    '第三个报文段到达之前，服务端只是 SYN-RECEIVED。',
  ),
  variants: [
    {
      id: 'H02',
      ours: 'B',
      wire: `
        A>B S  0      | SYN-SENT*   | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED*| ESTABLISHED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: {},
      completeness: [7],
      async play(x) {
        await x.b.listen();
        x.a.connect();
        await x.until('B is asked for a connection', () => x.count({ from: 'B', flags: 'SA' }) === 1);
        x.check(
          'accept() has nothing to give while B is SYN-RECEIVED',
          'B 处于 SYN-RECEIVED 时 accept() 得不到连接',
          x.b.accepted === 0 || x.b.state() === 'ESTABLISHED',
        );
        await x.established();
        x.check(
          'accept() gave one connection once B was ESTABLISHED',
          'B 建立之后 accept() 得到一个连接',
          x.b.accepted === 1,
          x.b.accepted,
        );
        x.check('the listener listens on', '监听仍在继续', !x.transitions().includes('LISTEN>CLOSED'));
        x.curtain();
      },
    },
  ],
};
