// What tutorials say of the handshake and the teardown, held against the RFC: each claim with its verdict and with the
// scenarios that demonstrate it.
import { type Text, text } from './scenario.js';

/** How a claim stands: right, not precise enough, or contradicted by the RFC. */
export type ClaimVerdict = 'right' | 'imprecise' | 'wrong';

/** One claim. */
export interface Claim {
  readonly id: string;
  /** What is said. */
  readonly says: Text;
  readonly verdict: ClaimVerdict;
  /** What is to be added. */
  readonly note: Text;
  readonly rule: string;
}

function claim(id: string, verdict: ClaimVerdict, rule: string, says: Text, note: Text): Claim {
  return { id, says, verdict, note, rule };
}

/** All of them. Which scenarios demonstrate a claim stands with the scenarios. */
export const CLAIMS: readonly Claim[] = [
  claim(
    'C01',
    'imprecise',
    'RFC 9293 §3.4.1',
    text('SYN asks for a connection', 'SYN 表示请求建立连接'),
    text(
      'it tells where the numbers of its direction begin; both directions have one',
      '它说明本方向的序号从哪里开始；两个方向各有一个',
    ),
  ),
  claim(
    'C02',
    'imprecise',
    'RFC 9293 §3.6',
    text('FIN closes the connection', 'FIN 表示关闭连接'),
    text('it closes one direction: "no more from me"', '它只关闭一个方向：“我没有更多数据了”'),
  ),
  claim(
    'C03',
    'imprecise',
    'RFC 9293 §3.4',
    text('ACK confirms the packet of that number', 'ACK 确认该序号的包'),
    text('it confirms every byte before that number', '它确认该序号之前的所有字节'),
  ),
  claim(
    'C04',
    'imprecise',
    'RFC 9293 §3.4',
    text('seq and ack number packets', 'seq 与 ack 给包编号'),
    text('both number bytes', '两者都给字节编号'),
  ),
  claim(
    'C05',
    'imprecise',
    'RFC 9293 §3.4.2',
    text('a segment is discarded when its MSL is over', '报文超过 MSL 就被丢弃'),
    text(
      'nothing on the path measures seconds; two minutes are an engineering choice, and Linux waits 60 s in TIME-WAIT',
      '路径上没有谁计秒；两分钟是工程取值，Linux 的 TIME-WAIT 固定为 60 秒',
    ),
  ),
  claim(
    'C06',
    'imprecise',
    'RFC 9293 §3.1',
    text('the header has SYN, FIN, ACK, seq and ack', '首部有 SYN、FIN、ACK、seq、ack'),
    text(
      'and RST, PSH, URG, CWR, ECE, window, checksum, options',
      '还有 RST、PSH、URG、CWR、ECE、窗口、校验和、选项',
    ),
  ),
  claim(
    'C07',
    'wrong',
    'RFC 9293 §3.5',
    text('the three segments stand for the three phases of a connection', '三次握手代表连接的三个阶段'),
    text('all three belong to the first phase', '三个报文段都属于第一个阶段'),
  ),
  claim(
    'C08',
    'imprecise',
    'RFC 6528',
    text('x is a random number', 'x 是随机数'),
    text('a clock of 4 µs plus a keyed hash of the four-tuple', '4 微秒时钟加上四元组的带密钥散列'),
  ),
  claim(
    'C09',
    'right',
    'RFC 9293 §3.10.7.2',
    text('the server answers SYN, ACK, seq=y, ack=x+1', '服务端回答 SYN、ACK、seq=y、ack=x+1'),
    text('and is SYN-RECEIVED', '并进入 SYN-RECEIVED'),
  ),
  claim(
    'C10',
    'right',
    'RFC 9293 §3.10.7.3',
    text('the client answers ACK, seq=x+1, ack=y+1', '客户端回答 ACK、seq=x+1、ack=y+1'),
    text('it is ESTABLISHED one segment before the server is', '它比服务端早一个报文段进入 ESTABLISHED'),
  ),
  claim(
    'C11',
    'right',
    'RFC 9293 §3.4',
    text('a SYN takes one number, without any data', 'SYN 不带数据也消耗一个序号'),
    text('so that it can be acknowledged', '这样它才能被确认'),
  ),
  claim(
    'C12',
    'right',
    'RFC 9293 §3.6',
    text('either side may close first', '任何一方都可以先关闭'),
    text('or both at once', '也可以同时关闭'),
  ),
  claim(
    'C13',
    'imprecise',
    'RFC 9293 §3.6',
    text('first wave: FIN, seq=u', '第一次挥手：FIN，seq=u'),
    text(
      'it also has ACK, may carry data, and is repeated until acknowledged',
      '它也带 ACK，可以携带数据，并重发直到被确认',
    ),
  ),
  claim(
    'C14',
    'right',
    'RFC 9293 §3.6',
    text('second wave: ACK, ack=u+1; then half-closed', '第二次挥手：ACK，ack=u+1；然后是半关闭'),
    text(
      'if the application has left altogether, late data meets an RST',
      '如果应用已完全离开，迟到的数据会得到 RST',
    ),
  ),
  claim(
    'C15',
    'right',
    'RFC 9293 §3.6',
    text('third wave: FIN, seq=w, w ≥ v', '第三次挥手：FIN，seq=w，w ≥ v'),
    text('when is decided by the application, not by TCP', '何时发送由应用决定，而不是 TCP'),
  ),
  claim(
    'C16',
    'right',
    'RFC 9293 MUST-13',
    text('fourth wave: ACK, ack=w+1; the client waits 2 MSL', '第四次挥手：ACK，ack=w+1；客户端等待 2MSL'),
    text('in TIME-WAIT', '处于 TIME-WAIT'),
  ),
  claim(
    'C17',
    'right',
    'RFC 9293 §3.4',
    text('what needs an acknowledgment takes a number; an ACK does not', '需要确认的消耗序号，ACK 不消耗'),
    text('else ACKs would acknowledge ACKs for ever', '否则 ACK 将没完没了地互相确认'),
  ),
  claim(
    'C18',
    'imprecise',
    'RFC 9293 §3.5',
    text(
      'with two segments the client’s ability to receive is not confirmed',
      '两次握手无法确认客户端的接收能力',
    ),
    text('what is confirmed is y; the reason are old SYNs', '被确认的是 y；真正的原因是滞留的旧 SYN'),
  ),
  claim(
    'C19',
    'right',
    'RFC 9293 §3.5',
    text('a late SYN would open a phantom connection', '迟到的 SYN 会建立幽灵连接'),
    text(
      'with three the client answers RST; half-open entries remain a target of floods',
      '三次握手时客户端回答 RST；半连接仍是洪泛的目标',
    ),
  ),
  claim(
    'C20',
    'right',
    'RFC 9293 §3.5',
    text('the third segment may carry data', '第三次握手可以携带数据'),
    text('also when the client’s kernel delays its ACK for it', '客户端内核也可能为此推迟 ACK'),
  ),
  claim(
    'C21',
    'wrong',
    'RFC 9293 §3.5',
    text('the first two cannot carry data', '前两次握手不能携带数据'),
    text(
      'they can; it must wait for ESTABLISHED before it is delivered',
      '可以携带；但在 ESTABLISHED 之前不得交付',
    ),
  ),
  claim(
    'C22',
    'imprecise',
    'RFC 4987',
    text('because attackers would stuff SYNs with data', '因为攻击者会在 SYN 中塞满数据'),
    text('that asks for a bound; a flood needs no data at all', '这只要求设上限；洪泛根本不需要数据'),
  ),
  claim(
    'C23',
    'right',
    'RFC 9293 §3.10.7.3',
    text(
      'with the third segment the client is ESTABLISHED and may send',
      '发送第三个报文段时客户端已建立，可以发送数据',
    ),
    text('the server is not, until it arrives', '服务端要等它到达才建立'),
  ),
  claim(
    'C24',
    'right',
    'RFC 9293 §3.6',
    text(
      'the server acknowledges first and closes later, so there are four',
      '服务端先确认、后关闭，所以是四次',
    ),
    text(
      'often, not always: a server that closes at once merges them',
      '常常如此而非总是：立即关闭的服务端会合并它们',
    ),
  ),
  claim(
    'C25',
    'imprecise',
    'RFC 9293 §3.6',
    text('three segments would make the client repeat its FIN', '合并成三次会让客户端重发 FIN'),
    text('only if the ACK were held back for long', '只有长时间扣住 ACK 才会这样'),
  ),
  claim(
    'C26',
    'imprecise',
    'RFC 9293 §3.4.1',
    text(
      'without the wait a new program on the port would get old packets',
      '不等待的话，该端口上的新程序会收到旧数据',
    ),
    text(
      'only on the same four-tuple, and past ISN clock, ACK check and PAWS',
      '仅限同一四元组，而且还要通过 ISN 时钟、ACK 检查和 PAWS',
    ),
  ),
  claim(
    'C27',
    'imprecise',
    'RFC 9293 §3.6.1',
    text(
      'one MSL for the last ACK to arrive, one for a repeated FIN',
      '一个 MSL 保证最后的 ACK 到达，一个等待重发的 FIN',
    ),
    text(
      'lifetimes are bounded, arrival is not; and each repeated FIN starts the wait anew',
      '限定的是寿命而不是到达；每个重发的 FIN 都重新计时',
    ),
  ),
];
