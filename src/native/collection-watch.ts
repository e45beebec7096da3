// Whether there was a collection of everything: a reference that nobody keeps alive outlives each quick one.

/** So many calls are answered by one look, which by itself keeps the object alive for a moment. */
const CALLS = 256;

/** Tells of collections of everything. */
export class CollectionWatch {
  private calls = 0;
  private reference = new WeakRef({});

  /** Whether there was one since the last look. */
  wasCollected(): boolean {
    if (++this.calls < CALLS) return false;
    this.calls = 0;
    if (this.reference.deref() !== undefined) return false;
    this.reference = new WeakRef({});
    return true;
  }
}
