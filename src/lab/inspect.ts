// A segment with every field of its header: bits, value, meaning and the rule that defines it.
import { cutToWidth, padToWidth } from '../observe/display-width.js';
import { pseudoHeader } from '../wire/checksum.js';
import { type DecodedPacket, decodePacket } from '../wire/packet.js';
import { IpProtocol } from '../wire/protocol.js';
import { flagLetters, formatFlags } from '../wire/segment.js';
import { tcpChecksumOk } from '../wire/tcp.js';
import { TcpOptionKind } from '../wire/tcp-options.js';
import type { TcpOption } from '../wire/tcp-options-decode.js';
import { type Text, text } from './scenario.js';

/** One field. */
export interface InspectedField {
  readonly bits: number;
  readonly name: Text;
  /** As it stands in the header, in hexadecimal. */
  readonly hex: string;
  readonly value: string;
  readonly meaning: Text;
  readonly rule: string;
}

/** One segment. */
export interface Inspected {
  /** `A>B FA`, with the length of its payload. */
  readonly segment: string;
  readonly fields: readonly InspectedField[];
  /** The checksum over pseudo header, header and payload, computed anew, agrees. */
  readonly checksumOk: boolean;
}

const HEADER = 'RFC 9293 §3.1';
const LINE_COLUMNS = 140;

/** Takes a packet apart; null when it carries no TCP. */
export function inspect(packet: Uint8Array, from: 'A' | 'B'): Inspected | null {
  const decoded = decodePacket(packet, 0);
  if (typeof decoded === 'string' || decoded.tcp === undefined) return null;
  const { header, options, payloadLength } = decoded.tcp;
  const letters = flagLetters(header.flags).replace('P', '');
  const length = payloadLength > 0 ? ` [${payloadLength}]` : '';
  return {
    segment: `${from}>${from === 'A' ? 'B' : 'A'} ${letters}${length}`,
    fields: [...fixedFields(decoded), ...options.map((option) => optionField(packet, decoded, option))],
    checksumOk: checksumHolds(packet, decoded),
  };
}

/** The sum over the pseudo header as well: addresses, protocol and length are protected, too. */
function checksumHolds(packet: Uint8Array, { source, destination, tcp }: DecodedPacket): boolean {
  const length = tcp!.headerLength + tcp!.payloadLength;
  return tcpChecksumOk(
    pseudoHeader(source, destination, IpProtocol.TCP, length),
    packet,
    tcp!.offset,
    length,
  );
}

function hex(value: number, bits: number): string {
  return value.toString(16).padStart(Math.ceil(bits / 4), '0');
}

function fixedFields({ tcp }: DecodedPacket): InspectedField[] {
  const { header } = tcp!;
  const words = header.dataOffsetAndReserved >>> 4;
  const field = (bits: number, name: Text, value: number, shown: string, meaning: Text, rule = HEADER) => ({
    bits,
    name,
    hex: hex(value, bits),
    value: shown,
    meaning,
    rule,
  });
  return [
    field(
      16,
      text('source port', '源端口'),
      header.sourcePort,
      String(header.sourcePort),
      text('whose segment it is', '报文段的发送方'),
    ),
    field(
      16,
      text('destination port', '目的端口'),
      header.destinationPort,
      String(header.destinationPort),
      text('whom it is for', '报文段的接收方'),
    ),
    field(
      32,
      text('sequence number', '序号'),
      header.seq,
      String(header.seq),
      text('of the first byte, or of the SYN', '第一个字节或 SYN 的序号'),
      'RFC 9293 §3.4',
    ),
    field(
      32,
      text('acknowledgment number', '确认号'),
      header.ack,
      String(header.ack),
      text('the next one expected, if ACK is set', '期望的下一个序号，ACK 置位时有效'),
      'RFC 9293 §3.4',
    ),
    field(
      4,
      text('data offset', '数据偏移'),
      words,
      String(words),
      text(`the header has ${words * 4} bytes`, `首部长 ${words * 4} 字节`),
    ),
    field(
      4,
      text('reserved', '保留'),
      header.dataOffsetAndReserved & 15,
      String(header.dataOffsetAndReserved & 15),
      text('zero', '为零'),
    ),
    field(
      8,
      text('control bits', '控制位'),
      header.flags,
      formatFlags(header.flags),
      text('CWR ECE URG ACK PSH RST SYN FIN', 'CWR ECE URG ACK PSH RST SYN FIN'),
    ),
    field(
      16,
      text('window', '窗口'),
      header.window,
      String(header.window),
      text('bytes that may follow, to be scaled after the SYN', '还能接收的字节数，SYN 之后要按比例放大'),
      'RFC 9293 §3.8.6',
    ),
    field(
      16,
      text('checksum', '校验和'),
      header.checksum,
      `0x${hex(header.checksum, 16)}`,
      text('over pseudo header, header and data', '覆盖伪首部、首部和数据'),
    ),
    field(
      16,
      text('urgent pointer', '紧急指针'),
      header.urgentPointer,
      String(header.urgentPointer),
      text('counts only with URG', '仅在 URG 置位时有效'),
      'RFC 9293 §3.8.5',
    ),
  ];
}

function optionField(packet: Uint8Array, { tcp }: DecodedPacket, option: TcpOption): InspectedField {
  const start = tcp!.offset + 20 + option.offset;
  const bytes = packet.subarray(start, start + option.length);
  const [meaning, rule] = OPTION_WORDS[option.kind] ?? [text('not known here', '未知选项'), HEADER];
  return {
    bits: 8 * option.length,
    name: text(`option ${option.name}`, `选项 ${option.name}`),
    hex: [...bytes].map((byte) => hex(byte, 8)).join(''),
    value: optionValue(option),
    meaning,
    rule,
  };
}

function optionValue(option: TcpOption): string {
  switch (option.name) {
    case 'mss':
      return String(option.mss);
    case 'window-scale':
      return String(option.shift);
    case 'timestamps':
      return `${option.tsVal}, ${option.tsEcr}`;
    default:
      return '';
  }
}

const OPTION_WORDS: Readonly<Record<number, readonly [Text, string]>> = {
  [TcpOptionKind.NOP]: [text('fills a place', '填充'), HEADER],
  [TcpOptionKind.MSS]: [text('largest payload that we can take', '能接收的最大数据长度'), 'RFC 9293 §3.7.1'],
  [TcpOptionKind.WINDOW_SCALE]: [
    text('the window counts in units of 2^n', '窗口以 2^n 为单位'),
    'RFC 7323 §2',
  ],
  [TcpOptionKind.SACK_PERMITTED]: [text('tell me which pieces you have', '允许选择确认'), 'RFC 2018 §2'],
  [TcpOptionKind.TIMESTAMPS]: [text('now, and what was echoed', '当前时刻与回显'), 'RFC 7323 §3'],
};

/** The fields as a table, a line for each. */
export function inspectionLines({ segment, fields, checksumOk }: Inspected, lang: 'en' | 'zh'): string[] {
  const sum = {
    en: checksumOk ? 'checksum recomputed: right' : 'checksum recomputed: WRONG',
    zh: checksumOk ? '重新计算校验和：正确' : '重新计算校验和：错误',
  }[lang];
  const rows = fields.map(({ bits, name, hex: digits, value, meaning, rule }) => [
    String(bits).padStart(4),
    padToWidth(name[lang], 23),
    padToWidth(digits, 20),
    padToWidth(value, 22),
    `${meaning[lang]}  ${rule}`,
  ]);
  return [
    ` ${segment}   ${sum}`,
    ...rows.map((cells) => cutToWidth(` ${cells.join(' ')}`, LINE_COLUMNS).trimEnd()),
  ];
}
