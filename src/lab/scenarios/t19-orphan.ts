// T19: FIN-WAIT-2 that nobody ends.
import { type Scenario, text } from '../scenario.js';
import { OPENING, open } from './opening.js';

/** The RFC has no timer for it; everybody needs one. */
export const T19: Scenario = {
  id: 'T19',
  title: text('an orphan in FIN-WAIT-2', '被遗弃的 FIN-WAIT-2'),
  claims: ['C05'],
  moral: text('An abandoned FIN-WAIT-2 needs a timeout of its own.', '被遗弃的 FIN-WAIT-2 需要自己的超时。'),
  variants: [
    {
      id: 'T19a',
      what: text('ours; its timer is set to one second', '我方；定时器设为一秒'),
      ours: 'A',
      config: { finWait2Ms: 1000 },
      wire: `${OPENING}
        A>B FA 1 a1   | FIN-WAIT-1  | CLOSE-WAIT
        B>A A  1 a2   | FIN-WAIT-2  | CLOSE-WAIT*
        B>A FA 1 a2   | CLOSED      | -             # too late
        A>B R  2      | CLOSED      | CLOSED*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSED',
      judge: { rst: 1 },
      completeness: [55],
      async play(x) {
        await open(x);
        x.a.close();
        await x.until('A has given up', () => x.a.state() === 'CLOSED');
        x.b.close();
        await x.until('the late FIN was answered', () => x.count({ from: 'A', flags: 'R' }) === 1);
        await x.until('B is CLOSED', () => x.b.state() === 'CLOSED');
      },
    },
    {
      id: 'T19b',
      what: text('the kernel’s; it takes a minute', '内核的；需要一分钟'),
      ours: 'B',
      worlds: ['kernel'],
      slow: true,
      wire: `
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
        A>B FA 1 a1   | FIN-WAIT-1* | CLOSE-WAIT
        B>A A  1 a2   | FIN-WAIT-2  | CLOSE-WAIT
        B>A FA 1 a2   | -           | LAST-ACK
        A>B R  2      | CLOSED      | CLOSED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED',
      judge: { rst: 1 },
      completeness: [55],
      async play(x) {
        await open(x);
        x.a.close();
        await x.until('B has acknowledged the FIN', () => x.count({ from: 'B', flags: 'A' }) === 1);
        await x.wait(65_000);
        x.b.close();
        await x.until('B is CLOSED', () => x.b.session.closed);
      },
    },
  ],
};
