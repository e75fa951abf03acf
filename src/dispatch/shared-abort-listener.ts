/**
 * Listening to a signal that many requests share: one listener each signal, however many exchanges wait for it, and none when
 * the last of them has ended. (A listener per request would make Node warn of a leak at the eleventh.)
 */

/** Calls `onAbort` when the signal aborts; the function returned takes that back. */
export function listen(signal: AbortSignal, onAbort: () => void): () => void {
  let shared = bySignal.get(signal);
  if (shared === undefined) bySignal.set(signal, (shared = new SharedListener()));
  const { waiting } = shared;
  waiting.add(onAbort);
  if (waiting.size === 1) signal.addEventListener('abort', shared, { once: true });
  return () => {
    if (waiting.delete(onAbort) && waiting.size === 0) signal.removeEventListener('abort', shared);
  };
}

class SharedListener {
  readonly waiting = new Set<() => void>();

  handleEvent(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const onAbort of waiting) onAbort();
  }
}

const bySignal = new WeakMap<AbortSignal, SharedListener>();
