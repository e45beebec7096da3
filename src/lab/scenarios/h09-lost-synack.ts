// H09: a SYN-ACK is lost.
import { type Scenario, text } from '../scenario.js';
import { open } from './opening.js';

/** The same question gets the same answer. */
export const H09: Scenario = {
  id: 'H09',
  title: text('a SYN-ACK is lost', 'SYN-ACK 丢失'),
  claims: ['C09'],
  moral: text(
    'A repeated SYN must get the same y, not a second connection.',
    '重复的 SYN 必须得到同一个 y，而不是第二个连接。',
  ),
  variants: [
    {
      id: 'H09a',
      what: text('ours is lost; the client asks again', '我方的 SYN-ACK 丢失；客户端再次询问'),
      ours: 'B',
      // The client's timer is to fire first, so that the repeated SYN is seen.
      config: { rtoInitialMs: 3000 },
      peerConfig: { rtoInitialMs: 1000 },
      wire: `
        A>B S  0           | SYN-SENT    | SYN-RECEIVED
        lost B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B S  0           | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1        | -           | SYN-RECEIVED
        A>B A  1 a1        | ESTABLISHED | ESTABLISHED*
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: { retransmission: 1 },
      completeness: [7],
      async play(x) {
        x.link.drop({ from: 'B', flags: 'SA', nth: 1 });
        await open(x);
        x.check('one connection was accepted, not two', '只接受了一个连接', x.b.accepted === 1, x.b.accepted);
        const isns = new Set(
          x
            .records()
            .filter(({ ev, dir, flags }) => ev === 'seg' && dir === 'out' && flags === 'SA')
            .map(({ seq_raw }) => seq_raw),
        );
        x.check(
          'both SYN-ACKs had the same y',
          '两个 SYN-ACK 的 y 相同',
          isns.size === 1,
          [...isns].join(', '),
        );
        x.curtain();
      },
    },
    {
      id: 'H09b',
      what: text('the server’s is lost; we ask again', '服务端的 SYN-ACK 丢失；我方再次询问'),
      ours: 'A',
      // Our timer is to fire well before the server's.
      config: { rtoInitialMs: 600 },
      peerConfig: { rtoInitialMs: 3000 },
      wire: `
        A>B S  0           | SYN-SENT    | -
        lost B>A SA 0 a1   | SYN-SENT    | SYN-RECEIVED*
        A>B S  0           | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1        | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1        | ESTABLISHED | ESTABLISHED*
        kernel: ? B>A SA 0 a1
        kernel: ? A>B A  1 a1
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: { retransmission: 2 },
      completeness: [7],
      async play(x) {
        x.link.drop({ from: 'B', flags: 'SA', nth: 1 });
        await open(x);
        x.check('one connection was accepted, not two', '只接受了一个连接', x.b.accepted === 1, x.b.accepted);
        x.curtain();
      },
    },
  ],
};
