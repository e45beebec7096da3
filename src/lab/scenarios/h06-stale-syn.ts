// H06: an old SYN arrives.
import { type Scenario, text } from '../scenario.js';

/** Where a false start dies. */
export const H06: Scenario = {
  id: 'H06',
  title: text('a SYN from the past', '滞留已久的 SYN'),
  claims: ['C18', 'C19'],
  moral: text(
    'The stale SYN died at the third step: the client answered RST, nobody accepted anything.',
    '滞留的 SYN 在第三步被 RST 终结，服务端没有建立连接。',
  ),
  variants: [
    {
      id: 'H06a',
      what: text('it overtakes the new one (RFC 9293 Fig. 8)', '旧 SYN 抢在新 SYN 之前到达 (RFC 9293 图 8)'),
      ours: 'A',
      wire: `
        A>B S  0          | SYN-SENT    | -            # held by the link
        inj A>B S -10     | SYN-SENT    | SYN-RECEIVED*
        B>A SA 0 a-9      | SYN-SENT    | -            # acknowledges what we never sent
        A>B R  -9         | SYN-SENT    | LISTEN*      # so RST, with the number of that ACK
        B>A SA 0 a1       | ESTABLISHED | SYN-RECEIVED # the true SYN was let go
        A>B A  1 a1       | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: { rst: 1, reused_ports: 1 },
      completeness: [35, 7],
      async play(x) {
        x.link.hold('the new SYN', { from: 'A', flags: 'S' });
        await x.b.listen();
        x.a.connect();
        await x.until('our SYN is held', () => x.link.held('the new SYN') === 1);
        x.link.inject({ from: 'A', flags: 'S', seq: -10 });
        await x.until('A has answered RST', () => x.count({ from: 'A', flags: 'R' }) === 1);
        await x.wait(20);
        x.check(
          'nobody accepted the false start',
          '没有人接受这次错误的连接',
          x.b.accepted === 0,
          x.b.accepted,
        );
        x.link.release('the new SYN');
        await x.established();
        x.curtain();
      },
    },
    {
      id: 'H06b',
      what: text('nobody waits for its answer any more (Fig. 11)', '应答到来时已无人等待 (图 11)'),
      ours: 'A',
      wire: `
        inj A>B S 0       | CLOSED | SYN-RECEIVED*
        B>A SA 0 a1       | CLOSED | -
        A>B R  1          | CLOSED | LISTEN*
      `,
      judge: { rst: 1 },
      completeness: [35],
      async play(x) {
        await x.b.listen();
        x.link.inject({ from: 'A', flags: 'S', seq: 0 });
        await x.until('A has answered RST', () => x.count({ from: 'A', flags: 'R' }) === 1);
        await x.wait(20);
        x.check('accept() gave nothing', 'accept() 没有得到连接', x.b.accepted === 0, x.b.accepted);
      },
    },
    {
      id: 'H06c',
      what: text('our server gets it', '我方服务端收到它'),
      ours: 'B',
      wire: `
        inj A>B S 0       | CLOSED | SYN-RECEIVED
        B>A SA 0 a1       | CLOSED | SYN-RECEIVED
        A>B R  1          | CLOSED | LISTEN
      `,
      path: 'LISTEN SYN-RECEIVED LISTEN',
      judge: { rst: 1 },
      completeness: [32],
      async play(x) {
        await x.b.listen();
        x.link.inject({ from: 'A', flags: 'S', seq: 0 });
        await x.until('B has gone back to LISTEN', () => x.transitions().includes('SYN-RECEIVED>LISTEN'));
        x.check(
          'accept() gave nothing: no phantom connection',
          'accept() 没有得到连接：没有幽灵连接',
          x.b.accepted === 0,
          x.b.accepted,
        );
        if (x.world === 'sim') {
          const lastedMs = x.now();
          x.check(
            'the half-open entry lasted one round trip',
            '半连接只存在了一个往返时间',
            lastedMs <= 10,
            `${lastedMs} ms`,
          );
        }
      },
    },
    {
      id: 'H06d',
      what: text(
        'the new SYN comes before the RST: an ACK, an RST, and we ask again',
        '新 SYN 先于 RST 到达：ACK、RST，然后再次询问',
      ),
      ours: 'A',
      worlds: ['kernel'],
      wire: `
        A>B S  0                    | SYN-SENT    | -            # held by the link
        inj A>B S 1000000000        | SYN-SENT    | SYN-RECEIVED*
        B>A SA 0 a1000000001        | SYN-SENT    | -            # to the old one; held until the new one is there
        ? A>B R 1000000001          | SYN-SENT    | -
        B>A A * a1000000001         | SYN-SENT    | -            # to the new one: outside the window
        A>B R 1000000001            | SYN-SENT    | -
        A>B S  0                    | SYN-SENT    | -
        B>A SA 0 a1                 | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1                 | ESTABLISHED | ESTABLISHED
      `,
      path: 'CLOSED SYN-SENT ESTABLISHED',
      judge: { rst: 1, reused_ports: 2, retransmission: 1, lost_segment: 1, ack_lost_segment: 2 },
      completeness: [3, 39],
      async play(x) {
        x.link.hold('the new SYN', { from: 'A', flags: 'S', nth: 1 });
        x.link.hold('B’s answers', { from: 'B' }, true);
        await x.b.listen();
        x.a.connect();
        await x.until('our SYN is held', () => x.link.held('the new SYN') === 1);
        x.link.inject({ from: 'A', flags: 'S', seq: 1_000_000_000 });
        await x.until('B has answered the old one', () => x.link.held('B’s answers') === 1);
        x.link.release('the new SYN');
        await x.until('B has answered the new one', () => x.link.held('B’s answers') === 2);
        x.link.release('B’s answers');
        await x.established();
        const syns = x.count({ from: 'A', flags: 'S' });
        x.check('connected within one timeout of the SYN', '在一次 SYN 超时之内建立连接', syns === 3, syns);
        x.curtain();
      },
    },
  ],
};
