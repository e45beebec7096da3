// D01: what the numbers count.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open } from './opening.js';

/** Bytes, not packets. */
export const D01: Scenario = {
  id: 'D01',
  title: text('sequence numbers count bytes', '序号数的是字节'),
  claims: ['C03', 'C04', 'C11', 'C17'],
  moral: text(
    'Numbers count bytes, and an ACK covers everything before it.',
    '序号数的是字节，ACK 确认它之前的全部字节。',
  ),
  variants: [
    {
      id: 'D01a',
      what: text('1, 1000, 1460 and 0 bytes, then FIN', '1、1000、1460 和 0 字节，然后 FIN'),
      ours: 'A',
      config: { nagle: false },
      wire: `${OPENING}
        A>B A  1 a1 [1]       # next: 1 + 1
        B>A A  1 a2
        A>B A  2 a1 [1000]    # next: 2 + 1000
        B>A A  1 a1002
        A>B A  1002 a1 [1460]
        B>A A  1 a2462
        A>B FA 2462 a1        # the FIN takes one, too
        ? B>A A 1 a2463
        B>A FA 1 a2463
        A>B A  2463 a2        # a pure ACK takes none
      `,
      judge: {},
      completeness: [31],
      async play(x) {
        x.b.atEnd = 'close';
        await open(x);
        let total = 0;
        for (const length of [1, 1000, 1460]) {
          x.a.send(length);
          total += length;
          const all = total;
          await x.until(`B has ${all} bytes`, () => x.b.receivedBytes === all);
          await x.until(
            'it is acknowledged',
            () => x.count({ from: 'B', flags: 'A' }) === [1, 1001, 2461].indexOf(all) + 1,
          );
        }
        const before = x.count({ from: 'A' });
        x.a.send(0);
        await x.wait(10);
        x.check(
          'sending no bytes sends no segment',
          '发送零字节不产生报文段',
          x.count({ from: 'A' }) === before,
        );
        x.a.close();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
    {
      id: 'D01b',
      repeats: true,
      what: text(
        'the middle one of three is lost: the ACK stands still',
        '三个中的中间一个丢失：ACK 停住不动',
      ),
      ours: 'A',
      config: { nagle: false },
      wire: `${OPENING}
        A>B A 1 a1 [100]
        kernel: ? B>A A 1 a101       # the first
        lost A>B A 101 a1 [100]
        kernel: ? B>A A 1 a101
        A>B A 201 a1 [100]
        sim: B>A A 1 a101            # the first
        B>A A 1 a101                 # still the first: an ACK covers all before it, and no more
        A>B A 101 a1 [200]           # sent again, with what comes after it
        B>A A 1 a301                 # all three at once
      `,
      judge: { lost_segment: 1, duplicate_ack: 1, retransmission: 1 },
      completeness: [15],
      async play(x) {
        x.link.drop({ from: 'A', seq: 101, nth: 1 });
        await open(x);
        for (const sent of [1, 2, 3]) {
          x.a.send(100);
          await x.until('it is on its way', () => x.count({ from: 'A', len: 100 }) === sent);
          await x.wait(1);
        }
        await x.until('B has all', () => x.b.receivedBytes === 300);
        await x.until('it is acknowledged', () => x.count({ from: 'B', flags: 'A' }) === 3);
        x.curtain();
      },
    },
  ],
};
