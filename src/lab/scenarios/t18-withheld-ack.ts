// T18: what would happen if the ACK waited for the FIN.
import { type Scenario, text } from '../scenario.js';
import { open } from './opening.js';

const HELD_MS = 2500;

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
      what: text('for two and a half seconds', '扣住两秒半'),
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
        const startMs = x.now();
        x.a.close();
        await x.until('B reads the end', () => x.b.session.ended);
        await x.wait(HELD_MS - (x.now() - startMs));
        const fins = x.count({ from: 'A', flags: 'FA' });
        x.check(
          'meanwhile the client sent its FIN three times or more (T01 and T05: once)',
          '期间客户端发送了至少三次 FIN（T01 和 T05：一次）',
          fins >= 3,
          fins,
        );
        x.b.close();
        await x.until('B is CLOSED', () => x.b.session.closed);
      },
    },
  ],
};
