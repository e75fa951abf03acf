/** Callbacks that are called from elsewhere, in the context that they were given in. */

import { AsyncResource } from 'node:async_hooks';

/** As `AsyncResource.bind(call)`, which on Node 20 and 22 makes a warning of the result's deprecated member, each time. */
export function inThisContext<A extends unknown[], R>(call: (...args: A) => R): (...args: A) => R {
  const resource = new AsyncResource('whippet');
  return (...args) => resource.runInAsyncScope(call, undefined, ...args);
}
