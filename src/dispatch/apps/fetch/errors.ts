/**
 * Errors that a fetch framework would answer by itself, told before it does. The framework's own handler stays in its place and
 * does what it did for everybody who is not us; with an error handler of the user's own, errors are answered by the app.
 *
 *   Hono   an app with the default `errorHandler`: ours throws on, and `fetch` rejects
 *   H3     an app without `onError`: ours hears the error, the answer follows
 *
 * itty-router has no such place: `Router` rejects, `AutoRouter` always answers.
 */

type Hear = (error: unknown) => void;

interface HonoLike {
  errorHandler: (error: unknown, context: { req?: { raw?: object } }) => unknown;
  onError(handler: HonoLike['errorHandler']): unknown;
}

interface H3Like {
  config: { onError?: unknown };
}

/** On the Request: the entries of a WeakMap would be the garbage collector's to look through. */
const hearKey = Symbol('hear');
const watched = new WeakSet<object>();

/** From now on errors of the app are told to whoever called `hearErrors` for the request. */
export function watchErrors(app: object): void {
  if (watched.has(app)) return;
  watched.add(app);
  const { onError, errorHandler, config } = app as Partial<HonoLike & H3Like>;
  if (typeof onError === 'function' && typeof errorHandler === 'function') {
    watchHono(app as HonoLike, errorHandler);
  } else if (config !== null && typeof config === 'object' && 'handler' in app) {
    watchH3(app as unknown as H3Like);
  }
}

/** Asks for the errors of one request. */
export function hearErrors(request: object, hear: Hear): void {
  (request as Asked)[hearKey] = hear;
}

interface Asked {
  [hearKey]?: Hear;
}

function watchHono(app: HonoLike, before: HonoLike['errorHandler']): void {
  if (before !== defaultOf(app)) return;
  app.onError((error, context) => {
    const hear = (context.req?.raw as Asked | undefined)?.[hearKey];
    // An HTTPException is an answer.
    if (hear !== undefined && !(typeof error === 'object' && error !== null && 'getResponse' in error)) throw error;
    return before(error, context);
  });
}

/** The handler that an app of that class begins with. */
function defaultOf(app: HonoLike): unknown {
  try {
    return (new (app.constructor as new () => HonoLike)() as Partial<HonoLike>).errorHandler;
  } catch {
    return undefined;
  }
}

function watchH3(app: H3Like): void {
  const { config } = app;
  if (typeof config.onError === 'function' || Object.isFrozen(config)) return;
  config.onError = (error: { unhandled?: boolean; cause?: unknown }, event: { req?: object }) => {
    if (error.unhandled === true) (event.req as Asked | undefined)?.[hearKey]?.(error.cause ?? error);
  };
}
