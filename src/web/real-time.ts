/** In the place of src/real-time.ts: the platform's timers are numbers, need no receiver, and there is no `setImmediate`. */

export const { queueMicrotask } = globalThis;

/** What of Node's Timeout is asked for. */
interface Timer {
  id: unknown;
  refresh(): void;
  unref(): void;
}

const { setTimeout: set, clearTimeout: clear } = globalThis;

export function setTimeout(call: () => void, ms: number): Timer {
  const timer: Timer = {
    id: set(call, ms),
    refresh() {
      clear(timer.id as number);
      timer.id = set(call, ms);
    },
    unref() {},
  };
  return timer;
}

export function clearTimeout(timer: Timer | null | undefined): void {
  if (timer) clear(timer.id as number);
}

export const setImmediate = (call: () => void): unknown => set(call, 0);
export const nextTick = (call: (...args: unknown[]) => void, ...args: unknown[]): void =>
  queueMicrotask(() => call(...args));
export const now = (): number => performance.now();
