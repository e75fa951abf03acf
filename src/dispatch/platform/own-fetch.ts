/**
 * The platform's `fetch`, whatever `globalThis.fetch` is by now: where `whippet/install` has put this package's in its place, a
 * dispatch that asked for that would come back to itself.
 */

export type Fetch = typeof globalThis.fetch;

const own = new WeakSet<Fetch>();
/** As it was when this was loaded. */
const before: Fetch | undefined = globalThis.fetch;

/** Says that a function is this package's. */
export function markOwnFetch<F extends Fetch>(fetch: F): F {
  own.add(fetch);
  return fetch;
}

/** The global one of this moment, so that a mock of it holds; undefined where there is none. */
export function platformFetch(): Fetch | undefined {
  const { fetch } = globalThis;
  return typeof fetch === 'function' && !own.has(fetch) ? fetch : before;
}
