// The filter of ethernet-filter.ts as a program of classic BPF, which the kernel runs on each frame before it is copied to a
// packet socket. The kernel has taken the VLAN tag out of the frame by then, and tells it aside.
import type { EthernetIdentity } from '../stack/link.js';
import type { IpAddress } from '../wire/address.js';
import { ETHERNET_HEADER_BYTES, EtherType } from '../wire/ethernet.js';
import { MacAddress } from '../wire/mac.js';
import { IpProtocol } from '../wire/protocol.js';

/** One instruction: code, jump offsets when true and when false, operand. */
type Instruction = readonly [code: number, jt: number, jf: number, k: number];

/** Codes, from <linux/bpf_common.h>. */
const LOAD_WORD = 0x20;
const LOAD_HALF = 0x28;
const LOAD_BYTE = 0x30;
const AND = 0x54;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;

/** Places at which the kernel shows what is not in the frame (<linux/filter.h>). */
const ASIDE = -0x1000;
const PACKET_TYPE = ASIDE + 4;
const VLAN_TAG = ASIDE + 44;
const VLAN_TAG_PRESENT = ASIDE + 48;
/** Of a packet that this host sends (PACKET_OUTGOING). */
const OUTGOING = 4;
const VLAN_ID_MASK = 0x0fff;

/** Places in a frame without a tag. */
const DESTINATION = 0;
const SOURCE = 6;
const TYPE = 12;
const IPV4_DESTINATION = ETHERNET_HEADER_BYTES + 16;
const NEXT_HEADER = ETHERNET_HEADER_BYTES + 6;
const IPV6_DESTINATION = ETHERNET_HEADER_BYTES + 24;
const IPV6_GROUP = 0x3333;
const HOP_BY_HOP = 0;

const ACCEPT: Instruction = [RETURN, 0, 0, 0xffffffff];
const REFUSE: Instruction = [RETURN, 0, 0, 0];

/** What must be so: the value that is loaded, by one or two instructions, and what it must be. */
interface Condition {
  readonly load: readonly Instruction[];
  readonly value: number;
}

/**
 * The program for the frames that `frameFilter` names: four numbers an instruction, namely code, jt, jf and k.
 * @param shared as there
 */
export function frameProgram(
  { mac, vlan }: EthernetIdentity,
  shared: readonly IpAddress[] | null,
): Uint32Array {
  const arp = is(LOAD_HALF, TYPE, EtherType.ARP);
  const toGroup = is(LOAD_HALF, DESTINATION, IPV6_GROUP);
  const ipv6 = is(LOAD_HALF, TYPE, EtherType.IPV6);
  const icmpv6 = is(LOAD_BYTE, NEXT_HEADER, IpProtocol.ICMPV6);
  const program = [
    ...when([is(LOAD_WORD, PACKET_TYPE, OUTGOING)], [REFUSE]),
    ...when(addressIs(SOURCE, mac), [REFUSE]),
    ...inVlan(vlan, [
      ...when(
        addressIs(DESTINATION, mac),
        shared === null
          ? [ACCEPT]
          : [
              ...when([arp], [ACCEPT]),
              ...when([ipv6, icmpv6], [ACCEPT]),
              ...shared.flatMap((address) => when(packetTo(address), [ACCEPT])),
            ],
      ),
      ...when([...addressIs(DESTINATION, MacAddress.BROADCAST), arp], [ACCEPT]),
      ...when([toGroup, ipv6, icmpv6], [ACCEPT]),
      // Queries for listeners have a hop-by-hop header in front of ICMPv6.
      ...when([toGroup, ipv6, is(LOAD_BYTE, NEXT_HEADER, HOP_BY_HOP)], [ACCEPT]),
    ]),
    REFUSE,
  ];
  return Uint32Array.from(program.flat());
}

/** Runs `body` on frames of that VLAN; without one, on frames that have no tag or one that only sets a priority. */
function inVlan(vlan: number, body: readonly Instruction[]): Instruction[] {
  const isTagged = is(LOAD_BYTE, VLAN_TAG_PRESENT, 1);
  const identifier: Condition = {
    load: [
      [LOAD_WORD, 0, 0, VLAN_TAG],
      [AND, 0, 0, VLAN_ID_MASK],
    ],
    value: vlan,
  };
  if (vlan !== 0) return when([isTagged, identifier], body);
  const foreign = [...when([identifier], [[JUMP, 0, 0, 1]]), REFUSE];
  return [...when([isTagged], foreign), ...body];
}

function packetTo(address: IpAddress): Condition[] {
  if (address.family === 4) {
    return [is(LOAD_HALF, TYPE, EtherType.IPV4), is(LOAD_WORD, IPV4_DESTINATION, address.w3)];
  }
  const words = [address.w0, address.w1, address.w2, address.w3];
  return [
    is(LOAD_HALF, TYPE, EtherType.IPV6),
    ...words.map((word, i) => is(LOAD_WORD, IPV6_DESTINATION + 4 * i, word)),
  ];
}

/** The lower part first: it is the one that tells stations apart. */
function addressIs(at: number, { high, low }: MacAddress): Condition[] {
  return [is(LOAD_WORD, at + 2, low), is(LOAD_HALF, at, high)];
}

function is(code: number, at: number, value: number): Condition {
  return { load: [[code, 0, 0, at]], value };
}

/** Runs `body` when all conditions hold. A conditional jump reaches 255 instructions, an unconditional one any number. */
function when(conditions: readonly Condition[], body: readonly Instruction[]): Instruction[] {
  let code = [...body];
  for (const { load, value } of [...conditions].reverse()) {
    code = [...load, [JUMP_EQUAL, 1, 0, value], [JUMP, 0, 0, code.length], ...code];
  }
  return code;
}
