// IPv4 packets made byte by byte, independent of the codec under src/wire, so that the tests of the device rest on nothing else.

export const HOST = '10.9.0.1';
export const STACK = '10.9.0.2';

/** The Internet checksum of `bytes`, whose own field must be zero (or which sums to 0 when it is right). */
export function internetChecksum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An IPv4 header of 20 bytes. */
export function ipv4Header(
  protocol: number,
  payloadLength: number,
  source = STACK,
  destination = HOST,
): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  header[0] = 0x45;
  view.setUint16(2, 20 + payloadLength);
  view.setUint16(6, 0x4000);
  header[8] = 64;
  header[9] = protocol;
  header.set(source.split('.').map(Number), 12);
  header.set(destination.split('.').map(Number), 16);
  view.setUint16(10, internetChecksum(header));
  return header;
}

/** IPv4 and UDP header for a payload; the UDP checksum is left out, as IPv4 allows. */
export function udpHeader(payloadLength: number, port: number): Uint8Array {
  const header = new Uint8Array(28);
  header.set(ipv4Header(17, 8 + payloadLength));
  const view = new DataView(header.buffer);
  view.setUint16(20, 40_000);
  view.setUint16(22, port);
  view.setUint16(24, 8 + payloadLength);
  return header;
}

/** A complete ICMP echo request from the stack's address to the kernel's. */
export function echoRequest(id: number, sequence: number, data: Uint8Array): Uint8Array {
  const packet = new Uint8Array(28 + data.length);
  packet.set(ipv4Header(1, 8 + data.length));
  const view = new DataView(packet.buffer);
  packet[20] = 8;
  view.setUint16(24, id);
  view.setUint16(26, sequence);
  packet.set(data, 28);
  view.setUint16(22, internetChecksum(packet.subarray(20)));
  return packet;
}

/** The reply to an echo request: addresses exchanged, type 0, checksum renewed. Null when it is something else. */
export function echoReply(packet: Uint8Array): Uint8Array | null {
  if (packet[9] !== 1 || packet[20] !== 8) return null;
  const reply = packet.slice();
  reply.set(packet.subarray(16, 20), 12);
  reply.set(packet.subarray(12, 16), 16);
  reply.fill(0, 20, 24);
  new DataView(reply.buffer).setUint16(22, internetChecksum(reply.subarray(20)));
  return reply;
}

/** Bytes that differ from place to place and from seed to seed. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let x = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}
