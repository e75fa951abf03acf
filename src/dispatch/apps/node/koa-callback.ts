/** The Koa app behind a function that `app.callback()` made: the function says nothing of it, the contexts that it makes do. */

/**
 * Calls the function, and tells the app of the context that it makes on its way. Only for what was made by Koa: its first
 * synchronous steps are `Object.create(app.context)` and `context.app = app`, so that is where the context is picked up; after
 * this one call `Object.create` is what it was.
 *
 * The other ways do not lead to the app. A getter of `req.url`, which Koa reads meanwhile, and a listener of `res` are called without the
 * context; `CallSite.getThis()` is undefined in strict code; Koa's AsyncLocalStorage is a property of the app; a setter of `app` on
 * `Object.prototype` would be seen by as many, and for as long. The closure itself is open to the inspector alone, which halts the
 * process to look.
 */
export function learnKoa<T>(call: () => T, found: (app: object) => void): T {
  const { create } = Object;
  const made: object[] = [];
  const spy = (...args: Parameters<typeof create>): unknown => {
    const object = create(...args) as object;
    if (made.length < 3) made.push(object);
    return object;
  };
  let isSpying = true;
  const stop = () => {
    if (isSpying && Object.create === spy) Object.create = create;
    isSpying = false;
  };
  try {
    Object.create = spy as typeof create;
  } catch {
    // Frozen intrinsics: Koa's errors stay Koa's.
    return call();
  }
  try {
    return call();
  } finally {
    stop();
    for (const object of made) {
      const { app } = object as { app?: { callback?: unknown; on?: unknown } };
      if (typeof app?.callback === 'function' && typeof app.on === 'function') {
        found(app);
        break;
      }
    }
  }
}
