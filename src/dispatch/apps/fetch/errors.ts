/**
 * Errors that a fetch framework would answer by itself, reported before it does. The framework's own handler stays in its place and
 * answers every other caller as before; with an error handler of the user's own, errors are answered by the app.
 *
 *   Hono   an app with the default `errorHandler`: ours throws on, and `fetch` rejects
 *   H3     an app without `onError`: ours hears the error, the answer follows
 *
 * itty-router has no such place: `Router` rejects, `AutoRouter` always answers.
 */

import { bare } from '../../../bare.js';

type Hear = (error: unknown) => void;

interface HonoLike {
  errorHandler: (error: unknown, context: { req?: { raw?: object } }) => unknown;
  onError: unknown;
}

interface H3Like {
  config: { onError?: unknown };
}

/** On the Request: the entries of a WeakMap would be the garbage collector's to look through. */
const hearKey = Symbol('hear');
const watched = new WeakMap<object, Watch | null>();

/** What an app is watched by while it has requests of ours. */
export interface Watch {
  begin(): void;
  end(): void;
}

/**
 * From now on an error of the app is passed to the listener that `hearErrors` set for its request.
 * @returns What is to be told of each request's beginning and end; null when nothing is.
 */
export function watchErrors(app: object): Watch | null {
  const known = watched.get(app);
  if (known !== undefined) return known;
  const { onError, errorHandler, config } = app as Partial<HonoLike & H3Like>;
  let watch: Watch | null = null;
  if (typeof onError === 'function' && typeof errorHandler === 'function') {
    watch = watchHono(app as HonoLike, errorHandler);
  } else if (config !== null && typeof config === 'object' && 'handler' in app) {
    watchH3(app as unknown as H3Like);
  }
  watched.set(app, watch);
  return watch;
}

/** Asks for the errors of one request. */
export function hearErrors(request: object, hear: Hear): void {
  (request as ErrorListener)[hearKey] = hear;
}

interface ErrorListener {
  [hearKey]?: Hear;
}

/**
 * While requests of ours are in it, the app's default handler is ours, and it is its own again behind them: a router that was
 * tested alone and is mounted in another app has none of its own, and the other's answers.
 */
function watchHono(app: HonoLike, before: HonoLike['errorHandler']): Watch | null {
  if (before !== defaultOf(app)) return null;
  let current = before;
  let count = 0;
  const ours: HonoLike['errorHandler'] = (error, context) => {
    const hear = (context.req?.raw as ErrorListener | undefined)?.[hearKey];
    // An HTTPException is an answer.
    if (hear !== undefined && !(typeof error === 'object' && error !== null && 'getResponse' in error)) throw error;
    return before(error, context);
  };
  const property = {
    configurable: true,
    enumerable: true,
    get: () => (count > 0 && current === before ? ours : current),
    set: (handler: HonoLike['errorHandler']) => void (current = handler),
  };
  if (!Reflect.defineProperty(app, 'errorHandler', bare(property))) return null;
  return { begin: () => void count++, end: () => void count-- };
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
    if (error.unhandled === true) (event.req as ErrorListener | undefined)?.[hearKey]?.(error.cause ?? error);
  };
}
