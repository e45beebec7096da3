// Multicast listener discovery, version 2 (RFC 3810): telling routers and snooping switches which groups we listen to. Only what
// a host needs: queries are told from other messages, reports are written whole.
import type { IpAddress } from './address.js';
import { struct, u8, u16be } from './buffer-layout.js';
import { addRange, finish, pseudoHeader } from './checksum.js';
import { IPV6_HEADER_BYTES, writeIpv6Header } from './ipv6.js';
import { offsetOf } from './layout.js';
import { IpProtocol } from './protocol.js';

/** ICMPv6 types of listener discovery (RFC 3810 §5). */
export const MldType = { QUERY: 130, REPORT: 143 } as const;

/** The body of a report (RFC 3810 §5.2). */
export interface MldReport {
  type: number;
  reserved: number;
  checksum: number;
  reservedToo: number;
  records: number;
}

/** Layout of a report in front of its records. */
export const MLD_REPORT = struct<MldReport>([
  u8('type'),
  u8('reserved'),
  u16be('checksum'),
  u16be('reservedToo'),
  u16be('records'),
]);

const TYPE = offsetOf(MLD_REPORT, 'type');
const CHECKSUM = offsetOf(MLD_REPORT, 'checksum');
const RECORDS = offsetOf(MLD_REPORT, 'records');

/** Octets of one record that names no sources: its head and the group. */
const RECORD_BYTES = 20;
/** A hop-by-hop header with a router alert (RFC 2711), padded to eight octets. */
const HOP_BY_HOP = [IpProtocol.ICMPV6, 0, 5, 2, 0, 0, 1, 0] as const;
const HOP_BY_HOP_HEADER = 0;
/** A record that says: this group is listened to, whoever sends (RFC 3810 §5.2.12). */
const MODE_IS_EXCLUDE = 2;
const CHANGE_TO_EXCLUDE = 4;

/** Groups of one report: it stays below the 1280 octets that every link carries. */
export const MAX_MLD_GROUPS = 32;

/**
 * Writes a whole IPv6 packet with a report.
 * @param source a link-local address, or the unspecified one (RFC 3810 §5.2.13)
 * @param destination ff02::16
 * @param groups at most `MAX_MLD_GROUPS`
 * @param isChange whether they were joined just now; else the report answers a query
 * @returns the octets written
 */
export function writeMldReport(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  source: IpAddress,
  destination: IpAddress,
  groups: readonly IpAddress[],
  isChange: boolean,
): number {
  const length = MLD_REPORT.span + groups.length * RECORD_BYTES;
  const total = HOP_BY_HOP.length + length;
  writeIpv6Header(bytes, view, at, total, HOP_BY_HOP_HEADER, source, destination, 1, 0, 0);
  bytes.set(HOP_BY_HOP, at + IPV6_HEADER_BYTES);
  const message = at + IPV6_HEADER_BYTES + HOP_BY_HOP.length;
  bytes.fill(0, message, message + length);
  bytes[message + TYPE] = MldType.REPORT;
  view.setUint16(message + RECORDS, groups.length);
  let record = message + MLD_REPORT.span;
  for (const group of groups) {
    bytes[record] = isChange ? CHANGE_TO_EXCLUDE : MODE_IS_EXCLUDE;
    view.setInt32(record + 4, group.w0);
    view.setInt32(record + 8, group.w1);
    view.setInt32(record + 12, group.w2);
    view.setInt32(record + 16, group.w3);
    record += RECORD_BYTES;
  }
  const sum = pseudoHeader(source, destination, IpProtocol.ICMPV6, length);
  view.setUint16(message + CHECKSUM, finish(addRange(sum, bytes, message, length)));
  return IPV6_HEADER_BYTES + total;
}
