// Reads what may stand before the flags of a packet: `[ect0]`, `(tos 0x10, flowlabel 0x5)`, `[ttl 64]`.
import type { Cursor } from './cursor.js';
import type { IpInfo } from './script.js';

const ECN: Readonly<Record<string, number | 'ect01'>> = {
  noecn: 0,
  nonect: 0,
  ect1: 1,
  ect0: 2,
  ce: 3,
  ect01: 'ect01',
};

/** Reads it; all null when it is not there. */
export function parseIpInfo(cursor: Cursor): IpInfo {
  const info = {
    ecn: null as IpInfo['ecn'],
    tos: null as number | null,
    ttl: null as number | null,
    flowLabel: null as number | null,
  };
  const closing = cursor.is('[') ? ']' : cursor.is('(') ? ')' : null;
  if (closing === null) return info;
  cursor.next();
  do {
    const word = cursor.peek();
    if (word.kind === 'word' && Object.hasOwn(ECN, word.text)) {
      cursor.next();
      info.ecn = ECN[word.text]!;
    } else if (cursor.accept('tos')) {
      info.tos = cursor.integer('the type of service', 0, 0xff);
    } else if (cursor.accept('ttl') || cursor.accept('hlim')) {
      info.ttl = cursor.integer('the time to live', 0, 0xff);
    } else if (cursor.accept('flowlabel')) {
      info.flowLabel = cursor.integer('the flow label', 0, 0xf_ffff);
    } else {
      throw cursor.unexpected('ect0, ect1, ect01, ce, noecn, tos, ttl, hlim or flowlabel');
    }
  } while (cursor.accept(','));
  cursor.expect(closing);
  return info;
}
