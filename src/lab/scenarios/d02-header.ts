// D02: every bit of the header.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open } from './opening.js';

/** In place of the picture that the tutorial lost. */
export const D02: Scenario = {
  id: 'D02',
  title: text('the header, bit by bit', '首部的每一位'),
  claims: ['C01', 'C02', 'C03', 'C06'],
  moral: text('Every bit of the header, with its rule.', '首部的每一位和它的规则。'),
  variants: [
    {
      id: 'D02',
      ours: 'A',
      config: { sack: true, timestamps: true },
      inspect: ['A>B S', 'A>B A [5]', 'A>B FA'],
      wire: `${OPENING}
        A>B A 1 a1 [5]
        B>A A 1 a6
        A>B FA 6 a1
        ? B>A A 1 a7
        B>A FA 1 a7
        A>B A 7 a2
      `,
      judge: {},
      completeness: [31],
      async play(x) {
        x.b.atEnd = 'close';
        await open(x);
        x.a.send('hello');
        await x.until('it is acknowledged', () => x.count({ from: 'B', flags: 'A' }) === 1);
        x.a.close();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
  ],
};
