// H08: a SYN is lost.
import { type Scenario, text } from '../scenario.js';

const TRIES = 'lost A>B S 0   | SYN-SENT | LISTEN\n';

/** A lost SYN costs one timer. */
export const H08: Scenario = {
  id: 'H08',
  title: text('a SYN is lost', 'SYN 丢失'),
  claims: ['C08'],
  moral: text(
    'A lost SYN costs one timer: same number sent again after 1 s, then 2 s, 4 s.',
    'SYN 丢失只损失一个定时器：1 秒、2 秒、4 秒后用同一序号重发。',
  ),
  variants: [
    {
      id: 'H08a',
      what: text('our first SYN is lost', '我方第一个 SYN 丢失'),
      ours: 'A',
      wire: `
        lost A>B S 0  | SYN-SENT    | LISTEN
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: {},
      completeness: [7],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'S', nth: 1 });
        await x.b.listen();
        x.a.connect();
        await x.established();
        const [first = 0, second = 0] = x.times({ from: 'A', flags: 'S' });
        const gap = second - first;
        // A busy machine may be late; virtual time never is.
        const isOnTime = x.world === 'sim' ? gap === 1000 : gap > 999;
        x.check('the SYN came again after 1 s', 'SYN 在 1 秒后重发', isOnTime, `${gap} ms`);
        const samples = x.records().filter(({ ev, sample }) => ev === 'rtt' && sample !== undefined);
        x.check(
          'no round trip was measured by a repeated SYN (Karn)',
          '重发的 SYN 不用于测量往返时间 (Karn)',
          samples.length === 0,
        );
        x.curtain();
      },
    },
    {
      id: 'H08b',
      what: text('every SYN is lost', '所有 SYN 都丢失'),
      ours: 'A',
      worlds: ['sim'],
      wire: TRIES.repeat(8),
      path: 'CLOSED SYN-SENT CLOSED',
      judge: {},
      completeness: [],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'S' });
        await x.b.listen();
        x.a.connect();
        await x.until('A gives up', () => x.a.session.closed);
        const seconds = x.times({ from: 'A', flags: 'S' }).map((ms) => Math.round(ms / 1000));
        const doubling = [0, 1, 3, 7, 15, 31, 63, 123];
        x.check(
          `SYNs at ${doubling.join(', ')} s: each wait is twice the last, up to a minute`,
          `SYN 在第 ${doubling.join('、')} 秒发出：每次等待加倍，最长一分钟`,
          seconds.join() === doubling.join(),
          seconds.join(', '),
        );
        x.check(
          'A gave up no sooner than after three minutes',
          'A 至少坚持了三分钟',
          x.now() >= 180_000,
          `${x.now()} ms`,
        );
        x.check(
          'the application heard ETIMEDOUT',
          '应用得到 ETIMEDOUT',
          x.a.session.error === 'ETIMEDOUT',
          x.a.session.error,
        );
      },
    },
    {
      id: 'H08c',
      what: text('Linux asks, nobody answers: 1, 1, 1, 1 and 1 s', 'Linux 询问而无人应答：1、1、1、1、1 秒'),
      ours: 'B',
      worlds: ['kernel'],
      repeats: true,
      wire: 'lost A>B S 0 x5..6   | SYN-SENT | -',
      judge: { retransmission: 4 },
      completeness: [1],
      async play(x) {
        x.link.drop({ from: 'A' });
        x.a.connect();
        await x.until('five SYNs have come', () => x.count({ from: 'A', flags: 'S' }) === 5);
        const times = x.times({ from: 'A', flags: 'S' });
        const gaps = times.slice(1).map((ms, i) => ms - times[i]!);
        x.check(
          'a second between each two, without doubling',
          '每两个之间约一秒，没有加倍',
          gaps.every((ms) => ms > 500 && ms < 1900),
          gaps.map((ms) => ms.toFixed(0)).join(', '),
        );
        x.curtain();
      },
    },
  ],
};
