// A first-in-first-out queue of endpoints, linked through themselves: half-open, to be accepted, orphaned, in TIME-WAIT.
// An endpoint stands in at most one.
import type { Endpoint } from './endpoint.js';

/** Oldest first; every operation in constant time, no allocation. */
export class EndpointQueue {
  first: Endpoint | null = null;
  private last: Endpoint | null = null;
  size = 0;

  /** Appends an endpoint, taking it out of the queue in which it stands. */
  push(endpoint: Endpoint): void {
    endpoint.queue?.remove(endpoint);
    endpoint.queue = this;
    endpoint.queuePrevious = this.last;
    endpoint.queueNext = null;
    if (this.last === null) this.first = endpoint;
    else this.last.queueNext = endpoint;
    this.last = endpoint;
    this.size++;
  }

  /** Takes an endpoint out. Harmless when it stands elsewhere. */
  remove(endpoint: Endpoint): void {
    if (endpoint.queue !== this) return;
    const { queuePrevious: previous, queueNext: next } = endpoint;
    if (previous === null) this.first = next;
    else previous.queueNext = next;
    if (next === null) this.last = previous;
    else next.queuePrevious = previous;
    endpoint.queue = null;
    endpoint.queuePrevious = null;
    endpoint.queueNext = null;
    this.size--;
  }

  /** Takes the oldest out, or null. */
  shift(): Endpoint | null {
    const endpoint = this.first;
    if (endpoint !== null) this.remove(endpoint);
    return endpoint;
  }
}
