// H15: one end has forgotten the connection.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open } from './opening.js';

/** A half-open connection is found out by its first segment. */
export const H15: Scenario = {
  id: 'H15',
  title: text('half-open: one end has forgotten', '半打开：一端忘记了连接'),
  claims: ['C19'],
  moral: text(
    'One end forgot the connection; the first segment it received undid the other end.',
    '一端忘记了连接；它收到的第一个报文段就让另一端复位。',
  ),
  variants: [
    {
      id: 'H15a',
      what: text(
        'the one that forgot connects again (RFC 9293 Fig. 9)',
        '忘记的一端重新连接 (RFC 9293 图 9)',
      ),
      ours: 'A',
      isn: 'rfc6528',
      intact: false,
      wire: `
        A>B S  0       | SYN-SENT    | -
        B>A SA 0 a1    | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1    | ESTABLISHED | ESTABLISHED
        A>B S  0       | SYN-SENT    | ESTABLISHED*
        B>A A  * a*    | SYN-SENT    | -             # old numbers
        A>B R  *       | SYN-SENT    | -
        A>B S  0       | SYN-SENT    | -
        B>A SA 0 a1    | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1    | ESTABLISHED | ESTABLISHED
      `,
      judge: { reused_ports: 2, rst: 1, retransmission: 1, lost_segment: 1, ack_lost_segment: 1 },
      completeness: [7, 39],
      async play(x) {
        await open(x);
        x.reboot();
        x.note('A: the host was switched off and on', 'A：主机断电后重新启动');
        x.a.connect();
        await x.until('A is ESTABLISHED anew', () => x.a.session.established);
        await x.until('B has accepted again', () => x.b.accepted === 2);
        const rst = x.records().find(({ ev, dir, flags }) => ev === 'seg' && dir === 'out' && flags === 'R');
        const old = x
          .records()
          .find(
            ({ ev, dir, flags, state }) =>
              ev === 'seg' && dir === 'in' && flags === 'A' && state === 'SYN-SENT',
          );
        x.check(
          'the RST has the number that the old ACK acknowledged',
          'RST 的序号等于旧 ACK 的确认号',
          rst !== undefined && rst.seq_raw === old?.ack_raw,
          `${rst?.seq_raw}, ${old?.ack_raw}`,
        );
        x.check(
          'B’s first application heard ECONNRESET',
          'B 的前一个应用得到 ECONNRESET',
          x.b.sessions[0]?.error === 'ECONNRESET',
          x.b.sessions[0]?.error,
        );
        x.curtain();
      },
    },
    {
      id: 'H15b',
      what: text('the other one sends data (Fig. 10)', '另一端发送数据 (图 10)'),
      ours: 'A',
      intact: false,
      wire: `${OPENING}
        B>A A  1 a1 [5]   | CLOSED | -
        A>B R  1          | CLOSED | CLOSED*
      `,
      judge: { rst: 1 },
      completeness: [47],
      async play(x) {
        await open(x);
        x.reboot();
        x.note('A: the host was switched off and on', 'A：主机断电后重新启动');
        x.b.send('hello');
        await x.until('B hears of it', () => x.b.session.error !== null);
        x.check(
          'B’s application heard ECONNRESET',
          'B 的应用得到 ECONNRESET',
          x.b.session.error === 'ECONNRESET',
          x.b.session.error,
        );
      },
    },
  ],
};
