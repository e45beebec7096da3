// H17: close() before the handshake is over.
import { type Scenario, text } from '../scenario.js';

/** The late SYN-ACK finds nobody. */
export const H17: Scenario = {
  id: 'H17',
  title: text('closed before it was established', '尚未建立就关闭'),
  claims: ['C10'],
  moral: text(
    'Closing before the handshake ends: the late SYN-ACK meets a RST.',
    '握手未完成就关闭：迟到的 SYN-ACK 得到 RST。',
  ),
  variants: [
    {
      id: 'H17a',
      what: text('in SYN-SENT', '在 SYN-SENT 关闭'),
      ours: 'A',
      wire: `
        A>B S  0      | SYN-SENT | -
        B>A SA 0 a1   | CLOSED   | -
        A>B R  1      | CLOSED   | LISTEN*
      `,
      path: 'CLOSED SYN-SENT CLOSED',
      judge: { rst: 1 },
      completeness: [35],
      async play(x) {
        x.link.hold('the SYN-ACK', { from: 'B', flags: 'SA' });
        await x.b.listen();
        x.a.connect();
        await x.until('the SYN-ACK is on its way', () => x.link.held('the SYN-ACK') === 1);
        x.a.close();
        x.check('nothing is left of it', '连接已不存在', x.a.state() === 'CLOSED', x.a.state());
        x.link.release('the SYN-ACK');
        await x.until('it was answered by RST', () => x.count({ from: 'A', flags: 'R' }) === 1);
        await x.wait(20);
        x.check('B accepted nobody', 'B 没有接受任何连接', x.b.accepted === 0, x.b.accepted);
      },
    },
    {
      id: 'H17b',
      what: text(
        'in SYN-RECEIVED, after SYNs that crossed: the FIN follows the SYN',
        '同时打开后在 SYN-RECEIVED 关闭：FIN 紧随 SYN',
      ),
      ours: 'A',
      worlds: ['sim'],
      wire: `
        A>B S  0      | SYN-SENT     | SYN-RECEIVED
        B>A S  0      | SYN-RECEIVED | -
        A>B SA 0 a1   | SYN-RECEIVED | -
        A>B FA 1 a1   | FIN-WAIT-1   | CLOSE-WAIT
        B>A SA 0 a1   | FIN-WAIT-1   | SYN-RECEIVED
        A>B A  2 a1   | FIN-WAIT-1   | -
        B>A FA 1 a2   | TIME-WAIT    | LAST-ACK
        A>B A  2 a2   | TIME-WAIT    | CLOSED
      `,
      judge: { retransmission: 2, duplicate_ack: 1 },
      completeness: [23],
      async play(x) {
        x.link.hold('B’s SYN', { from: 'B', flags: 'S' });
        x.b.atEnd = 'close';
        x.b.connect();
        await x.until('B’s SYN is on its way', () => x.link.held('B’s SYN') === 1);
        x.a.connect();
        await x.wait(5);
        x.link.release('B’s SYN');
        await x.until('A is in SYN-RECEIVED', () => x.a.state() === 'SYN-RECEIVED');
        x.a.shutdown();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
  ],
};
