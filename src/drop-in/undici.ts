/**
 * `whippet/undici`: a Dispatcher for what is built on undici: `setGlobalDispatcher()`, `fetch(url, { dispatcher })`,
 * `request(url, { dispatcher })`, interceptors. It needs no undici.
 *
 * ```js
 * import { install } from 'whippet/undici';
 *
 * install(); // the global fetch goes by whippet's pool from here on
 * ```
 */

import { Dispatcher } from './undici/dispatcher.js';
import type { DispatcherOptions } from './undici/dispatcher.js';
import type { Client } from '../client/client.js';

export { Dispatcher };
export type { DispatcherOptions };
export type { DispatchOptions } from './undici/dispatch-options.js';
export type { AnyHandler, DispatchController, DispatchHandler, LegacyHandler } from './undici/handler.js';
/** Errors with the names and codes that users of undici look for; `instanceof` undici's own classes holds as well. @since 0.1.0 */
export * as errors from './undici/errors.js';

/**
 * A dispatcher over a client, which stays its owner's to close, or over one made from options, which is closed with the dispatcher.
 *
 * @throws TypeError, RangeError for bad options, naming them
 * @since 0.1.0
 */
export function createDispatcher(clientOrOptions?: Client | DispatcherOptions): Dispatcher {
  return new Dispatcher(clientOrOptions);
}

/**
 * Makes a dispatcher the process's: the global fetch and undici's own APIs go by it. Both of undici's symbols are set, for what Node
 * bundles and for what is installed.
 *
 * @returns The dispatcher.
 * @since 0.1.0
 */
export function install(dispatcher: Dispatcher = createDispatcher()): Dispatcher {
  const globals = globalThis as unknown as Record<symbol, unknown>;
  // Assigned, as undici defines them writable and not configurable.
  for (const name of GLOBAL_SYMBOLS) {
    if (Object.hasOwn(globals, name)) globals[name] = dispatcher;
    else {
      const descriptor = { __proto__: null, value: dispatcher, writable: true, enumerable: false, configurable: false };
      Object.defineProperty(globals, name, descriptor as PropertyDescriptor);
    }
  }
  return dispatcher;
}

const GLOBAL_SYMBOLS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')];
