// H13: a flood of SYNs.
import { type Scenario, text } from '../scenario.js';
import type { Stage } from '../stage.js';
import { OPENING } from './opening.js';

const SYNS = 2000;
const HALF_OPEN = 128;

/** SYNs from addresses that do not exist (RFC 2544 keeps 198.18.0.0/15 for tests). */
async function flood(x: Stage, backlog = HALF_OPEN): Promise<void> {
  x.link.swallowStrangers();
  await x.b.listen({ backlog });
  for (let i = 0; i < SYNS; i++) {
    const source = { address: `198.18.${i >> 8}.${i & 255}`, port: 1024 + i };
    x.link.inject({ from: 'A', flags: 'S', seq: i, source });
  }
  await x.until('the flood is over', () => {
    const { passiveOpens, synCookiesSent } = x.counters();
    return passiveOpens + synCookiesSent >= SYNS;
  });
}

/** What holds whatever is done about the flood. */
function checkFlood(x: Stage): void {
  const open = halfOpenNow(x);
  x.check(
    `${HALF_OPEN} half-open connections at most`,
    `半连接最多 ${HALF_OPEN} 个`,
    open <= HALF_OPEN,
    open,
  );
}

/** The client that means it, behind all the others. */
async function realClient(x: Stage): Promise<void> {
  x.a.connect();
  await x.established();
  x.check('only the real client was accepted', '只接受了真正的客户端', x.b.accepted === 1, x.b.accepted);
  const warnings = x.records().filter(({ ev }) => ev === 'backlog').length;
  x.check(
    'the log warns once a second at most',
    '日志每秒最多警告一次',
    warnings >= 1 && warnings <= 1 + x.now() / 1000,
    warnings,
  );
  x.curtain();
}

function halfOpenNow(x: Stage): number {
  let open = 0;
  for (const { ev, from, to } of x.records()) {
    if (ev !== 'state') continue;
    if (to === 'SYN-RECEIVED') open++;
    else if (from === 'SYN-RECEIVED') open--;
  }
  return open;
}

/** Half-open connections are bounded. */
export const H13: Scenario = {
  id: 'H13',
  title: text('a flood of SYNs', 'SYN 洪泛'),
  claims: ['C19', 'C22'],
  moral: text(
    'The half-open table stayed bounded and the real client still got in.',
    '半连接表没有膨胀，真正的客户端仍能连上。',
  ),
  variants: [
    {
      id: 'H13a',
      alone: true,
      what: text(
        '2000 empty SYNs, a table of 128: from there on cookies, and nothing is kept',
        '2000 个空 SYN，表长 128：其余用 SYN Cookie 应答，不保留任何状态',
      ),
      ours: 'B',
      limits: { halfOpen: HALF_OPEN },
      wire: `
        A>B S  0      | SYN-SENT    | LISTEN         # B answers, and keeps nothing
        B>A SA 0 a1   | ESTABLISHED | LISTEN         # this number tells B later what it was
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
      `,
      judge: {},
      completeness: [7],
      async play(x) {
        await flood(x);
        checkFlood(x);
        const cookies = x.counters().synCookiesSent;
        x.check(
          'all SYNs beyond the table were answered by a cookie',
          '表满之后的 SYN 都用 Cookie 应答',
          cookies === SYNS - HALF_OPEN,
          cookies,
        );
        await realClient(x);
      },
    },
    {
      id: 'H13b',
      alone: true,
      what: text(
        'without cookies: the oldest of the table goes for the newest',
        '不用 Cookie：表满后最旧的让位给最新的',
      ),
      ours: 'B',
      limits: { halfOpen: HALF_OPEN },
      config: { synCookies: 'off' },
      wire: OPENING.replaceAll('| SYN-SENT    | -', '| SYN-SENT | SYN-RECEIVED').replaceAll(
        '| ESTABLISHED | SYN-RECEIVED',
        '| - | SYN-RECEIVED',
      ),
      judge: {},
      completeness: [7],
      async play(x) {
        await flood(x);
        checkFlood(x);
        await realClient(x);
      },
    },
    {
      id: 'H13c',
      what: text('nobody answers the SYN-ACKs: the table empties by itself', 'SYN-ACK 无人应答：表自行清空'),
      ours: 'B',
      worlds: ['sim'],
      limits: { halfOpen: HALF_OPEN },
      wire: '',
      judge: {},
      completeness: [],
      async play(x) {
        await flood(x);
        await x.wait(70_000);
        x.check(
          'after five repetitions of each SYN-ACK nothing is half-open',
          '每个 SYN-ACK 重发五次之后，没有半连接残留',
          halfOpenNow(x) === 0,
          halfOpenNow(x),
        );
        x.check('nobody was accepted', '没有接受任何连接', x.b.accepted === 0);
      },
    },
    {
      id: 'H13d',
      what: text('without the bound: every one of them is kept', '没有上限：每一个都被保留'),
      ours: 'B',
      worlds: ['sim'],
      unsafe: ['backlog=unbounded'],
      wire: '',
      judge: {},
      completeness: [],
      async play(x) {
        await flood(x, SYNS);
        x.check(
          '2000 connections to nobody are kept',
          '保留了 2000 个不存在的连接',
          halfOpenNow(x) === SYNS,
          halfOpenNow(x),
        );
        x.curtain();
      },
    },
  ],
};
