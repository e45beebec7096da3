// The words of the ladder in English and Chinese; where they stand is ladder-render.ts's business.
import type { LadderEvent, LadderSegment, LadderSummary } from './ladder-rows.js';
import type { Side } from './ladder-steps.js';
import type { Lang } from './lexicon.js';

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** The centred text of a row without a segment. */
export function eventText(event: LadderEvent, lang: Lang): string {
  return lang === 'zh' ? eventTextZh(event) : eventTextEn(event);
}

function eventTextEn(event: LadderEvent): string {
  switch (event.what) {
    case 'call': {
      const text = {
        ...CALLS,
        shutdown: 'shutdown(write) - "no more to send"',
        evict: 'given up for a limit',
      }[event.call];
      return `${event.side}: ${text}${event.error === null ? '' : ` failed: ${event.error}`}`;
    }
    case 'timer':
      return event.timer === 'rto'
        ? `RTO ${seconds(event.ms)} s fired (${event.n})`
        : `persist timer ${seconds(event.ms)} s fired (${event.n})`;
    case 'expired':
      return `${event.side}: ${EXPIRED_EN[event.timer](seconds(event.ms))}`;
    case '2msl-restarted':
      return `2MSL restarted: ${seconds(event.ms)} s (was ${seconds(event.wasMs)} s)`;
    case 'unreachable':
      return 'ICMP: the SYN cannot be delivered';
    case 'crossed':
      return `the ${event.bit}s crossed`;
    case 'link':
      return `link: ${event.act} #${event.packetId} from ${event.from}`;
    case 'note':
      return event.text.en;
  }
}

function eventTextZh(event: LadderEvent): string {
  switch (event.what) {
    case 'call': {
      const text = { ...CALLS, shutdown: 'shutdown(write) 没有数据要发了', evict: '因限额放弃' }[event.call];
      return `${event.side}: ${text}${event.error === null ? '' : ` 失败：${event.error}`}`;
    }
    case 'timer':
      return event.timer === 'rto'
        ? `RTO ${seconds(event.ms)} 秒到期 (${event.n})`
        : `坚持定时器 ${seconds(event.ms)} 秒到期 (${event.n})`;
    case 'expired':
      return `${event.side}: ${EXPIRED_ZH[event.timer](seconds(event.ms))}`;
    case '2msl-restarted':
      return `2MSL 重新计时：${seconds(event.ms)} 秒 (原剩 ${seconds(event.wasMs)} 秒)`;
    case 'unreachable':
      return 'ICMP：SYN 无法送达';
    case 'crossed':
      return `双方的 ${event.bit} 交错`;
    case 'link':
      return `链路：${ACTS_ZH[event.act]} #${event.packetId} (来自 ${event.from})`;
    case 'note':
      return event.text.zh;
  }
}

const CALLS = {
  connect: 'connect()',
  listen: 'listen()',
  accept: 'accept()',
  send: 'send()',
  recv: 'recv()',
  close: 'close()',
  abort: 'abort()',
};

const EXPIRED_EN = {
  '2msl': (s: string) => `2MSL timer (${s} s) expired`,
  user: (s: string) => `user timeout (${s} s) expired`,
  finwait2: (s: string) => `FIN-WAIT-2 timer (${s} s) expired`,
  rto: () => 'threshold R2 reached, given up',
  keepalive: () => 'keep-alive probes unanswered',
};

const EXPIRED_ZH = {
  '2msl': (s: string) => `2MSL 定时器 ${s} 秒到期`,
  user: (s: string) => `用户超时 ${s} 秒到期`,
  finwait2: (s: string) => `FIN-WAIT-2 定时器 ${s} 秒到期`,
  rto: () => '达到 R2 门限，放弃',
  keepalive: () => '保活探测没有回应',
};

const ACTS_EN = {
  drop: 'lost',
  delay: 'delayed',
  dup: 'duplicated',
  reorder: 'reordered',
  hold: 'held',
  release: 'released',
  inject: 'injected',
  rewrite: 'rewritten',
  corrupt: 'corrupted',
};

const ACTS_ZH = {
  drop: '丢失',
  delay: '延迟',
  dup: '重复',
  reorder: '乱序',
  hold: '扣留',
  release: '放行',
  inject: '注入',
  rewrite: '改写',
  corrupt: '损坏',
};

/** What is remarkable about a segment: `retransmission 1, delayed`; empty when nothing is. */
export function remarkOn(segment: LadderSegment, injectedText: string, lang: Lang): string {
  const remarks: string[] = [];
  const n = segment.retransmission;
  if (n > 0) remarks.push(lang === 'zh' ? `第${n}次重传` : `retransmission ${n}`);
  for (const act of segment.acts) remarks.push(lang === 'zh' ? ACTS_ZH[act] : ACTS_EN[act]);
  if (segment.fate === 'injected') remarks.push(injectedText);
  return remarks.join(lang === 'zh' ? '，' : ', ');
}

/** `H1` stays or becomes `握1`; `W2+W3` becomes `挥23`. */
export function stepText(step: string, lang: Lang): string {
  if (lang === 'en') return step;
  if (/^H\d$/.test(step)) return step.replace('H', '握');
  return /^W\d/.test(step) ? `挥${step.replace(/\D/g, '')}` : step;
}

/** The fixed words. */
export const WORDS = {
  en: {
    time: '  time s',
    step: 'step',
    ours: 'our stack',
    peer: 'peer',
    client: 'client',
    server: 'server',
    injected: 'INJECTED',
    lost: 'lost',
    bytes: (n: number) => `len=${n}`,
    rule: 'State = AFTER the segment left / arrived (as in RFC 9293 Fig. 6).',
    star: '* = read from the other end',
    omitted: (n: number) => `${n} more rows not kept`,
  },
  zh: {
    time: '  时刻 s',
    step: '步骤',
    ours: '本协议栈',
    peer: '对端',
    client: '客户端',
    server: '服务端',
    injected: '注入',
    lost: '丢失',
    bytes: (n: number) => `数据${n}B`,
    rule: '状态为报文段发出/到达之后的状态 (RFC 9293 图 6)。',
    star: '* = 从对端读到的状态。',
    omitted: (n: number) => `另有 ${n} 行未保留`,
  },
} as const;

/** `x=268435456  y=3003213006` and, when teaching, where u, v and w lie and what that says. */
export function numberLines(summary: LadderSummary, teaching: boolean, lang: Lang): string[] {
  const { x, y, u, v, w } = summary;
  const parts = [`x=${x ?? '?'}`, `y=${y ?? '?'}`];
  if (!teaching) return x === null && y === null ? [] : [parts.join('  ')];
  for (const [letter, place] of [
    ['u', u],
    ['v', v],
    ['w', w],
  ] as const) {
    if (place !== null) parts.push(`${letter}=${placeText(place)}`);
  }
  // When the FINs crossed, the ACK of the first comes after the second: nothing was half-closed.
  const halfClosed = v !== null && w !== null && v.side === w.side && w.number >= v.number;
  const meaning = halfClosed ? `-> ${halfClosedText(w.number - v.number, w.side, lang)}` : '';
  return meaning === '' ? [parts.join('  ')] : [parts.join('  '), meaning];
}

function placeText(place: { side: Side; number: number }): string {
  return `${place.side === 'A' ? 'x' : 'y'}+${place.number}`;
}

function halfClosedText(bytes: number, side: Side, lang: Lang): string {
  if (bytes === 0)
    return lang === 'zh' ? 'w=v，半关闭期间没有发送数据' : 'w = v: nothing sent while half-closed';
  if (lang === 'zh') return `w-v=${bytes}，半关闭期间 ${side} 又发了 ${bytes} 字节`;
  return `w - v = ${bytes} bytes sent while half-closed`;
}

/** Which segments took sequence numbers, as far as this connection shows it. */
export function consumptionText(summary: LadderSummary, lang: Lang): string {
  const parts: string[] = [];
  if (summary.handshakeSeen)
    parts.push(lang === 'zh' ? 'SYN 消耗 1 个序号 (x -> x+1)' : 'SYN took 1 number (x -> x+1)');
  if (summary.v !== null)
    parts.push(lang === 'zh' ? 'FIN 消耗 1 个序号 (u -> u+1)' : 'FIN took 1 number (u -> u+1)');
  if (parts.length === 0) return '';
  parts.push(lang === 'zh' ? '纯 ACK 不消耗序号' : 'pure ACKs took 0');
  return lang === 'zh' ? `${parts.join('，')}。` : `${parts.join(', ')}.`;
}
