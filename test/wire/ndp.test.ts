// Neighbour discovery rule by rule (RFC 4861 §4, §6.1, §7.1): what is read of a message, and each reason to discard one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IpAddress } from '../../src/wire/address.js';
import { addRange, finish, pseudoHeader } from '../../src/wire/checksum.js';
import { Ipv6View, parseIpv6, writeIpv6Header } from '../../src/wire/ipv6.js';
import { writeIpv6FragmentHeader } from '../../src/wire/ipv6-extensions.js';
import { MacAddress } from '../../src/wire/mac.js';
import {
  isNdpType,
  MAX_NDP_BYTES,
  NdpView,
  parseNdp,
  writeNeighborAdvertisement,
  writeNeighborSolicitation,
  writeRouterSolicitation,
} from '../../src/wire/ndp.js';
import { ParseError } from '../../src/wire/parse-error.js';

const ip = (text: string) => IpAddress.parse(text)!;
const [SOLICIT_ROUTER, ADVERTISE_ROUTER, SOLICIT, ADVERTISE, REDIRECT] = [133, 134, 135, 136, 137];
const HOST = ip('fe80:1:2:3:4:5:6:7');
const GROUP = ip('ff02::1:ff06:7');
const TARGET = [0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const MAC = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55];

interface Made {
  type: number;
  code?: number;
  body: readonly number[];
  source?: IpAddress;
  destination?: IpAddress;
  hopLimit?: number;
  spoilChecksum?: boolean;
  /** Octets in memory behind the message. Default 30. */
  behind?: number;
}

/** Reads a message of these octets, between others in memory. */
function read(made: Made, out = new NdpView()): { code: number; out: NdpView } {
  const { type, code = 0, body, source = HOST, destination = GROUP, hopLimit = 255, behind = 30 } = made;
  const length = 4 + body.length;
  const bytes = new Uint8Array(7 + 40 + length + behind).fill(0xee);
  const view = new DataView(bytes.buffer);
  writeIpv6Header(bytes, view, 7, length, 58, source, destination, hopLimit, 0, 0);
  bytes.set([type, code, 0, 0, ...body], 47);
  const sum = finish(addRange(pseudoHeader(source, destination, 58, length), bytes, 47, length));
  view.setUint16(49, made.spoilChecksum ? sum ^ 1 : sum);
  const header = new Ipv6View();
  assert.equal(parseIpv6(bytes, view, 7, 40 + length, header), ParseError.NONE);
  return { code: parseNdp(bytes, view, header, out), out };
}

const solicitation = (...options: number[]) => ({ type: SOLICIT, body: [0, 0, 0, 0, ...TARGET, ...options] });
const advertisement = (flags: number, ...options: number[]) => ({
  type: ADVERTISE,
  body: [flags, 0, 0, 0, ...TARGET, ...options],
});
const router = (flags: number, ...options: number[]) => ({
  type: ADVERTISE_ROUTER,
  body: [64, flags, 0x07, 0x08, 0, 0, 1, 2, 0, 0, 3, 4, ...options],
});

const words = (out: NdpView) => [out.target0, out.target1, out.target2, out.target3].map((w) => w >>> 0);

describe('what is read', () => {
  test('RFC4861 §4.3: a solicitation: its target, and the address of who asks', () => {
    const { code, out } = read(solicitation(1, 1, ...MAC));
    assert.equal(code, ParseError.NONE);
    assert.deepEqual(words(out), [0x20010db8, 0x01020304, 0x05060708, 0x090a0b0c]);
    assert.deepEqual([out.hasMac, out.macHigh, out.macLow], [true, 0x0211, 0x22334455]);
    assert.deepEqual([out.isRouter, out.isSolicited, out.isOverride], [false, false, false]);
    assert.equal(read(solicitation()).out.hasMac, false);
  });

  test('RFC4861 §4.3: the reserved bits of a solicitation are ignored, where an advertisement has its flags', () => {
    const { code, out } = read({ type: SOLICIT, body: [0xff, 0xff, 0xff, 0xff, ...TARGET] });
    assert.equal(code, ParseError.NONE);
    assert.deepEqual([out.isRouter, out.isSolicited, out.isOverride], [false, false, false]);
  });

  test('RFC4861 §4.4: an advertisement: its flags, one by one', () => {
    for (const [flags, expected] of [
      [0x80, [true, false, false]],
      [0x40, [false, true, false]],
      [0x20, [false, false, true]],
      [0x1f, [false, false, false]],
    ] as const) {
      const { code, out } = read({ ...advertisement(flags, 2, 1, ...MAC), destination: HOST });
      assert.equal(code, ParseError.NONE);
      assert.deepEqual([out.isRouter, out.isSolicited, out.isOverride], expected);
      assert.equal(out.hasMac, true);
    }
  });

  test('RFC4861 §4.2: a router: all of its numbers, and its preference (RFC4191 §2.2)', () => {
    const preferences = [0x00, 0x08, 0x10, 0x18].map((flags) => read(router(flags)).out.preference);
    assert.deepEqual(preferences, [0, 1, 0, -1]);
    const { code, out } = read(router(0, 1, 1, ...MAC, 5, 1, 0, 0, 0, 0, 5, 0xdc));
    assert.equal(code, ParseError.NONE);
    const { hopLimit, routerLifetime, reachableTime, retransTimer, mtu, hasMac } = out;
    assert.deepEqual([hopLimit, routerLifetime, reachableTime, retransTimer], [64, 1800, 258, 772]);
    assert.deepEqual([mtu, hasMac], [1500, true]);
  });

  test('RFC4861 §4.1: who looks for a router', () => {
    const { code, out } = read({ type: SOLICIT_ROUTER, body: [0, 0, 0, 0, 1, 1, ...MAC] });
    assert.deepEqual([code, out.hasMac, out.macLow], [ParseError.NONE, true, 0x22334455]);
  });

  test('nothing of the message before is left', () => {
    const out = new NdpView();
    read(router(0, 1, 1, ...MAC, 5, 1, 0, 0, 0, 0, 5, 0xdc), out);
    read(router(0), out);
    assert.deepEqual([out.mtu, out.hasMac], [0, false]);
    read({ ...advertisement(0xe0), destination: HOST }, out);
    read(solicitation(), out);
    assert.deepEqual([out.isRouter, out.isSolicited, out.isOverride], [false, false, false]);
  });

  test('which types are', () => {
    const types = Array.from({ length: 256 }, (_, type) => type).filter(isNdpType);
    assert.deepEqual(types, [SOLICIT_ROUTER, ADVERTISE_ROUTER, SOLICIT, ADVERTISE, REDIRECT]);
  });
});

describe('options', () => {
  test('RFC4861 §4.6: each kind of message has its own, the first counts, the unknown are passed over', () => {
    assert.equal(read(solicitation(2, 1, ...MAC)).out.hasMac, false);
    assert.equal(read({ ...advertisement(0, 1, 1, ...MAC), destination: HOST }).out.hasMac, false);
    const { out, code } = read(
      solicitation(99, 2, ...new Array(14).fill(7), 1, 1, ...MAC, 1, 1, 2, 9, 9, 9, 9, 9),
    );
    assert.deepEqual([code, out.macLow], [ParseError.NONE, 0x22334455]);
    assert.equal(read(router(0, 99, 1, 0, 0, 0, 0, 5, 0xdc)).out.mtu, 0, 'nor is a number in them an MTU');
  });

  test('RFC4861 §4.6: at the end of memory, too, an option that is cut off is refused, and not read', () => {
    const addressed = [1, 1, ...MAC];
    const sized = [5, 1, 0, 0, 0, 0, 5, 0xdc];
    for (const option of [addressed, sized]) {
      assert.equal(read({ ...router(0, ...option), behind: 0 }).code, ParseError.NONE);
      for (let length = 1; length < 8; length++) {
        const { code } = read({ ...router(0, ...option.slice(0, length)), behind: 0 });
        assert.equal(code, ParseError.NDP_FORMAT, `${length} octets`);
      }
      const [kind, , ...value] = option;
      assert.equal(read({ ...router(0, kind!, 2, ...value), behind: 0 }).code, ParseError.NDP_FORMAT);
    }
  });

  test('RFC4861 §4.6: a length of zero, one past the end, or a rest of fewer than eight octets spoil the message', () => {
    for (const options of [[1, 0, ...MAC], [1, 2, ...MAC], [1, 1, ...MAC, 99], [1, 1, ...MAC, 99, 1], [99]]) {
      assert.equal(read(solicitation(...options)).code, ParseError.NDP_FORMAT, `${options}`);
    }
  });

  test('no interface has the address of a group, or none', () => {
    assert.equal(read(solicitation(1, 1, 0x03, 1, 2, 3, 4, 5)).code, ParseError.NDP_FORMAT);
    assert.equal(read(solicitation(1, 1, 0, 0, 0, 0, 0, 0)).code, ParseError.NDP_FORMAT);
    assert.equal(read(solicitation(1, 1, 0, 0, 0, 0, 0, 1)).code, ParseError.NONE);
    assert.equal(read(solicitation(1, 1, 2, 0, 0, 0, 0, 0)).code, ParseError.NONE);
  });
});

describe('what must be discarded', () => {
  test('RFC4861 §6.1, §7.1: another hop limit than 255, a code, a wrong checksum', () => {
    for (const message of [solicitation(), router(0), { ...advertisement(0), destination: HOST }]) {
      assert.equal(read(message).code, ParseError.NONE);
      assert.equal(read({ ...message, hopLimit: 254 }).code, ParseError.NDP_FORMAT);
      assert.equal(read({ ...message, code: 1 }).code, ParseError.NDP_FORMAT);
      assert.equal(read({ ...message, spoilChecksum: true }).code, ParseError.CHECKSUM);
    }
  });

  test('RFC6980 §5: one that came in fragments', () => {
    const message = new Uint8Array(24);
    message[0] = SOLICIT;
    message.set(TARGET, 8);
    const sum = addRange(pseudoHeader(HOST, GROUP, 58, 24), message, 0, 24);
    new DataView(message.buffer).setUint16(2, finish(sum));
    for (const [offsetAndMore, expected] of [
      [0, ParseError.NONE],
      [1, ParseError.NDP_FORMAT],
      [8, ParseError.NDP_FORMAT],
    ] as const) {
      const bytes = new Uint8Array(72);
      const view = new DataView(bytes.buffer);
      writeIpv6Header(bytes, view, 0, 32, 44, HOST, GROUP, 255, 0, 0);
      writeIpv6FragmentHeader(bytes, view, 40, 58, offsetAndMore & ~7, (offsetAndMore & 1) !== 0, 9);
      bytes.set(message, 48);
      const header = new Ipv6View();
      assert.equal(parseIpv6(bytes, view, 0, 72, header), ParseError.NONE);
      assert.equal(parseNdp(bytes, view, header, new NdpView()), expected, `${offsetAndMore}`);
    }
  });

  test('RFC4861 §6.1, §7.1: fewer octets than its kind has', () => {
    for (const [message, least] of [
      [solicitation(), 20],
      [{ ...advertisement(0), destination: HOST }, 20],
      [router(0), 12],
      [{ type: SOLICIT_ROUTER, body: [0, 0, 0, 0] }, 4],
    ] as const) {
      for (let length = 0; length <= least; length++) {
        const { code } = read({ ...message, body: message.body.slice(0, length) });
        assert.equal(
          code,
          length === least ? ParseError.NONE : ParseError.TRUNCATED,
          `${message.type} ${length}`,
        );
      }
    }
  });

  test('RFC4861 §7.1: a target that is a group', () => {
    const body = [0, 0, 0, 0, 0xff, ...TARGET.slice(1)];
    assert.equal(read({ type: SOLICIT, body }).code, ParseError.NDP_FORMAT);
    assert.equal(read({ type: SOLICIT, body: [0, 0, 0, 0, 0xfe, ...TARGET.slice(1)] }).code, ParseError.NONE);
  });

  test('RFC4861 §7.1.1: a test for duplicates goes to the group of its target, and tells no address', () => {
    const source = ip('::');
    assert.equal(read({ ...solicitation(), source }).code, ParseError.NONE);
    assert.equal(read({ ...solicitation(1, 1, ...MAC), source }).code, ParseError.NDP_FORMAT);
    for (const text of [
      'ff03::1:ff06:7',
      'ff02:0:1::1:ff06:7',
      'ff02::2:ff06:7',
      'ff02::1:fe06:7',
      'fe80::1:ff06:7',
    ]) {
      assert.equal(
        read({ ...solicitation(), source, destination: ip(text) }).code,
        ParseError.NDP_FORMAT,
        text,
      );
    }
    // An advertisement is no such test, whoever sends it.
    const advertised = { ...advertisement(0x20, 2, 1, ...MAC), source, destination: ip('ff02::1') };
    assert.equal(read(advertised).code, ParseError.NONE);
    // Who has any address is no such test.
    for (const text of ['1::', '0:0:1::', '::1:0:0', '::1']) {
      assert.equal(
        read({ ...solicitation(), source: ip(text), destination: HOST }).code,
        ParseError.NONE,
        text,
      );
    }
  });

  test('RFC4861 §7.1.2: an answer to nobody in particular is no answer', () => {
    assert.equal(read(advertisement(0x40)).code, ParseError.NDP_FORMAT);
    assert.equal(read(advertisement(0x20)).code, ParseError.NONE);
    assert.equal(read({ ...advertisement(0x40), destination: HOST }).code, ParseError.NONE);
  });

  test('RFC4861 §6.1.2: a router whose address is not link-local', () => {
    for (const [text, code] of [
      ['fe80::1', ParseError.NONE],
      ['febf::1', ParseError.NONE],
      ['fec0::1', ParseError.NDP_FORMAT],
      ['fd00::1', ParseError.NDP_FORMAT],
      ['2001:db8::1', ParseError.NDP_FORMAT],
    ] as const) {
      assert.equal(read({ ...router(0), source: ip(text) }).code, code, text);
    }
  });
});

describe('what is written', () => {
  const target = ip('2001:db8:102:304:506:708:90a:b0c');
  const mac = MacAddress.parse('02:11:22:33:44:55')!;

  /** Writes into memory that was in use, at an odd place, and reads it. */
  function written(write: (bytes: Uint8Array, view: DataView, at: number) => number) {
    const bytes = new Uint8Array(150).fill(0xee);
    const view = new DataView(bytes.buffer);
    const length = write(bytes, view, 9);
    assert.ok(
      bytes.subarray(0, 9).every((b) => b === 0xee),
      'nothing before it',
    );
    assert.ok(
      bytes.subarray(9 + length).every((b) => b === 0xee),
      'nothing behind it',
    );
    const header = new Ipv6View();
    assert.equal(parseIpv6(bytes, view, 9, length, header), ParseError.NONE);
    const out = new NdpView();
    assert.equal(parseNdp(bytes, view, header, out), ParseError.NONE);
    assert.ok(length <= MAX_NDP_BYTES);
    return { out, length, reserved: view.getInt32(9 + 44) };
  }

  test('a solicitation, with and without the own address', () => {
    const told = written((b, v, at) => writeNeighborSolicitation(b, v, at, HOST, GROUP, target, mac));
    assert.deepEqual([told.out.type, told.length, told.out.hasMac, told.reserved], [SOLICIT, 72, true, 0]);
    assert.equal(told.length, MAX_NDP_BYTES, 'none is longer');
    assert.deepEqual(words(told.out), [0x20010db8, 0x01020304, 0x05060708, 0x090a0b0c]);
    const untold = written((b, v, at) => writeNeighborSolicitation(b, v, at, ip('::'), GROUP, target, null));
    assert.deepEqual([untold.length, untold.out.hasMac], [64, false]);
  });

  test('an advertisement, flag by flag', () => {
    for (const flags of [
      [false, false, false],
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ] as const) {
      const [isSolicited, isOverride, isRouter] = flags;
      const { out, length, reserved } = written((b, v, at) =>
        writeNeighborAdvertisement(b, v, at, target, HOST, mac, isSolicited, isOverride, isRouter),
      );
      assert.deepEqual([out.isSolicited, out.isOverride, out.isRouter], flags);
      assert.equal(reserved << 3, 0, 'RFC4861 §4.4: the sender leaves the reserved bits zero');
      assert.deepEqual([out.type, length, out.macHigh, out.macLow], [ADVERTISE, 72, 0x0211, 0x22334455]);
    }
  });

  test('who looks for a router, with and without the own address', () => {
    const routers = ip('ff02::2');
    const told = written((b, v, at) => writeRouterSolicitation(b, v, at, HOST, routers, mac));
    assert.deepEqual(
      [told.out.type, told.length, told.out.hasMac, told.reserved],
      [SOLICIT_ROUTER, 56, true, 0],
    );
    const untold = written((b, v, at) => writeRouterSolicitation(b, v, at, ip('::'), routers, null));
    assert.deepEqual([untold.length, untold.out.hasMac, untold.reserved], [48, false, 0]);
  });
});
