// What scripts wait for, in both languages: said when it does not come about.
import { type Text, text } from './scenario.js';

const ZH = {
  '2 MSL are over': '2MSL 结束',
  'A gives up': 'A 放弃',
  'A has acknowledged all': 'A 确认全部数据',
  'A has acknowledged it': 'A 确认它',
  'A has acknowledged the FIN': 'A 确认 FIN',
  'A has all': 'A 收到全部数据',
  'A has answered': 'A 应答',
  'A has answered RST': 'A 以 RST 应答',
  'A has answered by RST': 'A 以 RST 应答',
  'A has answered the copy': 'A 应答副本',
  'A has given up': 'A 放弃',
  'A has it': 'A 收到它',
  'A has the answer': 'A 收到应答',
  'A has the response': 'A 收到响应',
  'A hears of it': 'A 得知此事',
  'A is CLOSED': 'A 进入 CLOSED',
  'A is ESTABLISHED': 'A 进入 ESTABLISHED',
  'A is ESTABLISHED anew': 'A 再次进入 ESTABLISHED',
  'A is reset': 'A 被复位',
  'A knows it': 'A 得知此事',
  'A reads the end': 'A 读到结束',
  'B gives up': 'B 放弃',
  'B has a connection': 'B 有一个连接',
  'B has accepted again': 'B 再次接受连接',
  'B has acknowledged A’s FIN': 'B 确认 A 的 FIN',
  'B has acknowledged all': 'B 确认全部数据',
  'B has acknowledged the FIN': 'B 确认 FIN',
  'B has acknowledged the request': 'B 确认请求',
  'B has all': 'B 收到全部数据',
  'B has answered': 'B 应答',
  'B has answered our SYN': 'B 应答我方 SYN',
  'B has answered our SYN,ACK': 'B 应答我方 SYN,ACK',
  'B has answered the FIN': 'B 应答 FIN',
  'B has answered the new one': 'B 应答新的 SYN',
  'B has answered the old one': 'B 应答旧的 SYN',
  'B has answered the second SYN': 'B 应答第二个 SYN',
  'B has gone back to LISTEN': 'B 回到 LISTEN',
  'B has handed it out': 'B 把它交给应用',
  'B has heard that A is gone': 'B 得知 A 已离开',
  'B has it': 'B 收到它',
  'B has the request': 'B 收到请求',
  'B has told of its window': 'B 通告窗口',
  'B hears of it': 'B 得知此事',
  'B is CLOSED': 'B 进入 CLOSED',
  'B is ESTABLISHED': 'B 进入 ESTABLISHED',
  'B is asked for a connection': 'B 收到连接请求',
  'B reads the end': 'B 读到结束',
  'B’s FIN is on its way': 'B 的 FIN 已发出',
  'B’s SYN is on its way': 'B 的 SYN 已发出',
  'B’s application has the data': 'B 的应用读到数据',
  'RST reached B': 'RST 到达 B',
  'SYN-ACK and answer are on their way': 'SYN-ACK 与应答已发出',
  'both SYNs were answered': '两个 SYN 都得到应答',
  'both ends are ESTABLISHED': '两端都进入 ESTABLISHED',
  'connected anew': '重新建立连接',
  'five SYNs have come': '收到五个 SYN',
  'it is acknowledged': '它被确认',
  'it is on its way': '它已发出',
  'it was answered': '它得到应答',
  'it was answered by RST': '它得到 RST 应答',
  'it was seen': '它被看到',
  'our SYN is held': '我方 SYN 被扣住',
  'the RST has come': 'RST 到达',
  'the SYN-ACK is on its way': 'SYN-ACK 已发出',
  'the answer came before the third segment': '应答先于第三个报文段到达',
  'the bank has closed': '银行一方已关闭',
  'the bank has the order': '银行一方收到指令',
  'the client has forgotten it': '客户端忘记了连接',
  'the client has sent its FIN four times': '客户端四次发送 FIN',
  'the copy has come': '副本到达',
  'the data is held': '数据被扣住',
  'the flood is over': '洪泛结束',
  'the kernel refuses': '内核拒绝',
  'the late FIN was answered': '迟到的 FIN 得到应答',
  'the second was answered': '第二个得到应答',
  'the third segment is on its way': '第三个报文段已发出',
} as const;

/** A condition by its name: a known one, a state, or a number of bytes. */
export type Wait = keyof typeof ZH | `${string} is in ${string}` | `B has ${number} bytes`;

/** The condition in both languages. */
export function waitText(what: Wait): Text {
  if (Object.hasOwn(ZH, what)) return text(what, ZH[what as keyof typeof ZH]);
  const state = /^(.*) is in (.*)$/.exec(what);
  if (state !== null) return text(what, `${state[1]} 进入 ${state[2]}`);
  return text(what, what.replace(/^B has (\d+) bytes$/, 'B 收到 $1 字节'));
}

/** What a script waited for did not come about. `sentence` says it in both languages, with the states at the end of the wait. */
export class WaitedInVain extends Error {
  readonly sentence: Text;

  constructor(what: Wait, a: string, b: string) {
    const { en, zh } = waitText(what);
    super(`waited in vain until ${en} (A ${a}, B ${b})`);
    this.sentence = text(this.message, `没有等到：${zh}（A ${a}，B ${b}）`);
  }
}
