// T06: both ends close at once.
import { type Scenario, text } from '../scenario.js';
import type { Stage } from '../stage.js';
import { OPENING, open } from './opening.js';

/** B's FIN is under way when A closes. */
async function cross(x: Stage): Promise<void> {
  await open(x);
  x.link.hold('B’s FIN', { from: 'B', flags: 'FA', nth: 1 });
  x.link.hold('B’s ACK', { from: 'B', flags: 'A', ack: 2, nth: 1 });
  x.b.shutdown();
  await x.until('B’s FIN is on its way', () => x.link.held('B’s FIN') === 1);
  x.a.shutdown();
  await x.until('B has acknowledged A’s FIN', () => x.link.held('B’s ACK') === 1);
  x.link.release('B’s FIN');
  await x.until('A is in CLOSING', () => x.a.state() === 'CLOSING');
  await x.until('A has acknowledged it', () => x.count({ from: 'A', flags: 'A' }) === 2);
}

/** CLOSING. */
export const T06: Scenario = {
  id: 'T06',
  title: text('simultaneous close', '同时关闭'),
  claims: ['C12'],
  moral: text(
    'Both closed at once: both passed CLOSING and both wait 2MSL.',
    '双方同时关闭：都经过 CLOSING，都要等 2MSL。',
  ),
  variants: [
    {
      id: 'T06a',
      what: text('the FINs cross, nothing is lost', 'FIN 交错，没有丢失'),
      ours: 'A',
      wire: `${OPENING}
        A>B FA 1 a1   | FIN-WAIT-1  | CLOSING*       # its ack does not cover B's FIN
        B>A FA 1 a1   | CLOSING     | -
        A>B A  2 a2   | CLOSING     | TIME-WAIT*
        B>A A  2 a2   | TIME-WAIT   | -
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT CLOSED',
      judge: {},
      completeness: [23],
      async play(x) {
        await cross(x);
        x.link.release('B’s ACK');
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
    {
      id: 'T06b',
      what: text('the ACK of our FIN is lost: we repeat the FIN', '对我方 FIN 的 ACK 丢失：我方重发 FIN'),
      ours: 'A',
      leastMslMs: 1000,
      wire: `${OPENING}
        A>B FA 1 a1        | FIN-WAIT-1  | CLOSING*
        B>A FA 1 a1        | CLOSING     | -
        A>B A  2 a2        | CLOSING     | TIME-WAIT*
        A>B FA 1 a2        | CLOSING     | TIME-WAIT
        B>A A  2 a2        | TIME-WAIT   | TIME-WAIT
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT CLOSED',
      judge: { retransmission: 1, duplicate_ack: 1 },
      completeness: [23],
      async play(x) {
        await cross(x);
        // What is held and never let go is lost.
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
    {
      id: 'T06c',
      what: text('the ACK of B’s FIN is lost: B repeats its FIN', '对 B 的 FIN 的 ACK 丢失：B 重发 FIN'),
      ours: 'A',
      leastMslMs: 1000,
      wire: `${OPENING}
        A>B FA 1 a1        | FIN-WAIT-1  | CLOSING*
        B>A FA 1 a1        | CLOSING     | -
        lost A>B A 2 a2    | CLOSING     | CLOSING
        B>A A  2 a2        | TIME-WAIT   | CLOSING
        B>A FA 1 a2        | TIME-WAIT   | CLOSING
        A>B A  2 a2        | TIME-WAIT   | TIME-WAIT*
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT CLOSED',
      judge: { retransmission: 1 },
      completeness: [23],
      async play(x) {
        x.link.drop({ from: 'A', flags: 'A', ack: 2, nth: 1 });
        await cross(x);
        x.link.release('B’s ACK');
        await x.until('2 MSL are over', () => x.a.state() === 'CLOSED');
      },
    },
  ],
};
