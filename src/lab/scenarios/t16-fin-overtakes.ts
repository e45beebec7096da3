// T16: a FIN arrives before the data in front of it.
import { type Scenario, text } from '../scenario.js';
import { open } from './opening.js';

/** The order of the stream is that of the numbers. */
export const T16: Scenario = {
  id: 'T16',
  title: text('a FIN overtakes data', 'FIN 跑到数据前面'),
  claims: ['C04', 'C13'],
  moral: text('A FIN that overtakes data has to wait its turn.', '跑到数据前面的 FIN 必须等数据补齐。'),
  variants: [
    {
      id: 'T16a',
      what: text('ours, into the other end', '我方发出，发往对端'),
      ours: 'A',
      wire: `
        A>B S  0         | SYN-SENT    | -
        B>A SA 0 a1      | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1      | ESTABLISHED | ESTABLISHED
        A>B A  1 a1 [3]  | ESTABLISHED | -             # held by the link
        A>B FA 4 a1      | FIN-WAIT-1  | ESTABLISHED*  # bytes 1 to 3 are missing: B waits
        B>A A  1 a1      | FIN-WAIT-1  | ESTABLISHED   # a duplicate ACK: 1 is still awaited
        B>A A  1 a5      | FIN-WAIT-2  | CLOSE-WAIT
        B>A FA 1 a5      | TIME-WAIT   | LAST-ACK
        A>B A  5 a2      | TIME-WAIT   | CLOSED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: { lost_segment: 1, window_update: 1, retransmission: 1 },
      completeness: [31],
      async play(x) {
        x.link.hold('the data', { from: 'A', flags: 'A', len: 3, nth: 1 });
        await open(x);
        x.a.send('end');
        await x.until('the data is held', () => x.link.held('the data') === 1);
        x.a.shutdown();
        await x.until('B has answered the FIN', () => x.count({ from: 'B', flags: 'A' }) === 1);
        x.check('B has not read the end yet', 'B 还没有读到结束', !x.b.session.ended);
        await x.wait(60);
        x.link.release('the data');
        await x.until('B reads the end', () => x.b.session.ended);
        x.check(
          'the data came first, then the end',
          '先得到数据，然后才是结束',
          x.b.receivedText === 'end',
          x.b.receivedText,
        );
        await x.until('A is in FIN-WAIT-2', () => x.a.state() === 'FIN-WAIT-2');
        x.b.close();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
    {
      id: 'T16b',
      what: text('into our stack', '发往我方'),
      ours: 'A',
      // The kernel takes what overtakes for a loss (RFC 8985) and repeats at once.
      worlds: ['sim'],
      config: { sack: true },
      wire: `
        A>B S  0         | SYN-SENT    | -
        B>A SA 0 a1      | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1      | ESTABLISHED | ESTABLISHED
        B>A FA 4 a1      | ESTABLISHED | FIN-WAIT-1    # still ESTABLISHED: bytes 1 to 3 are missing
        A>B A  1 a1      | ESTABLISHED | FIN-WAIT-1    # SACK 4-5
        B>A A  1 a1 [3]  | CLOSE-WAIT  | -
        A>B A  1 a5      | CLOSE-WAIT  | FIN-WAIT-2
        A>B FA 1 a5      | LAST-ACK    | TIME-WAIT
        B>A A  5 a2      | CLOSED      | TIME-WAIT
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED',
      judge: { duplicate_ack: 1 },
      completeness: [31],
      async play(x) {
        // What the link exchanges crosses it in order; only we see the FIN first.
        x.link.reorder({ from: 'B', flags: 'A', len: 3, nth: 1 }, { from: 'B', flags: 'FA' });
        await open(x);
        x.b.send('end');
        await x.wait(2);
        x.b.shutdown();
        await x.until('A reads the end', () => x.a.session.ended);
        x.check(
          'the data came first, then the end',
          '先得到数据，然后才是结束',
          x.a.receivedText === 'end',
          x.a.receivedText,
        );
        await x.until('A has acknowledged all', () => x.count({ from: 'A', flags: 'A' }) === 3);
        await x.wait(10);
        x.a.close();
        await x.until('A is CLOSED', () => x.a.session.closed);
      },
    },
  ],
};
