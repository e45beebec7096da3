// Classes that may be called like the functions that they are in `node:net`: without `new`, and on an object of a kind
// derived by prototypes, as in `net.Server.call(this, options)`.

type Constructor = new (...args: never[]) => object;

/** The object that the next constructor of an adoptable class takes over instead of making one. */
let adopting: object | null = null;

/**
 * A base class like `Base`, one of those of Node that are functions, whose constructor can take over an object that is
 * there already; what derived classes declare, private fields included, is then added to it.
 * @param prepare what is done to the object before
 */
export function adoptable<T extends Constructor>(Base: T, prepare: (self: object) => void = nothing): T {
  function Adoptable(this: object, ...args: unknown[]): object {
    const self = adopting ?? this;
    adopting = null;
    prepare(self);
    Reflect.apply(Base as unknown as (...all: unknown[]) => void, self, args);
    return self;
  }
  Object.setPrototypeOf(Adoptable, Base);
  Adoptable.prototype = Base.prototype;
  return Adoptable as unknown as T;
}

function nothing(): void {}

/** Lets a class that descends from an adoptable one be called without `new`. */
export function callable<T extends object>(Kind: Constructor): T {
  const proxy = new Proxy(Kind, {
    apply(target, self, args) {
      adopting = self instanceof target ? self : null;
      try {
        return Reflect.construct(target, args);
      } finally {
        adopting = null;
      }
    },
  }) as { prototype: object };
  Object.defineProperty(proxy.prototype, 'constructor', { value: proxy, writable: true, configurable: true });
  return proxy as unknown as T;
}
