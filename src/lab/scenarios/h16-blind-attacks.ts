// H16: guesses of somebody who does not see the numbers.
import { type Scenario, text } from '../scenario.js';
import { nothingDelivered, OPENING, open } from './opening.js';

/** RFC 5961. */
export const H16: Scenario = {
  id: 'H16',
  title: text('blind attacks on a connection', '对连接的盲目攻击'),
  claims: ['C26'],
  moral: text(
    'Only a RST with the exact expected number may kill a connection.',
    '只有序号完全吻合的 RST 才能终止连接。',
  ),
  variants: [
    {
      id: 'H16',
      ours: 'A',
      intact: false,
      // The kernel answers nothing to our challenges: to it they are plain ACKs.
      wire: `${OPENING}
        inj B>A R 100               | ESTABLISHED | ESTABLISHED
        A>B A  1 a1                 | ESTABLISHED | ESTABLISHED   # challenge: was that you?
        inj B>A R 90000000          | ESTABLISHED | ESTABLISHED   # outside the window: silence
        inj B>A S 50                | ESTABLISHED | ESTABLISHED
        A>B A  1 a1                 | ESTABLISHED | ESTABLISHED   # challenge
        inj B>A A 1 a99999999 [5]   | ESTABLISHED | ESTABLISHED
        A>B A  1 a1                 | ESTABLISHED | ESTABLISHED   # acknowledges what was never sent: dropped
        inj B>A R 1                 | CLOSED      | ESTABLISHED   # the exact number
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED CLOSED',
      judge: { duplicate_ack: 3 },
      completeness: [7],
      async play(x) {
        await open(x);
        const answered = (n: number) =>
          x.until('A has answered', () => x.count({ from: 'A', flags: 'A' }) === 1 + n);
        x.link.inject({ from: 'B', flags: 'R', seq: 100 });
        await answered(1);
        await x.wait(20);
        x.link.inject({ from: 'B', flags: 'R', seq: 90_000_000 });
        await x.wait(20);
        x.link.inject({ from: 'B', flags: 'S', seq: 50 });
        await answered(2);
        await x.wait(20);
        x.link.inject({ from: 'B', flags: 'A', seq: 1, ack: 99_999_999, payload: 'guess' });
        await answered(3);
        await x.wait(20);
        nothingDelivered(x, 'a');
        x.check(
          'after four guesses the connection lives',
          '四次猜测之后连接仍在',
          x.a.state() === 'ESTABLISHED',
          x.a.state(),
        );
        x.link.inject({ from: 'B', flags: 'R', seq: 1 });
        await x.until('A is reset', () => x.a.session.closed);
        x.check(
          'the exact RST is believed',
          '序号吻合的 RST 被接受',
          x.a.session.error === 'ECONNRESET',
          x.a.session.error,
        );
        x.curtain();
      },
    },
  ],
};
