// `instanceof` of Node's own `net.Socket` and `net.Server`: libraries that ask it, of what they were given, hear that ours are
// such. Node's own modules do not: TLS and child processes ask in order to find a libuv handle below, and with ours they are
// to do what they do with any other stream.
import * as nodeNet from 'node:net';

type Kind = { readonly prototype: object };

type Asked = { [Symbol.hasInstance](value: unknown): boolean };

/** Where the code that asks `instanceof` stands in a stack: below the method that answers. */
const NODE_OWN = /^(?:node:|internal\/)/;

/**
 * From now on instances of `ours` pass as instances of `theirs`, a class of `node:net`.
 * @param theirs stays as it is in all else; classes derived from it are asked as before
 */
export function passAs(theirs: Kind, ours: Kind): void {
  const before = (theirs as unknown as Asked)[Symbol.hasInstance];
  Object.defineProperty(theirs, Symbol.hasInstance, {
    value: function hasInstance(this: unknown, value: unknown): boolean {
      if (before.call(this, value)) return true;
      if (this !== theirs || typeof value !== 'object' || value === null) return false;
      return Object.prototype.isPrototypeOf.call(ours.prototype, value) && !isNodeAsking(hasInstance);
    },
    configurable: true,
    writable: true,
  });
}

/** Whether the code that called `method` is Node's own. Without a way to tell, it may be. */
function isNodeAsking(method: (value: unknown) => boolean): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error;
  if (Object.isFrozen(Error)) return true;
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_error, sites) => sites;
    const holder: { stack?: NodeJS.CallSite[] } = {};
    Error.captureStackTrace(holder, method);
    const [asking] = holder.stack ?? [];
    return asking === undefined || NODE_OWN.test(asking.getFileName() ?? '');
  } finally {
    Error.prepareStackTrace = prepareStackTrace as typeof Error.prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

let isDone = false;

/** Does so for sockets and servers, once. */
export function passAsNodes(Socket: Kind, Server: Kind): void {
  if (isDone) return;
  isDone = true;
  passAs(nodeNet.Socket, Socket);
  passAs(nodeNet.Server, Server);
}
