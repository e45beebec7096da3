// The four questions of every tutorial, and the answers that the scenarios just played can prove.
import type { LadderRow } from '../observe/ladder-rows.js';
import { rowLine } from './notation.js';
import type { Outcome } from './outcome.js';
import { type Text, text } from './scenario.js';

/** A segment of a run that an answer points at. */
export interface Evidence {
  /** The variant in which it crossed. */
  readonly variant: string;
  /** The segment in the notation of expectations, numbers included: `A>B R 1`. */
  readonly line: string;
}

/** A sentence or two, with what proves it. */
export interface Paragraph {
  readonly says: Text;
  readonly see: readonly Evidence[];
}

/** A question. */
export interface Question {
  readonly id: string;
  readonly asks: Text;
  /** Variants that are played, in order. */
  readonly plays: readonly string[];
  readonly answer: readonly Paragraph[];
}

function see(variant: string, line: string): Evidence {
  return { variant, line };
}

/** Q1 to Q4. */
export const QUESTIONS: readonly Question[] = [
  {
    id: 'Q1',
    asks: text('Why a third segment? Why are two not enough?', '为什么要第三次握手？两次为什么不够？'),
    plays: ['H01', 'H06c', 'H07a', 'H07b'],
    answer: [
      {
        says: text(
          'Each side has to learn that the other has its number. The SYN-ACK tells A that B has x; only the third segment tells B that A has y.',
          '每一方都必须得知对方收到了自己的序号。SYN-ACK 告诉 A：B 收到了 x；只有第三个报文段才告诉 B：A 收到了 y。',
        ),
        see: [see('H01', 'B>A SA 0 a1'), see('H01', 'A>B A 1 a1')],
      },
      {
        says: text(
          'The reason why that matters are SYNs that were under way for too long. B cannot tell an old SYN from a new one. A can: it never asked for this, so it answers RST instead of the third segment, and B goes back to LISTEN. Nobody accepted anything.',
          '这一点之所以重要，是因为网络中可能有滞留已久的 SYN。B 分辨不出新旧，A 可以：它没有请求过这个连接，于是用 RST 代替第三个报文段，B 回到 LISTEN，没有人接受任何连接。',
        ),
        see: [see('H06c', 'inj A>B S 0'), see('H06c', 'A>B R 1')],
      },
      {
        says: text(
          'Had B not waited for the third segment, its application would have run and sent data to nobody. With A alive, the RST ends that after a round trip; with A gone, B pays for it until it gives up, here after more than 100 seconds.',
          '如果 B 不等第三个报文段，它的应用就会白白运行，把数据发给不存在的对方。A 还在时，RST 会在一个往返之后结束它；A 已不在时，B 要一直付出代价直到放弃，这里超过 100 秒。',
        ),
        see: [see('H07a', 'B>A A 1 a1 [20]'), see('H07b', 'B>A A 1 a1 [20]')],
      },
      {
        says: text(
          '"The client’s ability to receive" is a by-product: what is confirmed is the number y.',
          '“确认客户端的接收能力”只是附带的结果：真正被确认的是序号 y。',
        ),
        see: [],
      },
    ],
  },
  {
    id: 'Q2',
    asks: text('May the handshake carry data?', '握手过程中可以携带数据吗？'),
    plays: ['H03a', 'H04a', 'H04b', 'H05a', 'H13a'],
    answer: [
      {
        says: text(
          'The third segment may, and often does: its sender is ESTABLISHED already.',
          '第三个报文段可以，而且常常携带：它的发送方已经处于 ESTABLISHED。',
        ),
        see: [see('H03a', 'A>B A 1 a1 [18]')],
      },
      {
        says: text(
          'The SYN may, too; that it may not is a legend. What is forbidden is to deliver its data before the handshake is over, because until then the SYN may be an old one. Here 72 bytes came with the SYN, and the application read them only after ESTABLISHED, once.',
          'SYN 也可以；说它不可以只是传言。不允许的是在握手完成之前交付这些数据，因为在那之前这个 SYN 有可能是旧的。这里 72 字节随 SYN 到达，应用在 ESTABLISHED 之后才读到，而且只读到一次。',
        ),
        see: [see('H04a', 'A>B S 0 [72]'), see('H04a', 'B>A SA 0 a1'), see('H04b', 'B>A A 1 a73')],
      },
      {
        says: text(
          'Fast Open goes further: whoever shows a cookie, and so proves to be at home at its address, has its data delivered at once. The server answers before the third segment has come.',
          'TFO 更进一步：出示 Cookie 的客户端证明了自己的地址属实，数据立即交付。第三个报文段还没到，服务端已经应答。',
        ),
        see: [see('H05a', 'A>B S 0 [10]'), see('H05a', 'B>A SA 0 a11'), see('H05a', 'B>A A 1 a11 [6]')],
      },
      {
        says: text(
          'Attackers are the reason for a bound on what is kept, not for a ban: a flood works with empty SYNs as well. What helps is a bounded table, and beyond it answers that keep nothing: SYN cookies.',
          '攻击者是限制保留数据量的理由，而不是禁止的理由：空的 SYN 同样可以洪泛。真正有用的是有上限的半连接表，表满之后用 SYN Cookie 应答，不保留任何状态。',
        ),
        see: [see('H13a', 'A>B A 1 a1')],
      },
    ],
  },
  {
    id: 'Q3',
    asks: text(
      'Why does the server acknowledge the FIN first, and send its own FIN later?',
      '为什么服务端先确认 FIN，然后才发送自己的 FIN？',
    ),
    plays: ['T01', 'T04', 'T05a', 'T18'],
    answer: [
      {
        says: text(
          'Because a FIN closes one direction only. The other is closed by B’s application, when it has no more to say; TCP cannot know when that will be.',
          '因为 FIN 只关闭一个方向。另一个方向由 B 的应用在说完之后关闭；TCP 无法预知那是什么时候。',
        ),
        see: [see('T01', 'B>A A 1 a2'), see('T01', 'B>A FA 1 a2')],
      },
      {
        says: text(
          'Between the two waves B may go on sending for as long as it likes, and A goes on reading. w - v is the number of bytes that it sent.',
          '两次挥手之间 B 可以一直发送，A 一直接收。w - v 就是期间发送的字节数。',
        ),
        see: [see('T04', 'B>A A 1 a5'), see('T04', 'B>A FA 1501 a5')],
      },
      {
        says: text(
          'When B’s application closes at once, ACK and FIN go in one segment, and the close has three. That is legal and common; four is not a law.',
          '如果 B 的应用立即关闭，ACK 和 FIN 就合在一个报文段里，一共三次。这是合法而且常见的；四次并不是定律。',
        ),
        see: [see('T05a', 'B>A FA 4 a5')],
      },
      {
        says: text(
          'What must not be is that the ACK waits for a FIN that takes long: A would have to believe that its FIN was lost, and repeat it.',
          '不允许的是让 ACK 等待一个迟迟不来的 FIN：A 只能认为自己的 FIN 丢了，从而一再重发。',
        ),
        see: [see('T18', 'A>B FA 1 a1')],
      },
    ],
  },
  {
    id: 'Q4',
    asks: text(
      'Why does the one who closed first wait, and why for 2 MSL?',
      '先关闭的一方为什么要等待？为什么是 2MSL？',
    ),
    plays: ['T09a', 'T10', 'T12a', 'T12b'],
    answer: [
      {
        says: text(
          'Nobody acknowledges the last ACK. If it is lost, B repeats its FIN, and somebody must be there to answer. Each repeated FIN starts the wait anew, because the next ACK may be lost as well.',
          '没有人确认最后的 ACK。如果它丢失，B 会重发 FIN，必须有人在那里应答。每个重发的 FIN 都让等待重新开始，因为下一个 ACK 也可能丢失。',
        ),
        see: [see('T09a', 'lost A>B A 2 a2'), see('T09a', 'B>A FA 1 a2')],
      },
      {
        says: text(
          'If A has forgotten, B’s FIN meets an RST: B is told that something went wrong, although everything had arrived.',
          '如果 A 已经忘记，B 的 FIN 就会得到 RST：明明一切都已到达，B 却被告知出了错。',
        ),
        see: [see('T10', 'A>B R 2')],
      },
      {
        says: text(
          'The wait also lets old segments die before the same four numbers (two addresses, two ports) are used again. Without it, and without any other guard, an old payment is made twice. TIME-WAIT alone prevents it, and so does each of the others: numbers that begin at a clock, the check of the ACK, timestamps.',
          '等待还让旧报文段在同一个四元组（两个地址、两个端口）再次使用之前消亡。没有等待也没有其他保护时，旧的“付款”会被执行两次。单靠 TIME-WAIT 就能防止；其他每一种保护也都可以：随时钟增长的初始序号、对 ACK 的检查、时间戳。',
        ),
        see: [see('T12a', 'inj A>B A 1 a1 [11]'), see('T12a', 'B>A A 1 a12'), see('T12b', 'B>A R 1')],
      },
      {
        says: text(
          'Two MSL: the last ACK may live for one, and a FIN that B sent just before it came may live for another. That bounds how long they can wander about; it does not promise that they arrive.',
          '两个 MSL：最后的 ACK 最多存活一个；在它到达之前 B 刚刚重发的 FIN 最多再存活一个。它限定的是报文游荡的时间，并不保证报文到达。',
        ),
        see: [],
      },
    ],
  },
];

/** The question of that name, or undefined. */
export function questionNamed(id: string): Question | undefined {
  return QUESTIONS.find((question) => question.id === id.toUpperCase());
}

/** Where a piece of evidence crossed: the row of the newest match before the last, or null when it never did. */
export function findEvidence(outcomes: readonly Outcome[], evidence: Evidence): LadderRow | null {
  const outcome = outcomes.find(({ variant }) => variant.id === evidence.variant);
  if (outcome === undefined) return null;
  const rows = outcome.ladders.flatMap((ladder) => ladder.rows);
  // What a segment means is told by where it stands: of several that look alike the last one counts.
  return rows.findLast((row) => row.segment !== null && rowLine(row) === evidence.line) ?? null;
}

/** How the segments of an answer are to be read. */
export const LEGEND = text(
  'A>B FA 1 a2 [3] reads: from A to B, FIN and ACK (S is SYN, R is RST), seq=1, ack=2, three bytes.',
  'A>B FA 1 a2 [3] 读作：从 A 到 B，FIN 和 ACK（S 为 SYN，R 为 RST），seq=1，ack=2，三字节数据。',
);

/** The answer, with the segments that prove it: paragraphs of text, each followed by its evidence. */
export function answerLines(question: Question, outcomes: readonly Outcome[], lang: 'en' | 'zh'): string[] {
  const lines: string[] = [];
  for (const { says, see: evidence } of question.answer) {
    lines.push(says[lang]);
    for (const each of evidence) {
      const row = findEvidence(outcomes, each);
      if (row === null) continue;
      const at = (row.t / 1000).toFixed(3);
      lines.push(
        lang === 'zh'
          ? `  见 ${each.variant}，${at} 秒：${each.line}`
          : `  see ${each.variant} at ${at} s: ${each.line}`,
      );
    }
  }
  return [...lines, LEGEND[lang]];
}
