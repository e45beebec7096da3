// What waits to be worked on, first come, first served.

/** Places that are kept for the next turn, however few are in use. */
const KEPT_PLACES = 1024;

/** A list that is filled at its end and taken from its front in one go. Its memory stays, so that turns allocate none. */
export class WorkList<T> {
  /** How many wait. */
  length = 0;
  private readonly places: (T | null)[] = [];

  /** Appends one. */
  push(item: T): void {
    this.places[this.length++] = item;
  }

  /** The one at `index`, which is below `length`. */
  at(index: number): T {
    return this.places[index]!;
  }

  /** Forgets the first `count`, of which there are at least as many; the others move up. */
  dropFirst(count: number): void {
    const { places, length } = this;
    const left = length - count;
    for (let i = 0; i < left; i++) places[i] = places[i + count]!;
    for (let i = left; i < length; i++) places[i] = null;
    const kept = Math.max(left, KEPT_PLACES);
    if (places.length > kept) places.length = kept;
    this.length = left;
  }
}
