// H12: nobody listens.
import { type Scenario, text } from '../scenario.js';

/** A closed port answers. */
export const H12: Scenario = {
  id: 'H12',
  title: text('connection refused', '连接被拒绝'),
  claims: ['C06'],
  moral: text(
    'A closed port answers with RST, and its ack proves it saw our SYN.',
    '关闭的端口用 RST 回答，它的 ack 说明确实收到了我们的 SYN。',
  ),
  variants: [
    {
      id: 'H12a',
      what: text('we knock at a closed port', '我方连接一个关闭的端口'),
      ours: 'A',
      wire: `
        A>B S  0      | SYN-SENT | CLOSED
        B>A RA 0 a1   | CLOSED   | CLOSED
      `,
      path: 'CLOSED SYN-SENT CLOSED',
      judge: { rst: 1 },
      completeness: [37],
      async play(x) {
        x.a.connect();
        await x.until('A hears of it', () => x.a.session.closed);
        x.check(
          'the application heard ECONNREFUSED',
          '应用得到 ECONNREFUSED',
          x.a.session.error === 'ECONNREFUSED',
          x.a.session.error,
        );
      },
    },
    {
      id: 'H12b',
      what: text('somebody knocks at ours', '对方连接我方关闭的端口'),
      ours: 'B',
      wire: `
        A>B S  0      | -      | CLOSED
        B>A RA 0 a1   | CLOSED | CLOSED
      `,
      judge: { rst: 1 },
      completeness: [37],
      async play(x) {
        x.a.connect();
        await x.until('A hears of it', () => x.a.session.error !== null);
        x.check(
          'its application heard ECONNREFUSED',
          '对方应用得到 ECONNREFUSED',
          x.a.session.error === 'ECONNREFUSED',
          x.a.session.error,
        );
      },
    },
    {
      id: 'H12c',
      what: text('strays: data, RST, SYN with FIN', '游荡的报文段：数据、RST、SYN 加 FIN'),
      ours: 'B',
      wire: `
        inj A>B A 5 a9 [3]  | - | CLOSED
        B>A R  9            | - | CLOSED   # SEG.ACK is its number
        inj A>B R 5         | - | CLOSED   # an RST is never answered
        inj A>B SF 0        | - | CLOSED
        B>A RA 0 a2         | - | CLOSED   # SYN and FIN: two numbers
      `,
      judge: { rst: 2 },
      completeness: [36],
      async play(x) {
        x.link.inject({ from: 'A', flags: 'A', seq: 5, ack: 9, payload: 'abc' });
        await x.until('B has answered', () => x.count({ from: 'B' }) === 1);
        x.link.inject({ from: 'A', flags: 'R', seq: 5 });
        await x.until('it was seen', () => x.count({ from: 'A' }) === 2);
        await x.wait(20);
        x.link.inject({ from: 'A', flags: 'SF', seq: 0 });
        await x.until('B has answered', () => x.count({ from: 'B' }) === 2);
      },
    },
    {
      id: 'H12d',
      what: text('an RST without ACK proves nothing', '没有 ACK 的 RST 不能证明什么'),
      ours: 'A',
      wire: `
        A>B S  0      | SYN-SENT    | -          # held by the link
        inj B>A R 0   | SYN-SENT    | -
        B>A SA 0 a1   | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: {},
      completeness: [7],
      async play(x) {
        x.link.hold('our SYN', { from: 'A', flags: 'S' });
        await x.b.listen();
        x.a.connect();
        await x.until('our SYN is held', () => x.link.held('our SYN') === 1);
        x.link.inject({ from: 'B', flags: 'R', seq: 0 });
        await x.until('the RST has come', () => x.count({ from: 'B', flags: 'R' }) === 1);
        x.link.release('our SYN');
        await x.established();
        x.curtain();
      },
    },
  ],
};
