/**
 * Timers, turns and the clock as they were when this package was loaded. Tests of apps put fake ones in their place (vitest, Jest,
 * sinon, node:test), for the app; what carries a request to it goes on.
 */

export const { setTimeout, clearTimeout, setImmediate, queueMicrotask } = globalThis;

/** As `process.nextTick`. */
export const nextTick = process.nextTick.bind(process) as typeof process.nextTick;

/** As `performance.now()`. */
export const now = performance.now.bind(performance);
