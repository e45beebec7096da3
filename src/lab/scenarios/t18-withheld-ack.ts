// T18: what would happen if the ACK waited for the FIN.
import { type Scenario, text } from '../scenario.js';
import { open } from './opening.js';

/** The counterfactual to T01 and T05. */
export const T18: Scenario = {
  id: 'T18',
  title: text('the ACK is held back until the FIN can go with it', '扣住 ACK，直到可以和 FIN 一起发送'),
  claims: ['C25'],
  moral: text(
    'Hold back the ACK and the client resends its FIN: that is why the ACK goes first.',
    '扣住 ACK，客户端就会重发 FIN：所以要先发 ACK。',
  ),
  variants: [
    {
      id: 'T18',
      repeats: true,
      what: text('until the client has sent its FIN four times', '直到客户端发送了四次 FIN'),
      ours: 'B',
      unsafe: ['hold-fin-ack'],
      wire: `
        A>B S  0          | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1       | -           | SYN-RECEIVED
        A>B A  1 a1       | ESTABLISHED | ESTABLISHED
        A>B FA 1 a1       | FIN-WAIT-1* | CLOSE-WAIT
        A>B FA 1 a1 x3    | FIN-WAIT-1  | CLOSE-WAIT    # is anybody there?
        B>A FA 1 a2       | TIME-WAIT*  | LAST-ACK
        A>B A  2 a2       | TIME-WAIT   | CLOSED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED',
      judge: { retransmission: 3 },
      completeness: [23],
      async play(x) {
        x.link.swallow({ from: 'B', flags: 'A', ack: 2 });
        await open(x);
        x.a.close();
        await x.until('B reads the end', () => x.b.session.ended);
        await x.until(
          'the client has sent its FIN four times',
          () => x.count({ from: 'A', flags: 'FA' }) === 4,
        );
        const waits = x.times({ from: 'A', flags: 'FA' });
        const waitedMs = waits[3]! - waits[0]!;
        x.check(
          'four FINs (T01 and T05: one), further and further apart, because no ACK came for more than a second',
          '四个 FIN（T01 和 T05：一个），间隔越来越长，因为一秒多都没有 ACK',
          waitedMs > 1000,
          `${waitedMs} ms`,
        );
        x.b.close();
        await x.until('B is CLOSED', () => x.b.session.closed);
      },
    },
  ],
};
