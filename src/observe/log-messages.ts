// The human line (`msg`) of each log record, in English or Chinese.
import type { BacklogPolicy } from '../stack/trace.js';
import type { Connection } from '../tcp/connection.js';
import { STATE_NAMES, type Transition } from '../tcp/state.js';
import type {
  CallName,
  CongestionPhase,
  CongestionTrigger,
  ConnectionEnd,
  TimerOp,
  Verdict,
} from '../tcp/trace.js';
import { formatEndpoint } from '../wire/address.js';
import { formatFlags } from '../wire/segment.js';
import { type Lang, stateTitle, whyText } from './lexicon.js';
import type { SegmentFacts } from './segment-facts.js';

const END_EN: Readonly<Record<ConnectionEnd, string>> = {
  fin: 'FIN in both directions',
  rst: 'RST from the peer',
  abort: 'abort by the user',
  timeout: 'timeout',
  refused: 'refusal',
  unreachable: 'unreachable peer',
  evicted: 'eviction for a limit',
  reused: 'a newer connection on the same ports',
};

const END_ZH: Readonly<Record<ConnectionEnd, string>> = {
  fin: '双向 FIN',
  rst: '对方 RST',
  abort: '用户中止',
  timeout: '超时',
  refused: '被拒绝',
  unreachable: '对方不可达',
  evicted: '因限额放弃',
  reused: '端口被新连接复用',
};

/** Milliseconds for people: at most three decimals, no trailing zeros. */
export function milliseconds(ms: number): string {
  return String(Math.round(ms * 1000) / 1000);
}

/** `SYN-RECEIVED → ESTABLISHED (ACK covers our SYN)`. */
export function stateMessage(transition: Transition, lang: Lang): string {
  const why = whyText(transition, lang);
  if (lang === 'zh') {
    return `${stateTitle(transition.from, lang)} → ${stateTitle(transition.to, lang)}（${why}）`;
  }
  return `${STATE_NAMES[transition.from]} → ${STATE_NAMES[transition.to]} (${why})`;
}

/** `[FIN,ACK] seq=4 ack=1 len=0 win=64240`, with what is unusual about it behind. */
export function segmentMessage(
  facts: SegmentFacts,
  win: number,
  verdict: Verdict | null,
  lang: Lang,
): string {
  const ack = facts.ack === null ? '' : ` ack=${facts.ack}`;
  const text = `[${formatFlags(facts.flags)}] seq=${facts.seq}${ack} len=${facts.len} win=${win}`;
  const again =
    lang === 'zh' ? `第 ${facts.retransmission} 次重传` : `retransmission ${facts.retransmission}`;
  if (facts.retransmission > 0) return `${text} (${again})`;
  return verdict === null || verdict === 'accept' ? text : `${text} (${verdict})`;
}

/** `rto start 200 ms`. */
export function timerMessage(timer: string, op: TimerOp, ms: number, lang: Lang): string {
  return lang === 'zh' ? `${timer} ${op} ${milliseconds(ms)} 毫秒` : `${timer} ${op} ${milliseconds(ms)} ms`;
}

/** `newreno recovery cwnd=14600 ssthresh=7300 (3dupack)`. */
export function congestionMessage(
  connection: Connection,
  phase: CongestionPhase,
  trigger: CongestionTrigger,
): string {
  const { name, cwnd, ssthresh } = connection.congestion;
  return `${name} ${phase} cwnd=${cwnd} ssthresh=${ssthresh} (${trigger})`;
}

/** `rtt 0.2 ms, srtt 0.25, rttvar 0.1, rto 200`. */
export function rttMessage(
  sampleMs: number,
  srttMs: number,
  rttvarMs: number,
  rtoMs: number,
  lang: Lang,
): string {
  const smoothed = `srtt ${milliseconds(srttMs)}, rttvar ${milliseconds(rttvarMs)}, rto ${milliseconds(rtoMs)}`;
  if (sampleMs >= 0) return `rtt ${milliseconds(sampleMs)} ms, ${smoothed}`;
  return lang === 'zh' ? `不取样（Karn 规则），${smoothed}` : `no sample (Karn), ${smoothed}`;
}

/** `close()`, `send(100)`, `connect() failed: ECONNREFUSED`. */
export function callMessage(call: CallName, n: number, error: string | null, lang: Lang): string {
  const text = n > 0 ? `${call}(${n})` : `${call}()`;
  if (error === null) return text;
  return lang === 'zh' ? `${text} 失败：${error}` : `${text} failed: ${error}`;
}

/** `open 10.9.0.2:80 <-> 10.9.0.1:50000 (passive)`. */
export function openMessage(connection: Connection, lang: Lang): string {
  const { local, localPort, remote, remotePort } = connection.tuple;
  const ends = `${formatEndpoint(local, localPort)} <-> ${formatEndpoint(remote, remotePort)}`;
  if (lang === 'en') return `open ${ends} (${connection.role})`;
  return `打开 ${ends}（${connection.role === 'active' ? '主动' : '被动'}）`;
}

/** `established after 1.2 ms`. */
export function establishedMessage(afterMs: number, lang: Lang): string {
  return lang === 'zh'
    ? `连接建立，用时 ${milliseconds(afterMs)} 毫秒`
    : `established after ${milliseconds(afterMs)} ms`;
}

/** `closed by FIN in both directions after 12.3 ms: 3 bytes in, 1500 bytes out`. */
export function closedMessage(
  connection: Connection,
  end: ConnectionEnd,
  durationMs: number,
  lang: Lang,
): string {
  const input = connection.bytesReceived;
  const output = connection.bytesAcknowledged;
  const ms = milliseconds(durationMs);
  if (lang === 'zh') return `结束（${END_ZH[end]}），历时 ${ms} 毫秒：收 ${input} 字节，发 ${output} 字节`;
  return `closed by ${END_EN[end]} after ${ms} ms: ${input} bytes in, ${output} bytes out`;
}

/** `backlog full: 12 half open, 4 waiting, limit 16: drop-oldest`. */
export function backlogMessage(
  halfOpen: number,
  waiting: number,
  limit: number,
  policy: BacklogPolicy,
  lang: Lang,
): string {
  if (lang === 'zh') return `等待队列已满：半连接 ${halfOpen}，待接受 ${waiting}，上限 ${limit}：${policy}`;
  return `backlog full: ${halfOpen} half open, ${waiting} waiting, limit ${limit}: ${policy}`;
}
