// H14: segments of the handshake come twice.
import { type Scenario, text } from '../scenario.js';
import { open } from './opening.js';

/** Answered, never acted upon twice. */
export const H14: Scenario = {
  id: 'H14',
  title: text('segments of the handshake come twice', '握手报文段重复到达'),
  claims: ['C09'],
  moral: text('Duplicates are answered, never acted upon twice.', '重复报文只会被应答，不会被执行两次。'),
  variants: [
    {
      id: 'H14a',
      what: text('the SYN, while we are SYN-RECEIVED', '处于 SYN-RECEIVED 时 SYN 重复'),
      ours: 'B',
      wire: `
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B S  0      | -           | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED  # the same y
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
        kernel: A>B A  1 a1   | ESTABLISHED | ESTABLISHED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: { retransmission: 1 },
      kernel: { judge: { retransmission: 1, duplicate_ack: 1 } },
      completeness: [7],
      async play(x) {
        x.link.hold('our SYN-ACK', { from: 'B', flags: 'SA' }, true);
        x.link.dup({ from: 'A', flags: 'S', nth: 1 }, 1, 10);
        await x.b.listen();
        x.a.connect();
        await x.until('both SYNs were answered', () => x.count({ from: 'B', flags: 'SA' }) === 2);
        x.link.release('our SYN-ACK');
        await x.established();
        await x.wait(20);
        x.check('one connection was accepted', '只接受了一个连接', x.b.accepted === 1, x.b.accepted);
        x.curtain();
      },
    },
    {
      id: 'H14b',
      what: text('the SYN-ACK, once we are ESTABLISHED', '已建立之后 SYN-ACK 重复'),
      ours: 'A',
      wire: `
        A>B S  0      | SYN-SENT    | -
        B>A SA 0 a1   | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
        B>A SA 0 a1   | ESTABLISHED | -
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: { duplicate_ack: 1 },
      completeness: [7],
      async play(x) {
        x.link.dup({ from: 'B', flags: 'SA', nth: 1 }, 1, 50);
        await open(x);
        await x.until('the second was answered', () => x.count({ from: 'A', flags: 'A' }) === 2);
        await x.wait(20);
        x.curtain();
      },
    },
    {
      id: 'H14c',
      what: text('the SYN, once we are ESTABLISHED: a challenge ACK', '已建立之后 SYN 重复：质询 ACK'),
      ours: 'B',
      wire: `
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
        inj A>B S 0   | -           | ESTABLISHED   # a copy of the first
        B>A A  1 a1   | ESTABLISHED | ESTABLISHED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: { window_update: 1 },
      completeness: [7],
      async play(x) {
        await open(x);
        x.link.inject({ from: 'A', flags: 'S', seq: 0 });
        await x.until('it was answered', () => x.count({ from: 'B', flags: 'A' }) === 1);
        await x.wait(20);
        x.curtain();
      },
    },
    {
      id: 'H14d',
      what: text('the third segment: nothing to say', '第三个报文段重复：无需应答'),
      ours: 'B',
      wire: `
        A>B S  0      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1   | -           | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: {},
      completeness: [7],
      async play(x) {
        x.link.dup({ from: 'A', flags: 'A', nth: 1 }, 1, 20);
        await open(x);
        await x.until('the copy has come', () => x.count({ from: 'A', flags: 'A' }) === 2);
        await x.wait(60);
        x.check('one connection was accepted', '只接受了一个连接', x.b.accepted === 1, x.b.accepted);
        x.curtain();
      },
    },
  ],
};
