// What an ICMP error says, in words (RFC 792, RFC 4443).
import type { Lang } from '../observe/lexicon.js';
import type { ObservedIcmp } from './observed-segment.js';

const UNREACHABLE_V4: Readonly<Record<number, readonly [string, string]>> = {
  0: ['network unreachable', '网络不可达'],
  1: ['host unreachable', '主机不可达'],
  2: ['protocol unreachable', '协议不可达'],
  3: ['port unreachable', '端口不可达'],
  9: ['network prohibited', '网络被禁止'],
  10: ['host prohibited', '主机被禁止'],
  13: ['prohibited by a filter', '被过滤器禁止'],
};

const UNREACHABLE_V6: Readonly<Record<number, readonly [string, string]>> = {
  0: ['no route', '没有路由'],
  1: ['prohibited by a filter', '被过滤器禁止'],
  3: ['address unreachable', '地址不可达'],
  4: ['port unreachable', '端口不可达'],
};

/** The error in a few words. */
export function icmpText(icmp: ObservedIcmp, lang: Lang): string {
  const pick = ([en, zh]: readonly [string, string]) => (lang === 'zh' ? zh : en);
  const { version, type, code, mtu } = icmp;
  if (version === 4 ? type === 3 && code === 4 : type === 2) {
    return pick([`packet too big, MTU ${mtu}`, `分组过大，MTU ${mtu}`]);
  }
  if (version === 4 ? type === 11 : type === 3) return pick(['time exceeded', '超时']);
  if (version === 4 ? type === 12 : type === 4) return pick(['parameter problem', '参数问题']);
  const names = version === 4 ? UNREACHABLE_V4 : UNREACHABLE_V6;
  return pick(names[code] ?? ['destination unreachable', '目的不可达']);
}
