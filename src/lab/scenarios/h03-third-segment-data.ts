// H03: the third segment carries data.
import { type Scenario, text } from '../scenario.js';
import type { Stage } from '../stage.js';

async function playEarlyData(x: Stage): Promise<void> {
  await x.b.listen();
  x.a.connect({ data: 'GET / HTTP/1.0\r\n\r\n' });
  await x.until('B has the request', () => x.b.receivedBytes === 18);
  x.check(
    'three segments were enough to bring the first data',
    '三个报文段就带到了第一份数据',
    x.count({ from: 'A' }) === 2,
  );
  await x.until('it is acknowledged', () => x.count({ from: 'B', flags: 'A' }) === 1);
  x.curtain();
}

/** Data in the third segment is safe: the client knows that the server answered. */
export const H03: Scenario = {
  id: 'H03',
  title: text('the third segment carries data', '第三次握手携带数据'),
  claims: ['C20', 'C23'],
  moral: text(
    'The third segment may carry data: the client already knows the server answered.',
    '第三次握手可以携带数据：客户端已经确认服务端有应答。',
  ),
  variants: [
    {
      id: 'H03a',
      what: text('our client sends with connect()', '我方客户端在 connect() 的同时发送数据'),
      ours: 'A',
      wire: `
        A>B S  0           | SYN-SENT    | -
        B>A SA 0 a1        | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1 [18]   | ESTABLISHED | ESTABLISHED
        B>A A  1 a19       | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: {},
      completeness: [15],
      kernel: { completeness: [15] },
      play: playEarlyData,
    },
    {
      id: 'H03b',
      what: text(
        'our server gets it; the client held its ACK back for the data',
        '我方为服务端；客户端让 ACK 等待数据一起发送',
      ),
      ours: 'B',
      needs: ['python3'],
      wire: `
        A>B S  0           | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1        | -           | SYN-RECEIVED
        A>B A  1 a1 [18]   | ESTABLISHED | ESTABLISHED
        B>A A  1 a19       | ESTABLISHED | ESTABLISHED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: {},
      completeness: [15],
      play: playEarlyData,
    },
  ],
};
