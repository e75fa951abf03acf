/**
 * Listening to a signal that many requests share: one listener each signal, however many exchanges wait for it, and none when
 * the last of them has ended. (A listener per request would make Node warn of a leak at the eleventh.)
 */

import { Aborter } from './aborter.js';
import type { Abortion } from '../response/body-source.js';

/** Calls `onAbort` when the signal aborts; the function returned takes that back. */
export function listen(signal: AbortSignal, onAbort: () => void): () => void {
  if ((signal as unknown) instanceof Aborter) return (signal as unknown as Aborter).listen(onAbort);
  let shared = bySignal.get(signal);
  if (shared === undefined) bySignal.set(signal, (shared = new SharedListener()));
  const { waiting } = shared;
  waiting.add(onAbort);
  try {
    if (waiting.size === 1) signal.addEventListener('abort', shared, ONCE);
  } catch (error) {
    waiting.delete(onAbort);
    throw error;
  }
  return () => {
    if (waiting.delete(onAbort) && waiting.size === 0) signal.removeEventListener('abort', shared);
  };
}

class SharedListener {
  readonly waiting = new Set<() => void>();

  handleEvent(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    const thrown: unknown[] = [];
    for (const onAbort of waiting) {
      // An app in this process may throw when it is told; the other exchanges are told all the same.
      try {
        onAbort();
      } catch (error) {
        thrown.push(error);
      }
    }
    if (thrown.length > 0) throw thrown[0];
  }
}

/** `signal.reason`, or what its getter throws. */
export function reasonOf(signal: AbortSignal): unknown {
  try {
    return signal.reason;
  } catch (error) {
    return error;
  }
}

/** What the signal was aborted with; null when it was not. */
export function abortionOf(signal: AbortSignal | null | undefined): Abortion | null {
  if (signal === undefined || signal === null) return null;
  try {
    return signal.aborted ? { reason: signal.reason } : null;
  } catch (reason) {
    // One of the user's own making.
    return { reason };
  }
}

/** Node reads more options than these, which a polluted Object.prototype would answer. */
const ONCE = Object.freeze({ __proto__: null, once: true });

const bySignal = new WeakMap<AbortSignal, SharedListener>();
