// What is remarkable about a segment or a connection: the kinds, and the words for them in English and Chinese, each with
// the rule that it obeys or breaks. When a remark is made is decided elsewhere.
import type { Lang } from '../observe/lexicon.js';

/** Values that the words of a remark may name. */
export interface RemarkValues {
  /** Which end did it. */
  readonly side?: 'A' | 'B';
  readonly ms?: number;
  readonly count?: number;
  readonly bytes?: number;
  /** What it is in words, in English and Chinese. */
  readonly text?: string;
  readonly textZh?: string;
}

/** One remark, as plain data. */
export interface Remark {
  readonly kind: RemarkKind;
  /** The frame that shows it. */
  readonly frame: number;
  readonly values: RemarkValues;
}

interface Words {
  /** At most some forty columns: it stands in the middle of the ladder. */
  readonly label: (v: RemarkValues) => string;
  /** One or two sentences. */
  readonly text: (v: RemarkValues) => string;
}

interface Kind {
  readonly rule: string;
  readonly en: Words;
  readonly zh: Words;
  /** False: it is told below the ladder only. */
  readonly inLadder?: boolean;
}

function seconds(ms: number | undefined): string {
  return ((ms ?? 0) / 1000).toFixed(3);
}

function kind(rule: string, label: [string, string], text: [string, string], inLadder = true): Kind {
  const fill = (template: string, lang: Lang) => (v: RemarkValues) =>
    template
      .replace(/\{s\}/g, seconds(v.ms))
      .replace(/\{(side|count|bytes)\}/g, (_all, name: 'side' | 'count' | 'bytes') => String(v[name] ?? ''))
      .replace(/\{text\}/g, (lang === 'zh' ? v.textZh : v.text) ?? '')
      .replace(/\{other\}/g, v.side === 'A' ? 'B' : 'A');
  return {
    rule,
    en: { label: fill(label[0], 'en'), text: fill(text[0], 'en') },
    zh: { label: fill(label[1], 'zh'), text: fill(text[1], 'zh') },
    inLadder,
  };
}

/** All kinds. In the texts `{side}` is the end that sent the segment, `{other}` the other one. */
const KINDS = {
  midstream: kind(
    'RFC9293 §3.5',
    ['the handshake is not in the capture', '抓包中没有握手'],
    [
      'The capture begins after the handshake: which end opened, the window scale and the SACK option are not known, and numbers count from the first that was seen.',
      '抓包开始时握手已经结束：无法知道哪一端打开连接、窗口扩大因子和 SACK 选项，序号从看到的第一个算起。',
    ],
  ),
  'simultaneous-open': kind(
    'RFC9293 §3.5 (MUST-10)',
    ['the SYNs crossed: simultaneous open', '双方 SYN 交错：同时打开'],
    [
      'Both ends sent a SYN before either had one of the other. Each answers with SYN,ACK, and one connection comes of it.',
      '双方在收到对方的 SYN 之前都发出了 SYN，随后各自回应 SYN,ACK，最终只建立一个连接。',
    ],
  ),
  'syn-repeated': kind(
    'RFC9293 §3.8.3, RFC 6298 §5',
    ['SYN again after {s} s', '{s} 秒后重发 SYN'],
    [
      '{side} sent its SYN again {s} s after the last one: nothing had answered it. The wait doubles each time.',
      '{side} 在 {s} 秒后重发 SYN，因为没有任何回应；每次等待时间加倍。',
    ],
  ),
  'syn-data': kind(
    'RFC9293 §3.4, RFC 7413',
    ['SYN with {bytes} bytes', 'SYN 携带 {bytes} 字节'],
    [
      '{side} sent {bytes} bytes with its SYN. They may be delivered only when the handshake is complete, unless a Fast Open cookie vouches for the sender.',
      '{side} 在 SYN 中携带了 {bytes} 字节。除非有 Fast Open 的 cookie 担保，否则握手完成后才能交付。',
    ],
  ),
  refused: kind(
    'RFC9293 §3.10.7.1',
    ['RST answers the SYN: refused', 'RST 回应 SYN：拒绝连接'],
    [
      '{side} has nobody at this port: the RST acknowledges the SYN, so that {other} may believe it.',
      '{side} 的这个端口无人监听：RST 确认了该 SYN，所以 {other} 可以相信它。',
    ],
  ),
  'stray-answered': kind(
    'RFC9293 §3.5 (Fig. 8), §3.10.7.3',
    ['RST: {side} knows nothing of this', 'RST：{side} 对此一无所知'],
    [
      '{side} did not ask for what was acknowledged: the number of its RST is the ACK of the other end, which thereby learns that it answered an old SYN.',
      '{side} 从未发过被确认的内容：RST 的序号取自对方的 ACK，对方由此知道它回应的是一个旧的 SYN。',
    ],
  ),
  'third-missing': kind(
    'RFC9293 §3.5',
    ['the handshake was not completed', '握手没有完成'],
    [
      'The SYN,ACK of {side} was not acknowledged as far as the capture goes: {side} holds a half-open connection.',
      '在抓包范围内，{side} 的 SYN,ACK 没有得到确认：{side} 保留着一个半连接。',
    ],
    false,
  ),
  'syn-in-connection': kind(
    'RFC 5961 §4',
    ['SYN inside a connection', '连接中出现 SYN'],
    [
      'A SYN with other numbers arrived at a connection that exists. It is answered by an ACK; only an RST that this ACK provokes would end the connection.',
      '已有的连接收到了序号不同的 SYN。正确的回应是一个 ACK；只有由此引出的 RST 才会结束连接。',
    ],
  ),
  'reused-ports': kind(
    'RFC9293 §3.6.1 (MAY-2), RFC 6191',
    ['a new connection of the same ports', '相同端口的新连接'],
    [
      'The same addresses and ports are in use again: a connection before this one has ended, or a greater initial number cut its TIME-WAIT short.',
      '相同的地址和端口再次使用：之前的连接已经结束，或者更大的初始序号提前结束了它的 TIME-WAIT。',
    ],
    false,
  ),
  retransmission: kind(
    'RFC 6298 §5',
    ['again after {s} s without an ACK', '{s} 秒未确认，重传'],
    [
      '{side} sent it again {s} s after the last time: the retransmission timer, a probe of the tail (RFC 8985) or SACK told it to.',
      '{side} 距上次发送 {s} 秒后重传：原因是重传定时器、尾部探测 (RFC 8985) 或 SACK。',
    ],
  ),
  'fast-retransmission': kind(
    'RFC 5681 §3.2',
    ['fast retransmission after {count} dup ACKs', '{count} 个重复 ACK 后快速重传'],
    [
      '{side} did not wait for its timer: {count} duplicate ACKs told that something had arrived beyond this segment.',
      '{side} 没有等定时器：{count} 个重复 ACK 说明更后面的数据已经到达。',
    ],
  ),
  'spurious-retransmission': kind(
    'RFC 4015, RFC 2883',
    ['needless: acknowledged before', '多余的重传：此前已确认'],
    [
      '{side} sent again what had been acknowledged: the ACK was lost or late, or came after the timer.',
      '{side} 重传了已被确认的数据：ACK 丢失、迟到，或晚于定时器。',
    ],
  ),
  'out-of-order': kind(
    'RFC9293 §3.10.7.4 (SHLD-31)',
    ['overtaken by later segments', '被后面的报文段超过'],
    [
      'The path changed the order. The receiver keeps what came early and acknowledges each such segment at once.',
      '路径改变了顺序。接收方保留先到的数据，并对每个这样的报文段立即确认。',
    ],
  ),
  gap: kind(
    'RFC9293 §3.10.7.4',
    ['something before it is missing', '它之前有数据缺失'],
    [
      'The segment of {side} does not follow the last one: what is between was lost before it came here, overtaken, or not captured.',
      '{side} 的这个报文段与上一个不相接：中间的数据在到达此处前丢失、被超过或没有被捕获。',
    ],
  ),
  'ack-of-uncaptured': kind(
    'RFC9293 §3.10.7.4',
    ['acknowledges what was not captured', '确认了没有被捕获的数据'],
    [
      '{side} acknowledges more than the capture holds: some of it was not captured.',
      '{side} 确认的内容比抓包中的多：有一部分没有被捕获。',
    ],
  ),
  'zero-window': kind(
    'RFC9293 §3.8.6',
    ['window 0: {side} cannot take more', '窗口为 0：{side} 不能再收'],
    [
      '{side} has no room: its application does not read. {other} must stop and probe until the window opens (MUST-36).',
      '{side} 没有空间：它的应用没有读取。{other} 必须停止发送并探测，直到窗口打开 (MUST-36)。',
    ],
  ),
  'window-probe': kind(
    'RFC9293 §3.8.6.1 (MUST-35, SHLD-30)',
    ['probe of the closed window', '探测已关闭的窗口'],
    [
      '{side} asks whether the window is still closed. As long as the probes are answered the connection stays (MUST-37).',
      '{side} 询问窗口是否仍然关闭。只要探测得到回应，连接就保持 (MUST-37)。',
    ],
  ),
  'window-full': kind(
    'RFC9293 §3.8.6',
    ['fills the window of {other}', '填满了 {other} 的窗口'],
    [
      '{side} sent up to the edge that {other} offers and must wait: the receiver is the limit here.',
      '{side} 发送到了 {other} 提供的窗口边缘，必须等待：此时接收方是瓶颈。',
    ],
  ),
  'window-opened': kind(
    'RFC9293 §3.8.6',
    ['the window opens again', '窗口重新打开'],
    ['{side} has room again and says so at once.', '{side} 又有了空间，并立即告知。'],
  ),
  'keep-alive': kind(
    'RFC9293 §3.8.4',
    ['keep-alive', '保活探测'],
    [
      '{side} repeats the number before its next one to see whether the other end is still there.',
      '{side} 用下一个序号之前的那个序号探测对端是否还在。',
    ],
  ),
  urgent: kind(
    'RFC9293 §3.8.5, RFC 6093',
    ['urgent data announced', '宣告紧急数据'],
    [
      '{side} marks data as urgent. It stays in its place in the stream; the pointer is only a hint.',
      '{side} 标记了紧急数据。它仍在流中的原位，指针只是提示。',
    ],
  ),
  congestion: kind(
    'RFC 3168 §6.1',
    ['echoes congestion marks', '回显拥塞标记'],
    [
      '{side} tells that a router marked congestion; {other} shall reduce its window once.',
      '{side} 告知路由器标记了拥塞；{other} 应当减小一次窗口。',
    ],
  ),
  duplicate: kind(
    'RFC 2883',
    ['reports data that came twice (D-SACK)', '报告收到重复数据 (D-SACK)'],
    [
      '{side} tells that it received something twice: a retransmission was needless, or the path duplicates.',
      '{side} 告知收到了重复数据：重传是多余的，或者路径产生了重复。',
    ],
  ),
  'half-close': kind(
    'RFC9293 §3.6 (case 2), MUST-12',
    ['sent after the FIN of {other}', '在 {other} 的 FIN 之后发送'],
    [
      '{other} has no more to send, {side} has: a connection closes one direction at a time.',
      '{other} 没有数据要发了，而 {side} 还有：连接的两个方向分别关闭。',
    ],
  ),
  'three-waves': kind(
    'RFC9293 §3.6',
    ['ACK and FIN in one segment', 'ACK 与 FIN 合为一个报文段'],
    [
      '{side} had nothing more to send when the FIN came, so its own FIN carries the ACK: the teardown takes three segments.',
      'FIN 到达时 {side} 也没有数据要发，它的 FIN 同时带上了 ACK：挥手只用三个报文段。',
    ],
  ),
  'simultaneous-close': kind(
    'RFC9293 §3.6 (Fig. 13)',
    ['the FINs crossed: simultaneous close', '双方 FIN 交错：同时关闭'],
    [
      'Both ends closed before the FIN of the other came. Both pass through CLOSING, and both wait 2 MSL.',
      '双方在收到对方的 FIN 之前都关闭了，都经过 CLOSING，并且都等待 2MSL。',
    ],
  ),
  'fin-repeated': kind(
    'RFC9293 §3.10.7.4, §3.6.1',
    ['FIN again: its ACK was missing', '重发 FIN：没有收到它的 ACK'],
    [
      '{side} sent its FIN again. An end in TIME-WAIT answers with the last ACK and starts its 2 MSL anew.',
      '{side} 重发了 FIN。处于 TIME-WAIT 的一端会再次回应最后的 ACK，并重新开始 2MSL 计时。',
    ],
  ),
  'after-fin': kind(
    'RFC9293 §3.6',
    ['data beyond its own FIN', '在自己的 FIN 之后又有数据'],
    [
      '{side} sent numbers beyond its FIN. Nothing may follow a FIN; the receiver ignores them.',
      '{side} 发送了 FIN 之后的序号。FIN 之后不应再有数据，接收方会忽略。',
    ],
  ),
  reset: kind(
    'RFC9293 §3.5.3, §3.10.5',
    ['RST: {side} aborts', 'RST：{side} 中止连接'],
    [
      '{side} ended the connection at once: an abort, a close with unread data (§3.6.1), or its process is gone. What was in flight is lost.',
      '{side} 立即结束了连接：应用中止、关闭时还有未读数据 (§3.6.1)，或者进程已不存在。途中的数据全部丢失。',
    ],
  ),
  'reset-after-close': kind(
    'RFC9293 §3.6.1 (SHLD-3)',
    ['RST: nobody reads this any more', 'RST：已无人读取'],
    [
      '{side} had closed both directions, and data came: it says by RST that nobody will read it.',
      '{side} 已经完全关闭，却又收到数据：它用 RST 说明无人会读取。',
    ],
  ),
  'reset-ignored': kind(
    'RFC 5961 §3',
    ['RST beside RCV.NXT: not believed', 'RST 序号不符：不被相信'],
    [
      'The RST does not carry exactly the number that {other} expects. It asks by a challenge ACK instead of closing; outside of the window it is silent.',
      '这个 RST 的序号不是 {other} 期望的那一个。{other} 用质询 ACK 询问而不关闭；窗口之外则不理会。',
    ],
  ),
  icmp: kind(
    'RFC9293 §3.9.2.2, RFC 5927',
    ['ICMP: {text}', 'ICMP：{text}'],
    [
      'An ICMP error quotes a segment of {side}: {text}. In a synchronized connection it is a hint only.',
      'ICMP 差错引用了 {side} 的报文段：{text}。对已同步的连接它只是提示。',
    ],
  ),
  'bad-checksum': kind(
    'RFC9293 §3.1 (MUST-3)',
    ['bad checksum: dropped silently', '校验和错误：被静默丢弃'],
    [
      'The checksum is wrong: the receiver drops the segment without a word, and the sender will send it again.',
      '校验和错误：接收方静默丢弃，发送方之后会重传。',
    ],
  ),
  'unfinished-checksum': kind(
    'RFC9293 §3.1',
    ['checksum left to the network card', '校验和交给网卡计算'],
    [
      'The checksum holds only the sum of the pseudo header: it was captured on the sender before its network card finished it, and says nothing about the wire.',
      '校验和字段只有伪首部之和：这是在发送方主机上、网卡计算之前捕获的，与线路无关。',
    ],
    false,
  ),
} satisfies Record<string, Kind>;

/** What a remark is about. */
export type RemarkKind = keyof typeof KINDS;

/** The rule that a remark cites. */
export function ruleOf(kindName: RemarkKind): string {
  return KINDS[kindName].rule;
}

/** A few words for the ladder; null for what is told below it only. */
export function labelOf(remark: Remark, lang: Lang): string | null {
  const found: Kind = KINDS[remark.kind];
  return found.inLadder === false ? null : found[lang].label(remark.values);
}

/** One or two sentences. */
export function textOfRemark(remark: Remark, lang: Lang): string {
  return KINDS[remark.kind][lang].text(remark.values);
}
