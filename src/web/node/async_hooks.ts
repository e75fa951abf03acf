/** Of `node:async_hooks`. Whose context a callback runs in is not told apart here. */

export class AsyncResource {
  static bind<F>(call: F): F {
    return call;
  }

  runInAsyncScope<A extends unknown[], R>(call: (...args: A) => R, receiver?: unknown, ...args: A): R {
    return call.apply(receiver, args);
  }

  emitDestroy(): this {
    return this;
  }
}
