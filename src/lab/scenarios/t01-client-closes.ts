// T01: the client closes first, the server later.
import { type Scenario, text } from '../scenario.js';

/** Four segments, one for each direction and its answer. */
export const T01: Scenario = {
  id: 'T01',
  title: text('the client closes first: four segments', '客户端先关闭：四次挥手'),
  claims: ['C12', 'C13', 'C14', 'C15', 'C16', 'C17', 'C24'],
  moral: text(
    'Four segments because each direction is closed separately.',
    '两个方向各自关闭，所以是四个报文段。',
  ),
  variants: [
    {
      id: 'T01',
      ours: 'A',
      wire: `
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
        A>B FA 1 a1   | FIN-WAIT-1  | CLOSE-WAIT*    # u = 1
        B>A A  1 a2   | FIN-WAIT-2  | CLOSE-WAIT     # v = 1, ack u+1
        B>A FA 1 a2   | TIME-WAIT   | LAST-ACK*      # w = v
        A>B A  2 a2   | TIME-WAIT   | CLOSED*        # seq u+1, ack w+1
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: {},
      completeness: [23],
      async play(x) {
        await x.b.listen();
        x.a.connect();
        await x.established();
        x.a.close();
        await x.until('B reads the end', () => x.b.session.ended);
        await x.until('A is in FIN-WAIT-2', () => x.a.state() === 'FIN-WAIT-2');
        await x.wait(60);
        x.b.close();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
  ],
};
