// T14: an RST in TIME-WAIT.
import { type Scenario, text } from '../scenario.js';
import type { Stage } from '../stage.js';
import { OPENING, open, untilState } from './opening.js';

const CLOSED_FIRST = `${OPENING}
        A>B FA 1 a1   | FIN-WAIT-1  | -
        ? B>A A 1 a2  | FIN-WAIT-2  | CLOSE-WAIT
        B>A FA 1 a2   | TIME-WAIT   | LAST-ACK
        A>B A  2 a2   | TIME-WAIT   | CLOSED
`;

async function assassinate(x: Stage): Promise<void> {
  x.b.atEnd = 'close';
  await open(x);
  x.a.close();
  await untilState(x, 'a', 'TIME-WAIT');
  await x.wait(20);
  x.link.inject({ from: 'B', flags: 'R', seq: 2 });
  await x.until('the RST has come', () => x.count({ from: 'B', flags: 'R' }) === 1);
}

/** RFC 1337. */
export const T14: Scenario = {
  id: 'T14',
  title: text('an RST in TIME-WAIT', 'TIME-WAIT 中收到 RST'),
  claims: ['C26'],
  moral: text(
    'A RST can assassinate TIME-WAIT; ignoring it is the safer choice.',
    'RST 会“刺杀”TIME-WAIT；忽略它更安全。',
  ),
  variants: [
    {
      id: 'T14a',
      what: text('we ignore it (RFC 1337), which is our default', '忽略它 (RFC 1337)，这是我方默认做法'),
      ours: 'A',
      leastMslMs: 500,
      wire: `${CLOSED_FIRST}
        inj B>A R 2   | TIME-WAIT   | CLOSED
      `,
      judge: {},
      completeness: [23],
      async play(x) {
        await assassinate(x);
        x.check('A waits on', 'A 继续等待', x.a.state() === 'TIME-WAIT', x.a.state());
        const waitedSince = x.now();
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
        x.check('until 2 MSL are over', '直到 2MSL 结束', x.now() > waitedSince);
      },
    },
    {
      id: 'T14b',
      what: text('to the letter of RFC 9293: the wait is over', '按 RFC 9293 的字面：等待立即结束'),
      ours: 'A',
      leastMslMs: 500,
      config: { rfc1337: false },
      wire: `${CLOSED_FIRST}
        inj B>A R 2   | CLOSED      | CLOSED
      `,
      judge: {},
      completeness: [23],
      async play(x) {
        await assassinate(x);
        x.check('A has forgotten at once', 'A 立即忘记了连接', x.a.state() === 'CLOSED', x.a.state());
      },
    },
  ],
};
