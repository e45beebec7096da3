// H05: TCP Fast Open, as the kernel's server offers it.
import { type Scenario, text, type Variant } from '../scenario.js';
import type { Stage } from '../stage.js';

/** Option kind of Fast Open (RFC 7413 §4.1.1). */
const FAST_OPEN = 34;
/** How far the second SYN is from the first. */
const LATER = 100_000;

/** Option 34 with a cookie, or without one to ask for it; padded. */
function cookieOption(cookie: Uint8Array): Uint8Array {
  const option = new Uint8Array((2 + cookie.length + 3) & ~3).fill(1);
  option.set([FAST_OPEN, 2 + cookie.length, ...cookie]);
  return option;
}

/** The cookie in the options of a SYN-ACK; empty when there is none. */
function cookieIn(options: Uint8Array): Uint8Array {
  for (let at = 0; at < options.length && options[at] !== 0; at += options[at] === 1 ? 1 : options[at + 1]!) {
    if (options[at] === FAST_OPEN) return options.slice(at + 2, at + options[at + 1]!);
  }
  return new Uint8Array(0);
}

/** A client that the lab plays by hand, one segment after the other, asks for a cookie. */
async function askForCookie(x: Stage): Promise<Uint8Array> {
  let cookie = new Uint8Array(0);
  x.link.rewrite({ from: 'B', flags: 'SA' }, (segment) => {
    cookie = Uint8Array.from(cookieIn(segment.options));
  });
  await x.b.listen();
  x.link.inject({ from: 'A', flags: 'S', seq: 0, options: cookieOption(cookie) });
  await x.until('the client has given the first SYN up', () => x.count({ from: 'A', flags: 'R' }) === 1);
  await x.wait(20);
  x.check(
    'the server gave a cookie of eight bytes',
    '服务端给出八字节的 Cookie',
    cookie.length === 8,
    cookie.length,
  );
  // Our stack knows nothing of the client that is played in its name.
  x.link.swallow({ from: 'A', flags: 'R' });
  return cookie;
}

const base: Pick<Variant, 'ours' | 'worlds' | 'needs' | 'knobs' | 'intact'> = {
  ours: 'A',
  worlds: ['kernel'],
  needs: ['python3'],
  knobs: { 'net.ipv4.tcp_fastopen': '3' },
  intact: false,
};

/** Early, but only for whoever has proved to be at home at its address. */
export const H05: Scenario = {
  id: 'H05',
  title: text('Fast Open: data on the SYN, delivered at once', 'TFO：SYN 上的数据立即交付'),
  claims: ['C21', 'C22'],
  moral: text(
    'Fast Open delivers early, but only to a client holding a cookie.',
    'TFO 可以提前交付，但客户端必须出示 Cookie。',
  ),
  variants: [
    {
      ...base,
      id: 'H05a',
      what: text('the kernel’s server, and a client with its cookie', '内核服务端，客户端出示正确的 Cookie'),
      wire: `
        inj A>B S 0               | CLOSED | SYN-RECEIVED    # asks for a cookie
        B>A SA 0 a1               | CLOSED | -               # gets it
        A>B R 1                   | CLOSED | LISTEN*
        inj A>B S 100000 [10]     | CLOSED | SYN-RECEIVED*   # shows it, with data
        B>A SA 0 a100011          | CLOSED | SYN-RECEIVED    # all of it is acknowledged
        B>A A  1 a100011 [6]      | CLOSED | SYN-RECEIVED*   # the application has answered already
      `,
      judge: { rst: 1, reused_ports: 1, tfo_syn: 1, tfo_ack: 1 },
      completeness: [35, 11],
      async play(x) {
        const cookie = await askForCookie(x);
        x.link.inject({
          from: 'A',
          flags: 'S',
          seq: LATER,
          payload: 'GET /early',
          options: cookieOption(cookie),
        });
        await x.until('B’s application has the data', () => x.b.receivedText === 'GET /early');
        x.check(
          'it was read while B is SYN-RECEIVED',
          'B 处于 SYN-RECEIVED 时就已读到',
          x.b.state() === 'SYN-RECEIVED',
          x.b.state(),
        );
        x.b.send('200 OK');
        await x.until('the answer came before the third segment', () => x.count({ from: 'B', len: 6 }) === 1);
        // The third segment is still to come.
        x.curtain();
      },
    },
    {
      ...base,
      id: 'H05b',
      what: text(
        'a wrong cookie: the data is not taken, and a fresh cookie comes',
        '错误的 Cookie：数据不被接受，并给出新的 Cookie',
      ),
      wire: `
        inj A>B S 0               | CLOSED | SYN-RECEIVED
        B>A SA 0 a1               | CLOSED | -
        A>B R 1                   | CLOSED | LISTEN*
        inj A>B S 100000 [10]     | CLOSED | SYN-RECEIVED*
        B>A SA 0 a100001          | CLOSED | SYN-RECEIVED    # the SYN only
      `,
      judge: { rst: 1, reused_ports: 1, tfo_syn: 1, tfo_ignored: 1 },
      completeness: [35, 3],
      async play(x) {
        const cookie = await askForCookie(x);
        const wrong = cookie.map((byte) => byte ^ 0xff);
        x.link.inject({
          from: 'A',
          flags: 'S',
          seq: LATER,
          payload: 'GET /early',
          options: cookieOption(wrong),
        });
        await x.until('B has answered', () => x.count({ from: 'B', flags: 'SA' }) === 2);
        await x.wait(20);
        x.check('nothing was delivered', '没有任何数据交付', x.b.accepted === 0 && x.b.receivedBytes === 0);
        x.curtain();
      },
    },
  ],
};
