// How most scenarios begin: the handshake, told once.
import type { Stage } from '../stage.js';

/** The three segments of an uneventful handshake. */
export const OPENING = `
        A>B S  0      | SYN-SENT    | -
        B>A SA 0 a1   | ESTABLISHED | SYN-RECEIVED
        A>B A  1 a1   | ESTABLISHED | ESTABLISHED
`;

/** B listens, A connects, both are ESTABLISHED. */
export async function open(x: Stage): Promise<void> {
  await x.b.listen();
  x.a.connect();
  await x.established();
}

/** Waits until an end is in a state. */
export function untilState(x: Stage, side: 'a' | 'b', state: string): Promise<void> {
  return x.until(`${side.toUpperCase()} is in ${state}`, () => x[side].state() === state);
}

/** The timestamp option (RFC 7323 §3.2), padded by two NOPs. */
export function timestampOption(value: number, echo: number): Uint8Array {
  const option = Uint8Array.from([1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0]);
  const view = new DataView(option.buffer);
  view.setUint32(4, value);
  view.setUint32(8, echo);
  return option;
}

/** The bytes that reached an application, for the assertion that none did. */
export function nothingDelivered(x: Stage, side: 'a' | 'b'): void {
  const got = x[side].receivedBytes;
  x.check('nothing of it was delivered', '没有任何字节交给应用', got === 0, `${got} bytes`);
}
