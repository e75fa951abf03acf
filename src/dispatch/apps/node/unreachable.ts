/**
 * Tells when nothing in the program can reach an object any more: an app that has returned, and that has left no timer, listener, queue
 * or promise from which its response could be ended, will not answer. The garbage collector knows, and is asked for by the inspector's
 * protocol; only for such apps, and not more often than every quarter of a second for all of them together.
 */

import { QuietTimer } from '../quiet-timer.js';

interface Awaited {
  readonly reference: WeakRef<object>;
  readonly found: () => void;
  /** Answered meanwhile, or given up. */
  readonly isOver: () => boolean;
  looksLeft: number;
}

/** How often it is looked; what is reachable still is another one's to end, or the read timeout's. */
const MAX_LOOK_COUNT = 4;
const INTERVAL_MS = 250;
const awaited = new Set<Awaited>();
/**
 * What the next look is for. What comes later waits for the one after that: whether its error or a shorter read timeout comes first
 * does not depend on when other requests began.
 */
let due: readonly Awaited[] | null = null;

/** Calls `found` when `reference` leads nowhere; never, when that cannot be known. */
export function whenUnreachable(reference: WeakRef<object>, isOver: () => boolean, found: () => void): void {
  awaited.add({ reference, found, isOver, looksLeft: MAX_LOOK_COUNT });
  schedule();
}

function schedule(): void {
  if (due !== null) return;
  due = Array.from(awaited);
  new QuietTimer(INTERVAL_MS, () => void look(), false).start();
}

async function look(): Promise<void> {
  for (const each of awaited) if (each.isOver()) awaited.delete(each);
  const isKnown = awaited.size > 0 && (await collectGarbage());
  for (const each of isKnown ? (due as readonly Awaited[]) : awaited) {
    const isGone = isKnown && each.reference.deref() === undefined;
    if (isGone || each.looksLeft-- === 0 || !isKnown) awaited.delete(each);
    if (isGone && !each.isOver()) each.found();
  }
  due = null;
  if (awaited.size > 0) schedule();
}

/** False where there is no inspector. */
async function collectGarbage(): Promise<boolean> {
  try {
    const { Session } = await import('node:inspector/promises');
    const session = new Session();
    session.connect();
    await session.post('HeapProfiler.collectGarbage');
    session.disconnect();
    return true;
  } catch {
    return false;
  }
}
