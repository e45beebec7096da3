// Connections whose handshake is over, and who of them may rest. Most have something to send soon, and would make anew what
// they had put away.

/** What is to rest. */
export interface Resting {
  /** See `Connection.rest`: harmless for one that has sent something meanwhile. */
  rest(): void;
}

/** Connections that stay awake, at least: few beside the many for whose memory resting is there. */
const AWAKE = 64;

/** The latest ones; each puts to rest who was the latest so many handshakes before. */
export class RestQueue {
  private readonly places: (Resting | null)[] = new Array(AWAKE).fill(null);
  private next = 0;

  /** The handshake of `connection` is over. */
  add(connection: Resting): void {
    this.places[this.next]?.rest();
    this.places[this.next] = connection;
    this.next = (this.next + 1) % AWAKE;
  }
}
