// H04: data on the SYN.
import { type Scenario, text, type Variant } from '../scenario.js';
import type { Stage } from '../stage.js';

const REQUEST = `${'GET /syn HTTP/1.1\r\nHost: 10.9.0.2\r\nX-Lab: on the SYN'.padEnd(68, '.')}\r\n\r\n`;
const LENGTH = REQUEST.length;

async function begin(x: Stage): Promise<void> {
  await x.b.listen();
  x.a.connect({ data: REQUEST, fastOpen: true });
}

/** What the application read, against the moment at which the connection was ESTABLISHED. */
function checkDelivery(x: Stage): void {
  const records = x.records();
  const established = records.findIndex(({ ev, to }) => ev === 'state' && to === 'ESTABLISHED');
  const read = records.findIndex(({ ev, call }) => ev === 'app' && call === 'recv');
  x.check(
    'the application read it only after ESTABLISHED',
    '应用在 ESTABLISHED 之后才读到数据',
    established >= 0 && read > established,
  );
  x.check(
    `${LENGTH} bytes were delivered, once`,
    `${LENGTH} 字节恰好交付一次`,
    x.b.receivedText === REQUEST,
    x.b.receivedBytes,
  );
}

/** The simulated client puts the bytes on its SYN as the kernel does with Fast Open and no cookie. */
const withSynData: Pick<Variant, 'ours' | 'needs' | 'knobs' | 'peerRules'> = {
  ours: 'B',
  needs: ['python3'],
  knobs: { 'net.ipv4.tcp_fastopen': '5' },
  peerRules: [
    {
      match: { dir: 'out', flags: 'S' },
      act: {
        kind: 'rewrite',
        edit: (segment) => {
          segment.payload = new TextEncoder().encode(REQUEST);
        },
      },
    },
  ],
};

/** Legal; delivering it early is not. */
export const H04: Scenario = {
  id: 'H04',
  title: text('data on the SYN is queued, not delivered', 'SYN 上的数据：先排队，不交付'),
  claims: ['C21', 'C22'],
  moral: text(
    'Data on a SYN is legal; delivering it before the handshake ends is not.',
    'SYN 上带数据是合法的；握手完成之前把它交给应用才是不允许的。',
  ),
  variants: [
    {
      ...withSynData,
      id: 'H04a',
      what: text('our server keeps it until the handshake is over', '我方服务端保留数据直到握手完成'),
      wire: `
        A>B S  0 [72]      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1        | -           | SYN-RECEIVED
        A>B A  1 a1 [72]   | ESTABLISHED | ESTABLISHED
        B>A A  1 a73       | ESTABLISHED | ESTABLISHED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: { retransmission: 1 },
      completeness: [15],
      async play(x) {
        await begin(x);
        await x.until('B has acknowledged all', () => x.count({ from: 'B', flags: 'A' }) === 1);
        checkDelivery(x);
        x.curtain();
      },
    },
    {
      ...withSynData,
      id: 'H04b',
      what: text('the link strips the repetition: the queue is real', '链路去掉重复的数据：证明排队是真的'),
      // The link makes the third segment a bare ACK; the kernel learns by our ACK that all is there, and never repeats it.
      wire: `
        A>B S  0 [72]      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1        | -           | SYN-RECEIVED
        A>B A  1 a1        | ESTABLISHED | ESTABLISHED
        B>A A  1 a73       | ESTABLISHED | ESTABLISHED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: { retransmission: 1 },
      completeness: [15],
      async play(x) {
        x.link.rewrite({ from: 'A', flags: 'A', nth: 1 }, (segment) => {
          segment.payload = new Uint8Array(0);
        });
        await begin(x);
        await x.until('B has acknowledged all', () => x.count({ from: 'B', flags: 'A' }) === 1);
        checkDelivery(x);
        x.curtain();
      },
    },
    {
      ...withSynData,
      id: 'H04c',
      what: text('a server that discards it, as Linux does', '丢弃 SYN 数据的服务端（与 Linux 相同）'),
      config: { synData: 'discard' },
      wire: `
        A>B S  0 [72]      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a1        | -           | SYN-RECEIVED
        A>B A  1 a1 [72]   | ESTABLISHED | ESTABLISHED
        B>A A  1 a73       | ESTABLISHED | ESTABLISHED
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: { retransmission: 1 },
      completeness: [15],
      async play(x) {
        await begin(x);
        await x.until('B has acknowledged all', () => x.count({ from: 'B', flags: 'A' }) === 1);
        checkDelivery(x);
        x.curtain();
      },
    },
    {
      ...withSynData,
      id: 'H04d',
      what: text(
        'a server that acknowledges it at once, and still waits to deliver',
        '立即确认但仍等握手完成才交付的服务端',
      ),
      worlds: ['kernel'],
      config: { synData: 'accept' },
      wire: `
        A>B S  0 [72]      | SYN-SENT    | SYN-RECEIVED
        B>A SA 0 a73       | -           | SYN-RECEIVED
        A>B A  73 a1       | ESTABLISHED | ESTABLISHED
        B>A A  1 a73       | ESTABLISHED | ESTABLISHED  # the window is open wider than a SYN could say
      `,
      path: 'LISTEN SYN-RECEIVED ESTABLISHED',
      judge: { tfo_ack: 1, window_update: 1 },
      completeness: [15],
      async play(x) {
        await begin(x);
        await x.until('B has it', () => x.b.receivedBytes === LENGTH);
        await x.until('B has told of its window', () => x.count({ from: 'B', flags: 'A' }) === 1);
        checkDelivery(x);
        x.curtain();
      },
    },
  ],
};
