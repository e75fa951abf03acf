/** Values that may be promises: of this realm, of another, or of a library. */

/** What `await` waits for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

/** Where a value was wanted that is there at once: what a promise in its place rejects with is not reported a second time. */
export function disregard(value: unknown): void {
  if (isThenable(value)) Promise.resolve(value).catch(() => {});
}
