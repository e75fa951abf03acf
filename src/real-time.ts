/**
 * Timers, turns and the clock as they were when this package was loaded. Tests of apps put fake ones in their place (vitest, Jest,
 * sinon, node:test), for the app; what carries a request to it goes on.
 */

export const { setTimeout, clearTimeout, setImmediate, queueMicrotask } = globalThis;

/** As `process.nextTick`. */
export const nextTick = process.nextTick.bind(process) as typeof process.nextTick;

const hrtime = process.hrtime.bind(process) as typeof process.hrtime;

/** Milliseconds since some moment, as `performance.now()`, which loads `node:perf_hooks`. */
export function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
