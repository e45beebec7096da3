// H07: what would happen with two segments instead of three.
import { type Scenario, text } from '../scenario.js';

const BANNER = '220 anybody there?\r\n';

/** The counterfactual to H06. */
export const H07: Scenario = {
  id: 'H07',
  title: text('a handshake of two segments, as it must not be', '假如只有两次握手'),
  claims: ['C18', 'C19'],
  moral: text(
    'With two steps the server opened a connection to nobody and kept paying for it.',
    '如果只有两次握手，服务端会为一个不存在的客户端建立连接并一直占用资源。',
  ),
  variants: [
    {
      id: 'H07a',
      what: text(
        'the stale SYN of H06c; the client’s host is alive',
        '与 H06c 相同的滞留 SYN；客户端主机仍在',
      ),
      ours: 'B',
      worlds: ['sim'],
      unsafe: ['handshake=2'],
      intact: false,
      wire: `
        inj A>B S 0          | CLOSED | SYN-RECEIVED
        B>A SA 0 a1          | CLOSED | SYN-RECEIVED
        B>A A  1 a1 [20]     | CLOSED | ESTABLISHED
        A>B R  1             | CLOSED | CLOSED
        A>B R  1             | CLOSED | CLOSED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED CLOSED',
      judge: { rst: 2 },
      completeness: [40],
      async play(x) {
        await x.b.listen();
        x.link.inject({ from: 'A', flags: 'S', seq: 0 });
        await x.until('B has a connection', () => x.b.accepted === 1);
        x.b.send(BANNER);
        await x.until('RST reached B', () => x.b.session.closed);
        await x.wait(20);
        x.check(
          'one phantom connection (with three segments: none)',
          '一个幽灵连接（三次握手时：零个）',
          x.b.accepted === 1,
        );
        x.check(
          '20 bytes were sent to nobody',
          '20 字节发给了不存在的客户端',
          x.count({ from: 'B', len: 20 }) === 1,
        );
        x.check(
          'the application ran, and learns of it by an error',
          '应用白白运行，最后得到错误',
          x.b.session.error === 'ECONNRESET',
          x.b.session.error,
        );
      },
    },
    {
      id: 'H07b',
      what: text('the client’s host is gone: nobody answers', '客户端主机已不存在：没有人应答'),
      ours: 'B',
      worlds: ['sim'],
      unsafe: ['handshake=2'],
      intact: false,
      config: { r2Ms: 100_000 },
      peerRules: [{ match: { dir: 'out' }, act: { kind: 'drop' } }],
      wire: `
        inj A>B S 0          | CLOSED | SYN-RECEIVED
        B>A SA 0 a1          | CLOSED | SYN-RECEIVED
        B>A A  1 a1 [20] x2..20  | CLOSED | ESTABLISHED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED CLOSED',
      judge: { retransmission: 8 },
      completeness: [8],
      async play(x) {
        await x.b.listen();
        x.link.inject({ from: 'A', flags: 'S', seq: 0 });
        await x.until('B has a connection', () => x.b.accepted === 1);
        x.b.send(BANNER);
        await x.until('B gives up', () => x.b.session.closed);
        x.check(
          'the server kept it for 100 s or longer (with three segments: for 10 ms)',
          '服务端为它占用资源至少 100 秒（三次握手时：10 毫秒）',
          x.now() >= 100_000,
          `${x.now()} ms`,
        );
        x.check(
          'the same bytes were sent again and again',
          '同样的字节一再重发',
          x.count({ from: 'B', len: 20 }) > 5,
        );
      },
    },
  ],
};
