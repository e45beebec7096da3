// What people read, in English and Chinese: names of states, reasons of transitions and drops. Field names and enum
// values of records are not here: they never change with the language.
import type { PacketDropReason } from '../stack/trace.js';
import { STATE_NAMES, type State, type Transition } from '../tcp/state.js';
import type { DropReason, DropReply } from '../tcp/trace.js';

/** Language of texts for people. */
export type Lang = 'en' | 'zh';

/** Chinese names of the states, by state number. */
export const STATE_NAMES_ZH = [
  '关闭',
  '监听',
  '同步已发送',
  '同步收到',
  '已建立',
  '终止等待1',
  '终止等待2',
  '关闭等待',
  '正在关闭',
  '最后确认',
  '时间等待',
] as const;

/** Chinese clauses for `Transition.why`, by the English clause. */
const WHY_ZH: Readonly<Record<string, string>> = {
  'passive open': '被动打开',
  'active open sends SYN': '主动打开，发送 SYN',
  'listener closed': '监听已关闭',
  'listener aborted': '监听被中止',
  'SYN arrived': '收到 SYN',
  'SYN,ACK covers our SYN': 'SYN,ACK 确认了我方的 SYN',
  'SYN crossed ours: simultaneous open': 'SYN 与我方的 SYN 交错：同时打开',
  'RST answers our SYN: connection refused': 'RST 回应我方的 SYN：连接被拒绝',
  'closed before the handshake ended': '握手未完成就关闭',
  'aborted before the handshake ended': '握手未完成就中止',
  'ICMP says the SYN cannot be delivered': 'ICMP 报告 SYN 无法送达',
  'ACK covers our SYN': 'ACK 确认了我方的 SYN',
  'FIN follows our SYN': 'FIN 紧随我方的 SYN',
  'RST: the peer never asked for this': 'RST：对方从未请求过此连接',
  'RST: connection refused': 'RST：连接被拒绝',
  'another SYN: the peer started afresh': '又一个 SYN：对方重新开始',
  'half-open table full, oldest given up': '半连接表已满，放弃最旧的一个',
  'aborted by the user, RST sent': '用户中止，已发送 RST',
  'no more to send': '没有数据要发了',
  'FIN: the peer has no more to send': 'FIN：对方没有数据要发了',
  'ACK covers our FIN': 'ACK 确认了我方的 FIN',
  'FINs crossed: simultaneous close': 'FIN 交错：同时关闭',
  'FIN and the ACK of ours in one segment': '一个报文段同时带来 FIN 和对我方 FIN 的确认',
  'FIN: both directions are done': 'FIN：两个方向都结束了',
  'nobody reads and the peer does not close': '无人读取，而对方不关闭',
  'our FIN answers the peer’s': '我方的 FIN 回应对方的 FIN',
  '2MSL expired': '2MSL 到期',
  'a newer SYN reopens the connection': '更新的 SYN 重新打开连接',
  'TIME-WAIT table full, oldest given up': 'TIME-WAIT 表已满，放弃最旧的一个',
  'RST: the peer aborted': 'RST：对方中止了连接',
  'data arrived after close(): RST, nobody reads it': 'close() 之后收到数据：无人读取，回复 RST',
  'aborted by the user': '用户中止',
  'user timeout: data not acknowledged in time': '用户超时：数据未及时得到确认',
  'retransmission threshold R2 reached': '重传达到 R2 门限',
  'keep-alive probes unanswered': '保活探测没有回应',
};

const DROP_EN: Readonly<Record<DropReason, string>> = {
  checksum: 'bad checksum',
  malformed: 'malformed segment',
  window: 'outside the receive window',
  ack: 'acknowledges what was never sent',
  no_ack: 'ACK bit missing',
  syn: 'SYN inside a connection',
  rst: 'RST not at RCV.NXT',
  paws: 'TSval older than TS.Recent (PAWS)',
  no_tcb: 'no connection',
  listen_ack: 'ACK without a connection at a listener',
  listen_flags: 'not a SYN at a listener',
  backlog: 'backlog full',
  syndata_limit: 'too much data on SYN',
  martian: 'impossible address',
  reassembly_limit: 'too many holes',
  after_fin: 'data beyond the FIN',
  syn_cookie: 'nothing kept for this SYN',
};

const DROP_ZH: Readonly<Record<DropReason, string>> = {
  checksum: '校验和错误',
  malformed: '报文段格式错误',
  window: '在接收窗口之外',
  ack: '确认了从未发送的数据',
  no_ack: '缺少 ACK 位',
  syn: '连接中出现 SYN',
  rst: 'RST 序号不等于 RCV.NXT',
  paws: 'TSval 早于 TS.Recent (PAWS)',
  no_tcb: '没有这个连接',
  listen_ack: '监听端收到没有连接的 ACK',
  listen_flags: '监听端收到的不是 SYN',
  backlog: '等待队列已满',
  syndata_limit: 'SYN 携带的数据过多',
  martian: '不可能的地址',
  reassembly_limit: '空洞过多',
  after_fin: '数据超出 FIN',
  syn_cookie: '不为此 SYN 保留状态',
};

const REPLY_EN: Readonly<Record<DropReply, string>> = {
  none: '',
  ack: ', replied ACK',
  challenge: ', replied challenge ACK',
  rst: ', replied RST',
  cookie: ', replied SYN-ACK with a SYN cookie',
};

const REPLY_ZH: Readonly<Record<DropReply, string>> = {
  none: '',
  ack: '，已回复 ACK',
  challenge: '，已回复质询 ACK',
  rst: '，已回复 RST',
  cookie: '，已回复带 SYN Cookie 的 SYN-ACK',
};

const PACKET_EN: Readonly<Record<PacketDropReason, string>> = {
  header: 'bad IP header',
  not_for_us: 'not our address',
  martian: 'impossible source address',
  broadcast: 'broadcast or multicast',
  fragment: 'IP fragment that no datagram can be made of',
  source_route: 'source route',
  unsupported_version: 'neither IPv4 nor IPv6',
  unknown_protocol: 'unknown protocol',
  icmp_malformed: 'malformed ICMP',
  icmp_ignored: 'ICMP that asks for nothing',
  icmp_unmatched: 'ICMP error for no connection of ours',
  icmp_rate: 'too many ICMP messages',
  link_full: 'the link is full',
};

const PACKET_ZH: Readonly<Record<PacketDropReason, string>> = {
  header: 'IP 首部错误',
  not_for_us: '不是本机地址',
  martian: '不可能的源地址',
  broadcast: '广播或组播',
  fragment: '无法重组的 IP 分片',
  source_route: '源路由',
  unsupported_version: '既非 IPv4 也非 IPv6',
  unknown_protocol: '未知协议',
  icmp_malformed: 'ICMP 格式错误',
  icmp_ignored: '无需处理的 ICMP',
  icmp_unmatched: 'ICMP 差错与任何连接都不匹配',
  icmp_rate: 'ICMP 报文过多',
  link_full: '链路已满',
};

/** Why a packet was dropped before it was a segment of any connection. */
export function packetDropText(reason: PacketDropReason, lang: Lang): string {
  return lang === 'zh' ? PACKET_ZH[reason] : PACKET_EN[reason];
}

/** `FIN-WAIT-1`, and in Chinese `FIN-WAIT-1 终止等待1`. */
export function stateTitle(state: State, lang: Lang): string {
  return lang === 'zh' ? `${STATE_NAMES[state]} ${STATE_NAMES_ZH[state]}` : STATE_NAMES[state];
}

/** Why a transition happened; the English clause where no Chinese one is known. */
export function whyText(transition: Transition, lang: Lang): string {
  return lang === 'zh' ? (WHY_ZH[transition.why] ?? transition.why) : transition.why;
}

/** True when the clause of a transition has a Chinese form. */
export function hasChineseWhy(transition: Transition): boolean {
  return Object.hasOwn(WHY_ZH, transition.why);
}

/** Why a segment was dropped and what answered it: `bad checksum`, `outside the receive window, replied ACK`. */
export function dropText(reason: DropReason, reply: DropReply, lang: Lang): string {
  return lang === 'zh' ? DROP_ZH[reason] + REPLY_ZH[reply] : DROP_EN[reason] + REPLY_EN[reply];
}
