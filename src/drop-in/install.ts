/**
 * `whippet/install`: the global fetch is this package's from here on.
 *
 * ```js
 * import { uninstall } from 'whippet/install';
 * ```
 */

import { fetch } from './fetch.js';

let before: PropertyDescriptor | null = null;

/** Puts it in the place of `globalThis.fetch`. A second time does nothing. @since 0.1.0 */
export function install(): void {
  if (globalThis.fetch === fetch) return;
  before = Object.getOwnPropertyDescriptor(globalThis, 'fetch') ?? null;
  Object.defineProperty(globalThis, 'fetch', { value: fetch, writable: true, enumerable: true, configurable: true });
}

/**
 * Puts back what was there. What another one has installed since is left alone; a second time does nothing.
 * @since 0.1.0
 */
export function uninstall(): void {
  if (globalThis.fetch !== fetch || before === null) return;
  Object.defineProperty(globalThis, 'fetch', before);
  before = null;
}

install();
