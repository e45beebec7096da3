// H10: the third segment is lost.
import { type Scenario, text } from '../scenario.js';

/** The two ends disagree for a while. */
export const H10: Scenario = {
  id: 'H10',
  title: text('the third segment is lost', '第三次握手丢失'),
  claims: ['C10', 'C23'],
  moral: text(
    'For one second the two ends disagreed: ESTABLISHED here, SYN-RECEIVED there.',
    '有一秒钟两端状态不一致：这边已建立，那边还是 SYN-RECEIVED。',
  ),
  variants: [
    {
      id: 'H10a',
      what: text('nothing is sent meanwhile: the server asks again', '期间没有数据：服务端再次询问'),
      ours: 'A',
      wire: `
        A>B S  0          | SYN-SENT    | -
        B>A SA 0 a1       | ESTABLISHED | SYN-RECEIVED
        lost A>B A 1 a1   | ESTABLISHED | SYN-RECEIVED*
        B>A SA 0 a1       | ESTABLISHED | -
        A>B A  1 a1       | ESTABLISHED | ESTABLISHED*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: { retransmission: 1 },
      completeness: [7],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'A', nth: 1 });
        await x.b.listen();
        x.a.connect();
        await x.until('A is ESTABLISHED', () => x.a.session.established);
        x.check('A is ESTABLISHED while B is not', 'A 已建立而 B 尚未', x.b.accepted === 0);
        await x.established();
        x.curtain();
      },
    },
    {
      id: 'H10b',
      what: text(
        'data comes 0.2 s later: its ACK completes the handshake',
        '0.2 秒后发送数据：数据报文段的 ACK 完成握手',
      ),
      ours: 'A',
      wire: `
        A>B S  0          | SYN-SENT    | -
        B>A SA 0 a1       | ESTABLISHED | SYN-RECEIVED
        lost A>B A 1 a1   | ESTABLISHED | SYN-RECEIVED*
        A>B A  1 a1 [5]   | ESTABLISHED | ESTABLISHED*
        B>A A  1 a6       | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: {},
      completeness: [15],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'A', len: 0, nth: 1 });
        await x.b.listen();
        x.a.connect();
        await x.until('A is ESTABLISHED', () => x.a.session.established);
        await x.wait(200);
        x.a.send('hello');
        await x.until('B has it', () => x.b.receivedText === 'hello');
        await x.until('it is acknowledged', () => x.count({ from: 'B', flags: 'A' }) === 1);
        x.curtain();
      },
    },
    {
      id: 'H10c',
      what: text('our server asks again', '我方服务端再次询问'),
      ours: 'B',
      wire: `
        A>B S  0          | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1       | -           | SYN-RECEIVED
        lost A>B A 1 a1   | ESTABLISHED*| SYN-RECEIVED
        B>A SA 0 a1       | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1       | ESTABLISHED | ESTABLISHED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: { retransmission: 1, duplicate_ack: 1 },
      completeness: [7],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'A', nth: 1 });
        await x.b.listen();
        x.a.connect();
        await x.established();
        x.curtain();
      },
    },
  ],
};
