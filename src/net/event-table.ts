// Where one of Node's streams keeps its listeners. Node makes that object by a literal, and of a literal whose objects mostly live
// long V8 makes the next ones among the old objects: so it is once a thousand sockets wait. There they are garbage until a
// collection of everything, and what they refer to, listeners, sockets and connections, outlives every quick one until then.
import { Duplex } from 'node:stream';

interface Emitter {
  _events?: object;
}

/** As Node makes it. One without names has no literal behind it. */
const fresh: object = (new Duplex() as Emitter)._events ?? {};
const hasNames = Object.keys(fresh).length > 0;

/** Gives a stream that is about to be made such an object, the same but for where it lies. */
export function giveEventTable(stream: Emitter): void {
  if (hasNames) stream._events ??= { ...fresh };
}
