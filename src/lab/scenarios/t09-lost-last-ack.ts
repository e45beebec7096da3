// T09: the last ACK is lost.
import { type Scenario, text } from '../scenario.js';
import { open } from './opening.js';

/** Why TIME-WAIT waits, and why it starts anew. */
export const T09: Scenario = {
  id: 'T09',
  title: text(
    'the last ACK is lost: TIME-WAIT answers and starts anew',
    '最后的 ACK 丢失：TIME-WAIT 再次应答并重新计时',
  ),
  claims: ['C05', 'C16', 'C27'],
  moral: text(
    'Each repeated FIN was answered and restarted the 2MSL clock.',
    '每收到一次重发的 FIN 都会再次确认，并重新开始 2MSL 计时。',
  ),
  variants: [
    {
      id: 'T09a',
      repeats: true,
      what: text('three last ACKs are lost', '连续三个最后的 ACK 丢失'),
      ours: 'A',
      leastMslMs: 1000,
      wire: `
        A>B S  0         | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1      | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1      | ESTABLISHED | ESTABLISHED
        A>B FA 1 a1      | FIN-WAIT-1  | CLOSE-WAIT
        B>A A  1 a2      | FIN-WAIT-2  | CLOSE-WAIT
        B>A FA 1 a2      | TIME-WAIT   | LAST-ACK
        lost A>B A 2 a2  | TIME-WAIT   | LAST-ACK*
        B>A FA 1 a2      | TIME-WAIT   | LAST-ACK
        lost A>B A 2 a2  | TIME-WAIT   | LAST-ACK
        B>A FA 1 a2      | TIME-WAIT   | LAST-ACK
        lost A>B A 2 a2  | TIME-WAIT   | LAST-ACK
        B>A FA 1 a2      | TIME-WAIT   | LAST-ACK
        A>B A  2 a2      | TIME-WAIT   | CLOSED*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: { retransmission: 3 },
      completeness: [23],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'A', seq: 2, ack: 2, nth: '1..3' });
        await x.b.listen();
        x.a.connect();
        await x.established();
        x.a.close();
        await x.until('A is in FIN-WAIT-2', () => x.a.state() === 'FIN-WAIT-2');
        x.b.close();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
        const restarts = x
          .records()
          .filter(({ ev, timer, op }) => ev === 'timer' && timer === 'timewait' && op === 'restart');
        x.check(
          '2MSL began anew with each repeated FIN: three times',
          '每次重发的 FIN 都让 2MSL 重新计时：三次',
          restarts.length === 3,
          restarts.length,
        );
        const lastFin = x.times({ from: 'B', flags: 'FA' }).at(-1) ?? 0;
        const closedAt = x.now();
        x.check(
          'TIME-WAIT ended 2 MSL after the last FIN, not after the first',
          'TIME-WAIT 在最后一个 FIN 之后 2MSL 结束，而不是第一个',
          closedAt - lastFin >= 2 * x.mslMs - 1,
          `${(closedAt - lastFin).toFixed(0)} ms`,
        );
      },
    },
    {
      id: 'T09b',
      repeats: true,
      what: text(
        'the other end waits, and answers our repeated FIN',
        '对端处于 TIME-WAIT，应答我方重发的 FIN',
      ),
      ours: 'B',
      leastMslMs: 1000,
      wire: `
        A>B S  0         | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1      | -           | SYN-RECEIVED
        A>B A  1 a1      | ESTABLISHED | ESTABLISHED
        A>B FA 1 a1      | FIN-WAIT-1  | CLOSE-WAIT
        B>A FA 1 a2      | TIME-WAIT*  | LAST-ACK
        lost A>B A 2 a2  | TIME-WAIT   | LAST-ACK
        B>A FA 1 a2      | TIME-WAIT*  | LAST-ACK
        A>B A  2 a2      | TIME-WAIT   | CLOSED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED',
      judge: { retransmission: 1, duplicate_ack: 1 },
      completeness: [23],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'A', seq: 2, ack: 2, nth: 1 });
        x.b.atEnd = 'close';
        await open(x);
        x.a.close();
        await x.until('B is CLOSED', () => x.b.session.closed);
      },
    },
  ],
};
