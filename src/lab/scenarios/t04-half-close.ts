// T04: half-closed, and data still flows the other way.
import { type Scenario, text } from '../scenario.js';

/** w > v. */
export const T04: Scenario = {
  id: 'T04',
  title: text('half-close with data still flowing (w > v)', '半关闭期间服务端继续发送数据 (w > v)'),
  claims: ['C02', 'C14', 'C15'],
  moral: text(
    'w > v: half-closed means "I have no more to say", not "I am not listening".',
    'w > v：半关闭表示“我说完了”，不表示“我不听了”。',
  ),
  variants: [
    {
      id: 'T04',
      ours: 'A',
      wire: `
        A>B S  0             | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1          | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1          | ESTABLISHED | ESTABLISHED
        A>B A  1 a1 [3]      | ESTABLISHED | ESTABLISHED
        B>A A  1 a4          | ESTABLISHED | ESTABLISHED
        A>B FA 4 a1          | FIN-WAIT-1  | CLOSE-WAIT*
        B>A A  1 a5          | FIN-WAIT-2  | CLOSE-WAIT*
        B>A A  1 a5 [1000]   | FIN-WAIT-2  | CLOSE-WAIT
        A>B A  5 a1001       | FIN-WAIT-2  | CLOSE-WAIT
        B>A A  1001 a5 [500] | FIN-WAIT-2  | CLOSE-WAIT*
        A>B A  5 a1501       | FIN-WAIT-2  | CLOSE-WAIT
        B>A FA 1501 a5       | TIME-WAIT   | LAST-ACK*
        A>B A  5 a1502       | TIME-WAIT   | CLOSED*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
      judge: {},
      completeness: [31],
      async play(x) {
        await x.b.listen();
        x.a.connect();
        await x.established();
        x.a.send('req');
        await x.until('B has acknowledged the request', () => x.count({ from: 'B', flags: 'A' }) === 1);
        x.a.shutdown();
        await x.until('A is in FIN-WAIT-2', () => x.a.state() === 'FIN-WAIT-2');
        x.a.send('too late');
        x.check(
          'A may not send any more (EPIPE)',
          'A 不能再发送 (EPIPE)',
          x.a.session.error === 'EPIPE',
          x.a.session.error,
        );
        x.b.send(1000);
        await x.until('A has it', () => x.a.receivedBytes === 1000);
        x.b.send(500);
        await x.until('A has all', () => x.a.receivedBytes === 1500);
        await x.until('A has acknowledged it', () => x.count({ from: 'A', flags: 'A', len: 0 }) === 3);
        await x.wait(10);
        x.b.close();
        await x.until('A reads the end', () => x.a.session.ended);
        x.check(
          'A read 1500 bytes after its own FIN, then the end',
          'A 在自己的 FIN 之后读到 1500 字节，然后是结束',
          x.a.receivedBytes === 1500,
        );
      },
    },
  ],
};
