// T13: a new SYN in TIME-WAIT.
import { type Scenario, text } from '../scenario.js';
import type { Stage } from '../stage.js';
import { open, untilState } from './opening.js';

/** Our server closes first and waits. */
const CLOSED_FIRST = `
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
        B>A FA 1 a1   | -           | FIN-WAIT-1
        ? A>B A 1 a2  | CLOSE-WAIT  | FIN-WAIT-2
        A>B FA 1 a2   | LAST-ACK    | TIME-WAIT
        B>A A  2 a2   | CLOSED      | TIME-WAIT
`;

async function closeFirst(x: Stage): Promise<void> {
  x.a.atEnd = 'close';
  await open(x);
  x.b.close();
  await untilState(x, 'b', 'TIME-WAIT');
  await x.wait(20);
}

/** What is provably newer need not wait. */
export const T13: Scenario = {
  id: 'T13',
  title: text('a new SYN in TIME-WAIT', 'TIME-WAIT 中收到新的 SYN'),
  claims: ['C26'],
  moral: text('A provably newer SYN may end TIME-WAIT early.', '可以证明更新的 SYN 允许提前结束 TIME-WAIT。'),
  variants: [
    {
      id: 'T13a',
      what: text(
        'the client comes back from the same port, with a higher ISN',
        '客户端用同一端口、更大的 ISN 再次连接',
      ),
      ours: 'B',
      isn: 'rfc6528',
      needs: ['python3'],
      leastMslMs: 1000,
      wire: `${CLOSED_FIRST}
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
      `,
      judge: { reused_ports: 1 },
      completeness: [23, 7],
      async play(x) {
        await closeFirst(x);
        x.a.connect();
        await x.until('B has accepted again', () => x.b.accepted === 2);
        x.check(
          'TIME-WAIT went to SYN-RECEIVED',
          'TIME-WAIT 转为 SYN-RECEIVED',
          x.transitions().includes('TIME-WAIT>SYN-RECEIVED'),
        );
        const isns = x
          .records()
          .filter(({ ev, dir, flags }) => ev === 'seg' && dir === 'out' && flags === 'SA')
          .map(({ seq_raw }) => Number(seq_raw));
        const beyond = ((isns[1] ?? 0) - (isns[0] ?? 0)) | 0;
        x.check(
          'the new y lies beyond all that the old connection used',
          '新的 y 大于旧连接用过的所有序号',
          beyond > 2,
          beyond,
        );
        x.curtain();
      },
    },
    {
      id: 'T13b',
      what: text(
        'a SYN with a lower number: an ACK, and the wait goes on',
        '序号更小的 SYN：只得到 ACK，继续等待',
      ),
      ours: 'B',
      leastMslMs: 1000,
      wire: `${CLOSED_FIRST}
        inj A>B S -5000 | -           | TIME-WAIT
        B>A A  2 a2     | -           | TIME-WAIT
        ? A>B R 2       | -           | -
      `,
      judge: { duplicate_ack: 1, rst: 1 },
      completeness: [55],
      async play(x) {
        await closeFirst(x);
        x.link.inject({ from: 'A', flags: 'S', seq: -5000 });
        await x.until('B has answered', () => x.count({ from: 'B', flags: 'A' }) === 2);
        x.check('no new connection', '没有新的连接', x.b.accepted === 1, x.b.accepted);
      },
    },
    {
      id: 'T13c',
      what: text('a client that waits may not use the tuple again', '等待中的客户端不能再用这个四元组'),
      ours: 'B',
      worlds: ['kernel'],
      needs: ['python3'],
      wire: `
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
        A>B FA 1 a1   | FIN-WAIT-1  | CLOSE-WAIT
        B>A FA 1 a2   | TIME-WAIT   | LAST-ACK
        A>B A  2 a2   | TIME-WAIT*  | CLOSED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED',
      judge: {},
      completeness: [23],
      async play(x) {
        x.b.atEnd = 'close';
        await open(x);
        x.a.close();
        await x.until('B is CLOSED', () => x.b.session.closed);
        await x.wait(20);
        x.a.connect();
        await x.until('the kernel refuses', () => x.a.session.error !== null);
        x.check(
          'connect() on the same tuple: EADDRNOTAVAIL',
          '同一四元组上的 connect()：EADDRNOTAVAIL',
          x.a.session.error === 'EADDRNOTAVAIL',
          x.a.session.error,
        );
      },
    },
  ],
};
