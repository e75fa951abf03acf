/** Who is told what happens at the binding, by the id that it was given there. */

import type { ConnectionListener, FileListener, Listener, LookupListener } from './listeners.js';

export type AnyListener = Listener | FileListener | LookupListener | ConnectionListener | (() => void);

/** By id. Ids are dense: a slot that is free again is taken first. */
export const listeners: (AnyListener | undefined)[] = [];
const free: number[] = [];

export function take(listener: AnyListener): number {
  const id = free.pop() ?? listeners.length;
  listeners[id] = listener;
  return id;
}

export function release(id: number): void {
  listeners[id] = undefined;
  free.push(id);
}
