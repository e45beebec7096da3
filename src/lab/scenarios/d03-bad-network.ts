// D03: the network loses, doubles, shuffles and delays.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open } from './opening.js';

/** The stream is perfect all the same. */
export const D03: Scenario = {
  id: 'D03',
  title: text('the network misbehaves', '网络不守规矩'),
  claims: ['C03', 'C04'],
  moral: text(
    'The network lost, doubled and shuffled; the application saw a perfect stream.',
    '网络丢包、重复、乱序；应用看到的仍是完整的字节流。',
  ),
  variants: [
    {
      id: 'D03',
      repeats: true,
      ours: 'A',
      peerConfig: { nagle: false },
      wire: `${OPENING}
        lost B>A A 1 a1 [100]  | ESTABLISHED | ESTABLISHED
        B>A A 1 a1 [100]       | ESTABLISHED | ESTABLISHED
        A>B A 1 a101           | ESTABLISHED | ESTABLISHED
        B>A A 101 a1 [100]     | ESTABLISHED | ESTABLISHED
        A>B A 1 a201           | ESTABLISHED | ESTABLISHED
        B>A A 101 a1 [100]     | ESTABLISHED | ESTABLISHED   # the copy
        A>B A 1 a201           | ESTABLISHED | ESTABLISHED
        B>A A 301 a1 [100]     | ESTABLISHED | ESTABLISHED   # too early
        A>B A 1 a201           | ESTABLISHED | ESTABLISHED
        B>A A 201 a1 [100]     | ESTABLISHED | ESTABLISHED
        A>B A 1 a401           | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: { retransmission: 1, duplicate_ack: 2 },
      completeness: [15],
      async play(x) {
        x.link.drop({ from: 'B', seq: 1, len: 100, nth: 1 });
        x.link.dup({ from: 'B', seq: 101, len: 100, nth: 1 }, 1, 20);
        x.link.reorder({ from: 'B', seq: 201, len: 100, nth: 1 }, { from: 'B', seq: 301 });
        await open(x);
        for (const round of [1, 2]) {
          x.b.send(100);
          await x.until('A has acknowledged it', () => x.count({ from: 'A', flags: 'A' }) === 1 + round);
        }
        await x.until('A has answered the copy', () => x.count({ from: 'A', flags: 'A' }) === 4);
        x.b.send(100);
        await x.wait(2);
        x.b.send(100);
        await x.until('A has all', () => x.a.receivedBytes === 400);
        await x.until('A has acknowledged all', () => x.count({ from: 'A', flags: 'A' }) === 6);
        x.check(
          'A and B were ESTABLISHED all the time',
          'A 和 B 始终处于 ESTABLISHED',
          x.a.state() === 'ESTABLISHED' && x.b.state() === 'ESTABLISHED',
        );
        x.curtain();
      },
    },
  ],
};
