/** Of `node:events`. */

export const errorMonitor: symbol = Symbol('events.errorMonitor');
