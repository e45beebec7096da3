// H11: both ends open actively.
import { type Scenario, text } from '../scenario.js';

/** Two SYNs cross. */
export const H11: Scenario = {
  id: 'H11',
  title: text('simultaneous open', '同时打开'),
  claims: ['C01'],
  moral: text('Two SYNs crossed and still made one connection.', '两个 SYN 在途中交错，仍然只建立一个连接。'),
  variants: [
    {
      id: 'H11',
      ours: 'A',
      wire: `
        A>B S  0      | SYN-SENT     | SYN-RECEIVED*
        B>A S  0      | SYN-RECEIVED | -
        A>B SA 0 a1   | SYN-RECEIVED | -
        B>A SA 0 a1   | ESTABLISHED  | -
        B>A A  1 a1   | ESTABLISHED  | ESTABLISHED     # an answer to the SYN,ACK that repeats our SYN
        A>B A  1 a1   | ESTABLISHED  | ESTABLISHED
        A>B A  1 a1 [2]
        ? B>A A 1 a3
        B>A A  1 a3 [2]
        ? A>B A 3 a3
      `,
      path: 'CLOSED SYN-SENT SYN-RECEIVED ESTABLISHED',
      judge: { retransmission: 2, window_update: 2 },
      completeness: [15],
      async play(x) {
        x.link.hold('B’s SYN', { from: 'B', flags: 'S' });
        x.link.hold('B’s answer', { from: 'B', flags: 'SA' }, true);
        x.b.connect();
        await x.until('B’s SYN is on its way', () => x.link.held('B’s SYN') === 1);
        x.a.connect();
        await x.until('B has answered our SYN', () => x.link.held('B’s answer') === 1);
        x.link.release('B’s SYN');
        await x.until('B has answered our SYN,ACK', () => x.link.held('B’s answer') === 2);
        x.link.release('B’s answer');
        await x.established();
        await x.wait(20);
        x.a.send('hi');
        await x.until('B has it', () => x.b.receivedText === 'hi');
        x.b.send('ho');
        await x.until('A has it', () => x.a.receivedText === 'ho');
        x.check(
          'data flows both ways on one connection',
          '同一个连接上双向传输数据',
          x.a.sessions.length === 1 && x.b.sessions.length === 1,
        );
        x.curtain();
      },
    },
  ],
};
