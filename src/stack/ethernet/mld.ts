// Membership of IPv6 groups (RFC 3810): each of our addresses has a group to which solicitations for it are sent, and switches
// that snoop pass on only what somebody has reported. Reports say that we are there; queries ask again.
import { IpAddress } from '../../wire/address.js';
import { addRange } from '../../wire/checksum.js';
import { EtherType, FRAME_HEADROOM } from '../../wire/ethernet.js';
import { type Ipv6View, ipv6PseudoSum } from '../../wire/ipv6.js';
import { MacAddress } from '../../wire/mac.js';
import { MAX_MLD_GROUPS, MldType, writeMldReport } from '../../wire/mld.js';
import { IpProtocol } from '../../wire/protocol.js';
import { type RandomBytes, randomWord } from '../siphash.js';
import { WheelTask } from '../wheel-task.js';
import type { FrameOutput } from './frame-output.js';
import type { EthernetStats } from './stats.js';

const ALL_REPORTERS = new IpAddress(0xff020000 | 0, 0, 0, 0x16);
const UNSPECIFIED = new IpAddress(0, 0, 0, 0);
/** RFC 3810 §9: how often a join is told, and within what time the second telling follows. */
const ROBUSTNESS = 2;
const UNSOLICITED_REPORT_INTERVAL_MS = 1000;
const QUERY_BYTES = 24;
const MAX_RESPONSE_CODE = 4;
/** A querier may allow hours; nobody waits so long for us. */
const LONGEST_RESPONSE_MS = 10_000;

/** What membership works on. */
export interface MldParts {
  readonly frames: FrameOutput;
  readonly random: RandomBytes;
  readonly stats: EthernetStats;
  readonly wheel: { arm(task: WheelTask, deadline: number): void };
  /** The groups that we listen to now. */
  groups(): readonly IpAddress[];
  /** A link-local address of ours, or null. */
  linkLocal(): IpAddress | null;
}

/** Tells which groups we listen to. */
export class Mld {
  private joinsToTell = ROBUSTNESS;
  private answerAt = Number.POSITIVE_INFINITY;
  private readonly joining = new WheelTask((now) => this.tellJoin(now));
  private readonly answering = new WheelTask(() => this.answer());

  constructor(private readonly parts: MldParts) {}

  /** Tells that we have joined. Comes before questions about our addresses (RFC 4862 §5.4.2). */
  begin(now: number): void {
    this.tellJoin(now);
  }

  /**
   * Takes in a message that is no neighbour discovery.
   * @returns whether it was a query
   */
  receive(bytes: Uint8Array, view: DataView, ip: Ipv6View, now: number): boolean {
    const { payloadOffset: at, payloadLength: length } = ip;
    if (ip.protocol !== IpProtocol.ICMPV6 || length < QUERY_BYTES || bytes[at] !== MldType.QUERY)
      return false;
    // From a router of this link, or it is not obeyed (RFC 3810 §6.2).
    const isLinkLocal = (ip.source0 & 0xffc00000) === (0xfe800000 | 0);
    if (!isLinkLocal || ip.hopLimit !== 1 || ip.isFragment || !isChecksumOk(bytes, ip)) return false;
    const longest = responseTime(view.getUint16(at + MAX_RESPONSE_CODE));
    const chance = (randomWord(this.parts.random) >>> 0) / 2 ** 32;
    const due = now + Math.min(longest, LONGEST_RESPONSE_MS) * chance;
    // An answer that is due sooner answers this one, too (RFC 3810 §6.2).
    if (due >= this.answerAt) return true;
    this.answerAt = due;
    this.parts.wheel.arm(this.answering, due);
    return true;
  }

  private tellJoin(now: number): void {
    if (this.joinsToTell === 0) return;
    this.report(true);
    if (--this.joinsToTell > 0) this.parts.wheel.arm(this.joining, now + UNSOLICITED_REPORT_INTERVAL_MS);
  }

  private answer(): void {
    this.answerAt = Number.POSITIVE_INFINITY;
    this.report(false);
  }

  private report(isChange: boolean): void {
    const { frames, stats } = this.parts;
    const { message, view } = frames;
    const groups = this.parts.groups();
    const source = this.parts.linkLocal() ?? UNSPECIFIED;
    const { high, low } = MacAddress.ofIpv6Group(ALL_REPORTERS.w3);
    for (let i = 0; i < groups.length; i += MAX_MLD_GROUPS) {
      const some = groups.slice(i, i + MAX_MLD_GROUPS);
      const at = FRAME_HEADROOM;
      const length = writeMldReport(message, view, at, source, ALL_REPORTERS, some, isChange);
      stats.outReports++;
      frames.send(high, low, EtherType.IPV6, length);
    }
  }
}

/** Milliseconds; from 32768 on a floating-point number (RFC 3810 §5.1.3). */
function responseTime(code: number): number {
  if (code < 0x8000) return code;
  return ((code & 0xfff) | 0x1000) << (((code >>> 12) & 7) + 3);
}

function isChecksumOk(bytes: Uint8Array, ip: Ipv6View): boolean {
  const sum = ipv6PseudoSum(ip, IpProtocol.ICMPV6);
  return addRange(sum, bytes, ip.payloadOffset, ip.payloadLength) === 0xffff;
}
